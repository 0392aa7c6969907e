/* What view_chase.c and view_chase_sentences.c share. All is appended to the document. */
#ifndef VCOST_REPORT_VIEW_CHASE_PARTS_H
#define VCOST_REPORT_VIEW_CHASE_PARTS_H

#include "report/document.h"
#include "result/curves.h"

struct chase_view {
    const struct result *result;
    struct document *doc;
    struct curves curves;
    const char *prefix; /* what its curves are called by besides, where there are several results; NULL */
};

/* How a curve is called, in the document's memory. */
struct curve_words {
    const char *title; /* "native", "kvm (nested) 4K/2M": page sizes where the label alone is ambiguous */
    const char *kind;  /* what tells it from others of its label: "packed, 4K/2M"; "" where it is alone */
    const char *name;  /* for a legend: "packed: kvm (nested) 4K/2M" */
};
struct curve_words chase_words(const struct chase_view *view, const struct curve *curve);

/* The conclusion and the facts that bear it. Whether all was too disturbed to conclude anything. */
bool chase_conclude(const struct chase_view *view);
/* A detail: how many comparisons came out how. */
void chase_say_counts(const struct chase_view *view);

#endif
