/* What the files view_chase*.c share. All that they say is appended to the document, and texts live as long
 * as it. */
#ifndef VCOST_REPORT_VIEW_CHASE_PARTS_H
#define VCOST_REPORT_VIEW_CHASE_PARTS_H

#include "report/document.h"
#include "result/curves.h"

struct chase_view {
    const struct result *result;
    struct document *document;
    struct curves curves;
    const char *prefix; /* what its curves are called by besides, where there are several results; NULL */
};

/* What tells a curve from others of its label: "packed", "4K/2M", "packed, 4K/2M"; "" where it is alone. */
const char *chase_curve_kind(const struct chase_view *view, const struct curve *curve);

/* For a legend: its label, with the page sizes where that alone would be ambiguous and with what tells its
 * group from others where there are several: "packed: kvm (nested) 4K/2M". */
const char *chase_curve_name(const struct chase_view *view, const struct curve *curve);

/* ---- view_chase_reaches.c ---- */

/* Marks the reaches that were measured in one curve, and what CPUID reports of the same machine. */
void chase_mark_reaches(const struct chase_view *view, struct chart *chart);
/* "Measured in native: L1d up to 32 KiB (CPUID says 32 KiB); …" */
void chase_say_reaches(const struct chase_view *view);

/* ---- view_chase_sentences.c ---- */

/* The conclusion and the facts that bear it. Whether all was too disturbed to conclude anything. */
bool chase_conclude(const struct chase_view *view);
/* A detail: how many comparisons came out how. */
void chase_say_counts(const struct chase_view *view);

#endif
