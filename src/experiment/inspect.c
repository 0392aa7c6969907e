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

/* Seconds: less is not worth beginning a part for. */
static const double part_least = 0.05;

/* What is done one after the other. */
static const struct part {
    const char *what; /* for the line of progress */
    size_t seconds;   /* offset of its time in struct inspect_plan; 0 there: left out */
    size_t reason;    /* offset in struct inspection of why it failed or was cut short */
    int (*run)(struct inspection *inspection, const struct progress *progress, struct error *error);
} parts[] = {
#define PART(what, name, seconds, run)                                                                       \
    {                                                                                                        \
        what, offsetof(struct inspect_plan, seconds), offsetof(struct inspection, name), run                 \
    }
    /* It takes as long as planned also where the CPU is taken away, and the others then do not. */
    PART("what takes the CPU away", no_gaps, gap_seconds, inspect_gaps),
    /* Before the others: what they touch and give back would be no fresh memory any more. */
    PART("exits, faults and the clock", no_prices, price_seconds, inspect_prices),
    PART("caches and TLBs", no_curves, curve_seconds, inspect_curves),
    PART("the caches", no_caches, cache_seconds, inspect_caches),
    PART("the TLB of large pages", no_large_tlb, large_seconds, inspect_large_tlb),
    PART("memory from several CPUs", no_regions, region_seconds, inspect_regions),
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
    inspection->cut |= rc == 0 && !result->complete && !result->broken;
    if (rc < 0 || !result->complete)
        snprintf(reason, 256, "%.250s", rc < 0 ? error->text : result->incomplete_reason);
    result->complete = true;
    result->broken = false;
    result->incomplete_reason[0] = '\0';
    const struct stop *stop = &inspection->experiment->setting->stop;
    return stop_asked(stop) ? error_set(error, EINTR, "%s", stop_reason(stop)) : 0;
}

void inspect_limit(const struct inspection *inspection, struct schedule *schedule)
{
    const struct inspect_experiment *experiment = inspection->experiment;
    schedule->limit = experiment->seconds;
    schedule->spent = experiment->spent + (clock_seconds() - inspection->started);
}

double inspect_part_seconds(struct inspection *inspection, double planned)
{
    double seconds = planned * inspection->scale;
    double left = inspection->started + inspection->experiment->seconds - inspection->experiment->spent -
                  clock_seconds();
    if (!(inspection->experiment->seconds > 0) || seconds <= left)
        return seconds;
    inspection->cut = true;
    return left < part_least ? 0 : left;
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

/* Whatever fails fails alone: the other parts are measured, and what is told is told. */
static int run_parts(struct inspection *inspection, struct error *error)
{
    const struct error *nothing = &inspection->experiment->setting->cannot_measure;
    int rc = 0;
    double done = 0;
    for (size_t i = 0; rc == 0 && i < PARTS; i++) {
        char *reason = (char *)inspection + parts[i].reason;
        if (nothing->code)
            rc = error_set(error, nothing->code, "%s", nothing->text);
        else if (seconds_of(inspection->plan, &parts[i]) > 0)
            rc = run_part(inspection, &parts[i], done, error);
        if (rc < 0 || !inspection->result->complete)
            rc = inspect_end_part(inspection, rc, reason, error);
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
    struct setting *setting = inspection->experiment->setting;
    bool another_machine;             /* what was measured in between is marked where it was measured */
    if (setting->cannot_measure.code) /* then no counter was calibrated either */
        return 0;
    return lookout_look(&setting->lookout, 0, inspection->result, &another_machine, error);
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
    if (inspection->experiment->setting->cannot_measure.code) {
        inspection->all = (struct evidence){.wall_ns = 0};
        result->complete = false;
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.300s",
            inspection->experiment->setting->cannot_measure.text);
    }
    if (rc == -EINTR) {
        result->complete = false;
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%s",
            stop_reason(&inspection->experiment->setting->stop));
        rc = 0;
    }
    if (result->complete && inspection->cut) {
        result->complete = false;
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "the time budget of %g s ended",
            inspection->experiment->seconds);
    }
    if (rc == 0)
        rc = experiment_find_reaches(result, error);
    return rc < 0 ? rc : inspect_conclude(inspection, error);
}

int experiment_inspect(
    const struct inspect_experiment *experiment, struct result *result, struct error *error)
{
    double time = experiment->seconds - experiment->spent;
    bool short_of_time = experiment->depth == INSPECT_FULL && experiment->seconds > 0 &&
                         time < scale_least * all_seconds(&plans[INSPECT_FULL]);
    const struct inspect_plan *plan = &plans[short_of_time ? INSPECT_QUICK : experiment->depth];
    struct inspection inspection = {
        .experiment = experiment,
        .plan = plan,
        .result = result,
        .short_of_time = short_of_time,
        .scale = experiment->seconds > 0 ? time / all_seconds(plan) : 1,
        .started = clock_seconds(),
    };
    inspection.end = inspection.started + inspection.scale * all_seconds(plan);
    begin_result(result, "inspect", experiment->seed);
    int rc = add_runners(experiment->setting, error);
    if (rc == 0)
        rc = setting_describe(experiment->setting, result, error);
    if (rc == 0)
        rc = measure_and_judge(&inspection, error);
    result->seconds = clock_seconds() - inspection.started;
    return rc;
}
