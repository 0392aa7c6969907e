/* What `vcost chase` says: a table for each shape of chase with what is to be known about its cells, slowdown
 * and latency as charts, how far the caches and TLBs reach, and sentences, each only if the numbers support
 * it. */
#ifndef VCOST_REPORT_VIEW_CHASE_H
#define VCOST_REPORT_VIEW_CHASE_H

#include "report/document.h"
#include "result/result.h"

/* Appends to the document; the result has to outlive it. */
void view_chase(const struct result *result, struct document *document);

#endif
