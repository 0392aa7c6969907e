/* The reaches of caches and TLBs, found in the measured curves of a chase (measure/steps.h) and attributed to
 * what CPUID tells (attribution.h).
 *
 * A curve is one shape of chase on one runner with one page-size pair. A step of line-per-page is the TLB's
 * where the packed chase of as many lines on the same runner rises by less than half as much; the caches'
 * otherwise. A step of line-per-large-page is the TLB's as long as its few lines fit any first-level cache.
 * Steps of the other orders are held against the caches alone. */
#ifndef VCOST_EXPERIMENT_REACHES_H
#define VCOST_EXPERIMENT_REACHES_H

#include "base/error.h"
#include "result/result.h"

/* Fills result->reaches from its cells and its host, which must be complete. Cells of other machines get
 * reaches without a name: what their CPUs tell is not known. -ENOMEM is the only error. */
int experiment_find_reaches(struct result *result, struct error *error);

#endif
