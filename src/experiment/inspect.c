#include "experiment/inspect.h"

#include "experiment/inspect_internal.h"
#include "experiment/internal.h"
#include "experiment/reaches.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct inspect_plan plans[] = {
    [INSPECT_FULL] = {.lines = {64 * KIB, 64 * MIB},
        .per_octave = 3,
        .sample_seconds = 0.0007,
        .curve_seconds = 4.5,
        .cache_seconds = 1.5,
        .large_seconds = 1.5,
        .price_seconds = 1.5,
        .gap_seconds = 0.6,
        .region_seconds = 1.2},
    [INSPECT_QUICK] = {.lines = {64 * KIB, 32 * MIB},
        .per_octave = 2,
        .sample_seconds = 0.0005,
        .curve_seconds = 2.5,
        .price_seconds = 1,
        .gap_seconds = 0.3},
    [INSPECT_CHEAP] = {.lines = {64 * KIB, 32 * MIB},
        .per_octave = 2,
        .sample_seconds = 0.0005,
        .curve_seconds = 1.5,
        .price_seconds = 0.6,
        .gap_seconds = 0.3},
};

/* Of the planned time, what a part is given at least. */
static const double scale_least = 0.4;

/* What is done one after the other. */
static const struct part {
    const char *what; /* for the line of progress */
    size_t seconds;   /* offset of its time in struct inspect_plan; 0 there: left out */
    int (*run)(struct inspection *inspection, const struct progress *progress, struct error *error);
} parts[] = {
    /* First: what the other parts touch and give back would be no fresh memory any more. */
    {"exits, faults and the clock", offsetof(struct inspect_plan, price_seconds), inspect_prices},
    {"caches and TLBs", offsetof(struct inspect_plan, curve_seconds), inspect_curves},
    {"the caches", offsetof(struct inspect_plan, cache_seconds), inspect_caches},
    {"the TLB of large pages", offsetof(struct inspect_plan, large_seconds), inspect_large_tlb},
    {"memory from several CPUs", offsetof(struct inspect_plan, region_seconds), inspect_regions},
    {"what takes the CPU away", offsetof(struct inspect_plan, gap_seconds), inspect_gaps},
};
enum { PARTS = sizeof parts / sizeof parts[0] };

static double seconds_of(const struct inspect_plan *plan, const struct part *part)
{
    return *(const double *)((const char *)plan + part->seconds);
}

static double all_seconds(const struct inspect_plan *plan)
{
    double sum = 0;
    for (size_t i = 0; i < PARTS; i++)
        sum += seconds_of(plan, &parts[i]);
    return sum;
}

int inspect_end_part(struct inspection *inspection, int rc, char reason[static 256], struct error *error)
{
    struct result *result = inspection->result;
    if (rc < 0 || !result->complete)
        snprintf(reason, 256, "%.250s", rc < 0 ? error->text : result->incomplete_reason);
    result->complete = true;
    result->broken = false;
    result->incomplete_reason[0] = '\0';
    return stop_asked(&inspection->experiment->setting->stop) ? error_set(error, EINTR, "stopped by the user")
                                                              : 0;
}

/* ---- progress: that of a part becomes that of the whole ---- */

struct share {
    const struct progress *whole;
    const char *what;
    double before, part, left_after; /* of the whole, 0 to 1; seconds of the parts that follow */
};

static void tell_whole(void *context, double fraction, double seconds_left, const char *what)
{
    const struct share *share = context;
    (void)what;
    share->whole->tell(share->whole->context, share->before + fraction * share->part,
        fmax(seconds_left, 0) + share->left_after, share->what); /* of a part it may be unknown */
}

/* Where parts took longer than planned (a busy machine) those that follow get less, but not too little to
 * mean anything. */
static void keep_pace(struct inspection *inspection, double planned)
{
    double left = inspection->end - clock_seconds();
    inspection->scale = fmax(scale_least, fmin(inspection->scale, left / planned));
}

static int run_part(struct inspection *inspection, const struct part *part, double done, struct error *error)
{
    const struct progress *whole = &inspection->experiment->progress;
    double all = all_seconds(inspection->plan), own = seconds_of(inspection->plan, part);
    keep_pace(inspection, all - done);
    struct share share = {whole, part->what, done / all, own / all, (all - done - own) * inspection->scale};
    struct progress progress = {whole->tell ? tell_whole : NULL, &share};
    if (whole->tell)
        whole->tell(whole->context, share.before, (all - done) * inspection->scale, part->what);
    return part->run(inspection, &progress, error);
}

static int run_parts(struct inspection *inspection, struct error *error)
{
    int rc = 0;
    double done = 0;
    for (size_t i = 0; rc == 0 && i < PARTS; i++) {
        if (seconds_of(inspection->plan, &parts[i]) > 0)
            rc = run_part(inspection, &parts[i], done, error);
        done += seconds_of(inspection->plan, &parts[i]);
    }
    return rc;
}

/* ---- all of it ---- */

static int add_runners(struct setting *setting, struct error *error)
{
    static const uint64_t pages[] = {
        [INSPECT_SMALL] = 4 * KIB, [INSPECT_LARGE] = 2 * MIB, [INSPECT_EVENTS] = 0};
    int rc = 0;
    for (size_t i = setting->runner_count; rc == 0 && i < sizeof pages / sizeof pages[0]; i++) {
        const struct memory_request memory = {.page_bytes = pages[i]};
        struct placement *placement;
        if ((rc = setting_add_placement(setting, &memory, false, &placement, error)) < 0)
            return rc;
        const struct runner_config native = runner_here(&runner_native, placement, NULL, 0);
        rc = setting_add_runner(setting, &native, error);
    }
    return rc;
}

static int look_again(struct inspection *inspection, struct error *error)
{
    bool another_machine; /* what was measured in between is marked where it was measured */
    return lookout_look(
        &inspection->experiment->setting->lookout, 0, inspection->result, &another_machine, error);
}

static int measure_and_judge(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    watch_open(&inspection->watch, result->cpu);
    watch_start(&inspection->watch);
    int rc = look_again(inspection, error); /* since the last round, or since the counter was calibrated */
    if (rc == 0)
        rc = run_parts(inspection, error);
    if (rc == 0)
        rc = look_again(inspection, error);
    inspection->all = watch_end(&inspection->watch);
    watch_close(&inspection->watch);
    if (rc == -EINTR) {
        result->complete = false;
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "stopped by the user");
        rc = 0;
    }
    if (rc == 0)
        rc = experiment_find_reaches(result, error);
    return rc < 0 ? rc : inspect_conclude(inspection, error);
}

int experiment_inspect(
    const struct inspect_experiment *experiment, struct result *result, struct error *error)
{
    const struct inspect_plan *plan = &plans[experiment->depth];
    struct inspection inspection = {
        .experiment = experiment,
        .plan = plan,
        .result = result,
        .scale = experiment->seconds > 0 ? experiment->seconds / all_seconds(plan) : 1,
    };
    double started = clock_seconds();
    inspection.end = started + inspection.scale * all_seconds(plan);
    begin_result(result, "inspect", experiment->seed);
    int rc = add_runners(experiment->setting, error);
    if (rc == 0)
        rc = setting_describe(experiment->setting, result, error);
    if (rc == 0)
        rc = measure_and_judge(&inspection, error);
    result->seconds = clock_seconds() - started;
    return rc;
}
