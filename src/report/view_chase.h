/* A view of a chase's curves: how they are called, their tables and their charts. What they mean is told by
 * view_chase.c. All texts are in the document's memory. */
#ifndef VCOST_REPORT_VIEW_CHASE_H
#define VCOST_REPORT_VIEW_CHASE_H

#include "report/document.h"
#include "result/curves.h"

/* One result's curves, as they are arranged, and the document that they are told in. */
struct chase_view {
    const struct result *result;
    struct document *doc;
    struct curves curves;
    const char *prefix; /* what its curves are called by besides, where there are several results; NULL */
};

/* How a curve is called. */
struct curve_words {
    const char *title; /* "native", "kvm (nested) 4K/2M": page sizes where the label alone is ambiguous */
    const char *kind;  /* what tells it from others of its label: "packed, 4K/2M"; "" where it is alone */
    const char *name;  /* for a legend: "packed: kvm (nested) 4K/2M" */
};

struct curve_words chase_words(const struct chase_view *view, const struct curve *curve);

/* "random, 64 B elements": what a group's chase is, in which writing and several chains are named alone. */
const char *chase_shape_text(struct document *doc, const struct chase_shape *shape);

/* ns per access of a simulated cell of several chains if all that they do overlaps; its time is that where as
 * little does as may be (model/overlap.h). NAN: it has no such range. */
double chase_at_best(const struct result_cell *cell);

/* A row for each working set at which something of this group was measured, and notes on what is missing. */
void chase_add_table(const struct chase_view *view, const struct curve_group *group);

/* The charts of slowdowns and of latencies, as far as there is something to draw, of one result's curves or
 * of several's. In the first one's latencies the reaches of one curve are marked, and what CPUID reports of
 * the same machine. Returns these as words, "" without any: "Measured in native: L1d up to 32 KiB (CPUID says
 * 32 KiB); …" */
const char *chase_add_charts(const struct chase_view *views, size_t count);

#endif
