#include "experiment/model_here.h"

#include "experiment/chase.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Elements are single lines, so that each order touches as many of them at a working set. */
static struct chase_plan plan_of(double seconds)
{
    return (struct chase_plan){
        .working_set = {4 * KIB, GIB},
        .per_octave = 1,
        .orders = {CHASE_RANDOM, CHASE_RANDOM_IN_PAGE, CHASE_SEQUENTIAL, CHASE_LINE_PER_PAGE},
        .order_count = 4,
        .element_bytes = {CHASE_LINE_BYTES},
        .element_count = 1,
        .chains = 1,
        .guest_pages = {4 * KIB},
        .guest_page_count = 1,
        .host_pages = {4 * KIB, 2 * MIB},
        .host_page_count = 2,
        .memory = {.source = MEMORY_AUTO},
        .budget = {.seconds = seconds, .seed = 1},
    };
}

static int measure(struct setting *setting, double seconds, const struct stop *stop,
    const struct progress *progress, struct model_here *here, struct error *error)
{
    static const char *const native[] = {"native"};
    const struct chase_plan plan = plan_of(seconds / MODEL_HERE_TIMES);
    int rc = setting_probe(setting, native, 1, error);
    if (rc == 0)
        rc = chase_plan_runners(&plan, setting, error);
    snprintf(here->busy, sizeof here->busy, "%s", setting->busy);
    for (size_t i = 0; rc == 0 && i < MODEL_HERE_TIMES; i++) {
        rc = chase_plan_run(&plan, setting, progress, &here->results[i], error);
        if (rc == 0 && stop_asked(stop))
            rc = error_set(error, EINTR, "%s", stop_reason(stop));
    }
    return rc;
}

int model_measure_here(double seconds, const struct stop *stop, const struct progress *progress,
    struct model_here *here, struct error *error)
{
    struct setting *setting = calloc(1, sizeof *setting);
    if (!setting)
        return error_set(error, ENOMEM, "no memory to measure this host");
    int rc = setting_open(setting, -1, stop, error);
    if (rc == 0)
        rc = measure(setting, seconds, stop, progress, here, error);
    setting_close(setting);
    free(setting);
    return rc;
}
