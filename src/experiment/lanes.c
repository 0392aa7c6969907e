#include "experiment/internal.h"

#include <errno.h>

/* What a lane is compared with: native on the same memory; where that does not take part (another machine),
 * native on the first site that has it. */
static size_t baseline_of(const struct row *row, size_t lane)
{
    size_t first = lane;
    for (size_t i = row->count; i-- > 0;) {
        if (row_lane(row, i)->type != &runner_native)
            continue;
        if (row->lanes[i].site == row->lanes[lane].site)
            return i;
        first = i;
    }
    return first;
}

int row_make(const struct chase_experiment *experiment, struct row *row, struct error *error)
{
    row->count = 0;
    for (size_t s = 0; s < experiment->site_count; s++) {
        struct site *site = experiment->sites[s];
        for (size_t lane = 0; lane < site->lane_count; lane++) {
            if (row->count == CHASE_LANES_MAX)
                return error_set(error, EINVAL, "more than %d runners side by side", CHASE_LANES_MAX);
            row->lanes[row->count++] = (struct row_lane){.site = site, .index = lane};
        }
    }
    for (size_t lane = 0; lane < row->count; lane++)
        row->lanes[lane].baseline = baseline_of(row, lane);
    return row->count ? 0 : error_set(error, EINVAL, "nothing to run on");
}
