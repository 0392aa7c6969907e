/* `vcost verify`: whether the monitors of this host reach the three goals of Popek and Goldberg, by trying
 * it.
 */
#ifndef VCOST_EXPERIMENT_VERIFY_H
#define VCOST_EXPERIMENT_VERIFY_H

#include "experiment/schedule.h"
#include "experiment/setting.h"

struct verify_plan {
    struct budget budget;
};

/* Tries and measures on each monitor of a setting that has been probed; those that cannot be used are in the
 * result with their reason. Fills all of the result but what was asked for. Being stopped is no failure. */
int verify_plan_run(const struct verify_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error);

#endif
