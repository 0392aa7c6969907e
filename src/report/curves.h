/* A chase's cells arranged as curves over the working set: the one view that table, plots, pictures and the
 * summary share.
 *
 * A group is one shape of chase (order, element, write, chains); in it there is one curve for each runner and
 * page-size pair, native first. All curves of a group have one point for each of the group's working sets,
 * ascending; where a cell was not measured the point's cell is NULL. */
#ifndef VCOST_REPORT_CURVES_H
#define VCOST_REPORT_CURVES_H

#include "report/span.h"
#include "result/result.h"
#include "result/verdict.h"

struct curve_point {
    uint64_t working_set_bytes;
    const struct result_cell *cell;          /* belongs to the result; NULL: there is none */
    const struct result_comparison *against; /* of this cell with its baseline; NULL: there is none */
};

struct curve {
    char name[144]; /* for a legend: the label, with the page sizes where the label alone would be ambiguous
                       and with what tells its group from the others where there are several */
    const char *label; /* the label of its cells, "kvm (shadow, PVM)"; belongs to the result */
    char title[80];    /* inside its group: name without the group's part */
    bool native;
    bool compared; /* at least one point has a comparison */
    uint64_t guest_page_bytes, host_page_bytes;
    struct curve_point *points; /* as many as the group has working sets */
};

struct curve_group {
    struct chase_shape shape; /* its working set means nothing */
    char name[96];            /* "random, 64 B elements" */
    char tag[96]; /* what tells it from the other groups: "sequential"; "" if it is the only one */
    uint64_t *working_sets;
    size_t working_set_count;
    struct curve *curves;
    size_t curve_count;
};

struct curves {
    struct curve_group *groups;
    size_t group_count;
};

/* Arranges a result's cells. The result has to outlive *curves. -ENOMEM is the only error. Of several cells
 * for one point the last is taken. Comparisons that name no cell are passed over. */
int curves_from_result(const struct result *result, struct curves *curves, struct error *error);
void curves_free(struct curves *curves);

/* Whether a point has a figure, a slowdown, an interval of the slowdown. */
bool point_measured(const struct curve_point *point);
bool point_compared(const struct curve_point *point);
bool point_interval(const struct curve_point *point);

/* What an interval says about a point's slowdown. */
enum verdict point_verdict(const struct curve_point *point);

/* Smallest and largest of something over all curves; false if there is nothing. */
bool curves_working_sets(const struct curves *curves, struct span *bytes);
bool curves_latencies(const struct curves *curves, struct span *ns);

/* Slowdowns in per cent, zero and all points in it, and the intervals except for those that are so much wider
 * than usual that the rest could not be told apart: these are to be cut at the edge, visibly. */
bool curves_slowdowns(const struct curves *curves, struct span *percent);

/* (ratio - 1) * 100 */
double slowdown_percent(double ratio);

#endif
