/* What costs on this machine whatever the program, found by the very means of vcost inspect, so that both say
 * the same. */
#include "experiment/advise_internal.h"

#include "experiment/inspect.h"

#include <math.h>

/* Of the budget; less than so many seconds tell nothing, and more are not needed. */
static const double inspect_share = 0.1, inspect_least = 3, inspect_most = 6;

/* Whether a remedy that is to be tried is about something that vcost inspect measures, too. */
static bool has_cause(const struct advising *advising)
{
    for (size_t i = 0; i < advising->recipe_count; i++)
        if (advising->recipes[i].cause[0])
            return true;
    return false;
}

int advise_inspect(struct advising *advising, struct setting *setting, struct error *error)
{
    struct advice *advice = &advising->result->advice;
    struct result machine = {.cells = NULL};
    const struct inspect_experiment inspection = {.setting = setting,
        .depth = INSPECT_QUICK,
        .seed = advising->plan->seed,
        .seconds = fmin(inspect_share * advising->plan->budget_seconds, inspect_most)};
    if (advising->plan->quick || inspection.seconds < inspect_least || !has_cause(advising))
        return 0;
    advise_tell(advising, "the machine");
    int rc = experiment_inspect(&inspection, &machine, error);
    if (rc == 0) {
        advice->inspected = true;
        advice->causes = machine.findings.remedies;
        advice->cause_count = machine.findings.remedy_count;
        machine.findings.remedies = NULL;
        machine.findings.remedy_count = 0;
    }
    result_free(&machine);
    return rc;
}
