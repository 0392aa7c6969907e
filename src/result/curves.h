/* A chase's cells arranged as curves over the working set: what tables, charts, sentences and the search for
 * reaches share.
 *
 * A group is one shape of chase (order, element, write, chains); in it there is one curve for each runner and
 * page-size pair, native first. All curves of a group have one point for each of the group's working sets,
 * ascending; where a cell was not measured the point's cell is NULL. */
#ifndef VCOST_RESULT_CURVES_H
#define VCOST_RESULT_CURVES_H

#include "base/pool.h"
#include "result/result.h"

struct curve_point {
    uint64_t working_set_bytes;
    const struct result_cell *cell;          /* belongs to the result; NULL: there is none */
    const struct result_comparison *against; /* of this cell with its baseline; NULL: there is none */
    const char *doubt; /* why its ratio is not to be told: comparison_doubt(); NULL: it may be */
};

struct curve {
    const struct curve_group *group;
    const char *label;                          /* of its cells, "kvm (shadow, PVM)"; belongs to the result */
    bool native, elsewhere;                     /* elsewhere: on another machine */
    bool modelled;                              /* on a simulated one */
    bool compared;                              /* at least one point has a comparison */
    uint64_t guest_page_bytes, host_page_bytes; /* guest: 0 for native */
    struct curve_point *points;                 /* as many as the group has working sets */
};

struct curve_group {
    struct chase_shape shape; /* its working set means nothing */
    uint64_t *working_sets;
    size_t working_set_count, working_set_room;
    struct curve *curves;
    size_t curve_count, curve_room;
};

struct curves {
    struct curve_group *groups;
    size_t group_count, group_room;
    const struct curve **all; /* the curves of all groups, one group after the other */
    size_t count;
};

/* Arranges a result's cells of chases, in the pool's memory. The result has to outlive *curves. Without
 * memory there are no curves, and the pool remembers it. Of several cells for one point the last is taken.
 * Comparisons that name no such cell are passed over. */
void curves_arrange(const struct result *result, struct pool *pool, struct curves *curves);

/* Whether a point has a figure, of what its curve says, and a ratio to its baseline. */
static inline bool point_measured(const struct curve_point *point)
{
    return point->cell && !cell_unlike(point->cell);
}

static inline bool point_compared(const struct curve_point *point)
{
    return point->against && isfinite(point->against->ratio) && !point->doubt;
}

#endif
