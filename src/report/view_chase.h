/* What `vcost chase` says: a table for each shape of chase with what is to be known about its cells, slowdown
 * and latency as charts, how far the caches and TLBs reach, and sentences, each only if the numbers support
 * it. */
#ifndef VCOST_REPORT_VIEW_CHASE_H
#define VCOST_REPORT_VIEW_CHASE_H

#include "report/document.h"
#include "result/compare.h"

/* Appends to the document; the result has to outlive it. */
void view_chase(const struct result *result, struct document *doc);

/* The charts alone, of several results' curves, each called by its result's name too; the first is the one
 * whose reaches are marked. */
void view_chase_overlay(const struct compare_input *results, size_t count, struct document *doc);

#endif
