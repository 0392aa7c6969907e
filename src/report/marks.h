/* What plots and pictures mark along the working sets: where one curve was measured to step up, and, told
 * apart from that, how large the caches and TLBs are that CPUID tells. */
#ifndef VCOST_REPORT_MARKS_H
#define VCOST_REPORT_MARKS_H

#include "report/curves.h"
#include "report/format.h"
#include "result/told_levels.h"

enum { MARKS_MAX = 24 };

/* A measured reach. */
struct measured_mark {
    const struct result_reach *reach;
    struct span bytes; /* working sets that it ends between */
};

struct marks {
    const struct curve *curve; /* that the reaches were measured in; NULL: there are none to mark */
    struct measured_mark measured[MARKS_MAX];
    size_t measured_count;
    struct told_levels told; /* for the chase of that curve, or of the first one; by working set */
};

/* Marks for these curves of the result, both of which must outlive *marks. Reaches of one curve are marked: a
 * native one if there is one, and of several that in which most reaches have a name; never a packed one,
 * whose working sets are another chase's. */
void marks_make(const struct result *result, const struct curves *curves, struct marks *marks);

/* "L1d", "L2 TLB"; "?" for a step that is attributed to nothing. */
const char *mark_name(const struct result_reach *reach);

/* "32K", or "64" for a TLB: up to what was measured, what CPUID tells. */
struct formatted mark_measured_size(const struct result_reach *reach);
struct formatted mark_told_size(const struct told_level *level);

#endif
