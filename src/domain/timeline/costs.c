#include "domain/timeline/costs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A pace is known from so many samples on. That it is back is looked for in steps, over a window. */
enum {
    PAUSE_BYTES = sizeof(((struct timeline_costs *)0)->longest_moving_in),
    SAMPLES_LEAST = 40,
    STEPS_MAX = 6000,
    WINDOW_STEPS = 5
};
static const double step_seconds = 0.01, back_share = 0.9;

enum phase { BEFORE, MOVING, STOPPED, AFTER, PHASES };

/* The time between two samples of one virtual CPU that follow each other, by where it lies. */
struct stretch {
    enum phase phase;
    double from, to;
    uint64_t work;
    double longest_seconds;
    unsigned cpu;
};

/* What was done in a phase by one virtual CPU. */
struct sum {
    uint64_t work;
    double seconds, longest;
};

struct sums {
    struct sum of[PHASES][PORTABLE_CPUS_MAX];
    size_t samples[PHASES];
    double first_after, last_after;
    struct stretch pause;    /* with the longest pause while it was moved */
    double steps[STEPS_MAX]; /* work after first_after */
};

double timeline_before_seconds(const struct timeline *timeline)
{
    double moving = timeline_marked(timeline, TIMELINE_STOP) - timeline_marked(timeline, TIMELINE_BEGUN);
    return fmin(fmax(isnan(moving) ? 1 : moving, 1), 5);
}

static enum phase phase_of(
    const struct timeline_sample *from, const struct timeline_sample *to, double time, double begun)
{
    if (to->side == 0)
        return time <= begun ? BEFORE : MOVING;
    return from->side == 0 ? STOPPED : AFTER;
}

/* ---- adding up ---- */

static void add_steps(struct sums *sums, const struct stretch *stretch)
{
    double pace = (double)stretch->work / (stretch->to - stretch->from);
    for (double from = stretch->from; from < stretch->to;) {
        double step = floor((from - sums->first_after) / step_seconds + 1e-9);
        double to = fmin(stretch->to, sums->first_after + (step + 1) * step_seconds);
        if (!(step >= 0) || step >= STEPS_MAX || !(to > from))
            return;
        sums->steps[(size_t)step] += pace * (to - from);
        from = to;
    }
}

static void add_up(const struct timeline *timeline, struct sums *sums)
{
    const struct timeline_sample *last[PORTABLE_CPUS_MAX] = {NULL};
    double begun = timeline_marked(timeline, TIMELINE_BEGUN),
           earliest = begun - timeline_before_seconds(timeline);
    *sums = (struct sums){.first_after = INFINITY, .last_after = -INFINITY};
    for (size_t i = 0; i < timeline->count; i++)
        if (timeline->samples[i].side)
            sums->first_after = fmin(sums->first_after, timeline_time(timeline, &timeline->samples[i]));
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_sample *to = &timeline->samples[i], *from = last[to->cpu];
        double time = timeline_time(timeline, to);
        last[to->cpu] = time >= earliest ? to : NULL;
        if (!from || time < earliest)
            continue;
        struct stretch stretch = {.phase = phase_of(from, to, time, begun),
            .from = timeline_time(timeline, from),
            .to = time,
            .work = to->at.done - from->at.done,
            .longest_seconds = (double)to->at.longest / timeline->sides[to->side].ticks_per_second};
        struct sum *sum = &sums->of[stretch.phase][to->cpu];
        sums->samples[stretch.phase]++;
        sum->work += stretch.work;
        sum->seconds += stretch.to - stretch.from;
        sum->longest = fmax(sum->longest, stretch.longest_seconds);
        if (stretch.phase == MOVING && stretch.longest_seconds > sums->pause.longest_seconds)
            sums->pause = stretch;
        if (stretch.phase == AFTER) {
            sums->last_after = fmax(sums->last_after, time);
            add_steps(sums, &stretch);
        }
    }
}

static double pace_of(const struct sums *sums, enum phase phase, unsigned cpus)
{
    double pace = 0;
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        pace += sums->of[phase][cpu].seconds > 0
                    ? (double)sums->of[phase][cpu].work / sums->of[phase][cpu].seconds
                    : 0;
    return sums->samples[phase] >= SAMPLES_LEAST && pace > 0 ? pace : NAN;
}

static uint64_t work_of(const struct sums *sums, enum phase phase)
{
    uint64_t work = 0;
    for (unsigned cpu = 0; cpu < PORTABLE_CPUS_MAX; cpu++)
        work += sums->of[phase][cpu].work;
    return work;
}

static double longest_ms(const struct sums *sums, enum phase phase)
{
    double longest = 0;
    for (unsigned cpu = 0; cpu < PORTABLE_CPUS_MAX; cpu++)
        longest = fmax(longest, sums->of[phase][cpu].longest);
    return sums->samples[phase] ? longest * 1e3 : NAN;
}

static double seconds_of(const struct sums *sums, enum phase phase)
{
    double seconds = 0;
    for (unsigned cpu = 0; cpu < PORTABLE_CPUS_MAX; cpu++)
        seconds = fmax(seconds, sums->of[phase][cpu].seconds);
    return sums->samples[phase] ? seconds : NAN;
}

/* ---- what it comes to ---- */

static void find_stall(const struct timeline *timeline, const struct sums *sums, struct timeline_costs *costs)
{
    double lost = 0, all = 0;
    for (unsigned cpu = 0; cpu < timeline->cpus; cpu++) {
        const struct sum *before = &sums->of[BEFORE][cpu], *moving = &sums->of[MOVING][cpu];
        all += moving->seconds;
        lost += moving->seconds - (double)moving->work * before->seconds / (double)before->work;
    }
    if (isnan(costs->pace_before) || isnan(costs->pace_moving))
        return;
    costs->stall_ms = lost / timeline->cpus * 1e3;
    costs->stall_share = all > 0 ? lost / all : NAN;
}

static void find_back(const struct sums *sums, struct timeline_costs *costs)
{
    double least = back_share * costs->pace_before * step_seconds * WINDOW_STEPS, work = 0;
    for (size_t step = 0; step + WINDOW_STEPS <= STEPS_MAX; work += sums->steps[step++]) {
        double window = 0;
        if (sums->first_after + (double)(step + WINDOW_STEPS) * step_seconds > sums->last_after ||
            isnan(least))
            return;
        for (size_t i = 0; i < WINDOW_STEPS; i++)
            window += sums->steps[step + i];
        if (window >= least) {
            costs->back_ms = (double)step * step_seconds * 1e3;
            costs->lost_after_ms = costs->back_ms - work / costs->pace_before * 1e3;
            return;
        }
    }
}

/* What was done in most of the time in which a pause lies: between two marks. */
static void name_pause(
    const struct timeline *timeline, const struct stretch *pause, char name[static PAUSE_BYTES])
{
    static const char *const doing[TIMELINE_EVENTS] = {[TIMELINE_BEGUN] = "agreeing with the destination",
        [TIMELINE_LOG] = "turning the dirty log on",
        [TIMELINE_LOGGING] = "turning the dirty log on",
        [TIMELINE_STOP] = "stopping"};
    double most = 0;
    unsigned passes = 0;
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct timeline_mark *mark = &timeline->marks[i];
        const double end = i + 1 < timeline->mark_count ? timeline->marks[i + 1].seconds : INFINITY;
        const double shared = fmin(end, pause->to) - fmax(mark->seconds, pause->from);
        passes += mark->event == TIMELINE_PASS;
        if (!(shared > most))
            continue;
        most = shared;
        if (mark->event == TIMELINE_PASS)
            snprintf(name, PAUSE_BYTES, "pass %u over memory", passes);
        else
            snprintf(name, PAUSE_BYTES, "%s", doing[mark->event] ? doing[mark->event] : "");
    }
}

/* From the last look before `from` until the first one after `to`, at the source: how long it had no CPU. */
static struct timeline_look without_cpu(const struct timeline *timeline, double from, double to)
{
    struct timeline_look least = {.waited = NAN, .stolen = NAN};
    for (size_t i = 0; i < timeline->look_count && !timeline->looks[i].side; i++) {
        const struct timeline_look *look = &timeline->looks[i];
        if (look->seconds <= from)
            least = *look;
        if (look->seconds >= to || i + 1 == timeline->look_count || timeline->looks[i + 1].side)
            return (struct timeline_look){
                .waited = look->waited - least.waited, .stolen = look->stolen - least.stolen};
    }
    return (struct timeline_look){.waited = NAN, .stolen = NAN};
}

/* Others had the CPU for most of a pause: of this machine, or beside it. */
static void look_at_waiting(
    const struct timeline *timeline, const struct stretch *pause, struct timeline_costs *costs)
{
    struct timeline_look all = without_cpu(timeline, timeline_marked(timeline, TIMELINE_BEGUN), INFINITY),
                         then = without_cpu(timeline, pause->from, pause->to);
    const char *why = then.waited >= pause->longest_seconds / 2   ? ", waiting for a CPU"
                      : then.stolen >= pause->longest_seconds / 2 ? ", while the hypervisor ran others"
                                                                  : "";
    costs->waited_ms = all.waited / timeline->cpus * 1e3;
    costs->stolen_ms = all.stolen * 1e3;
    strncat(costs->longest_moving_in, why, PAUSE_BYTES - strlen(costs->longest_moving_in) - 1);
}

/* ---- pages ---- */

/* NAN of what is not known. */
static double guest_share(const struct timeline_look *look)
{
    return 512 * look->guest_large / (512 * look->guest_large + look->guest_small);
}

/* fmin() passes over what is not known. */
static void look_at_pages(const struct timeline *timeline, struct timeline_costs *costs)
{
    double begun = timeline_marked(timeline, TIMELINE_BEGUN);
    const struct timeline_look *first[TIMELINE_SIDES] = {NULL}, *last[TIMELINE_SIDES] = {NULL};
    for (size_t i = 0; i < timeline->look_count; i++) {
        const struct timeline_look *look = &timeline->looks[i];
        double large = look->large_bytes / look->resident_bytes, guest = guest_share(look);
        if (look->side) {
            costs->large_after = large;
            costs->guest_large_after = guest;
        } else if (look->seconds <= begun) {
            costs->large_before = large;
            costs->guest_large_before = guest;
        } else {
            costs->large_moving = fmin(costs->large_moving, large);
            costs->guest_large_moving = fmin(costs->guest_large_moving, guest);
        }
        if (isnan(look->faults))
            continue;
        if (!first[look->side] || (!look->side && look->seconds <= begun))
            first[look->side] = look;
        last[look->side] = look;
    }
    if (first[0] && last[0] != first[0])
        costs->faults_moving = last[0]->faults - first[0]->faults;
    if (first[1] && last[1] != first[1])
        costs->faults_after = last[1]->faults - first[1]->faults;
}

void timeline_costs_of(const struct timeline *timeline, struct timeline_costs *costs)
{
    static _Thread_local struct sums sums; /* large */
    *costs = (struct timeline_costs){.samples = timeline->count,
        .samples_lost = timeline->lost,
        .stall_ms = NAN,
        .stall_share = NAN,
        .waited_ms = NAN,
        .stolen_ms = NAN,
        .stopped_ms = NAN,
        .back_ms = NAN,
        .lost_after_ms = NAN,
        .large_before = NAN,
        .large_moving = NAN,
        .large_after = NAN,
        .guest_large_before = NAN,
        .guest_large_moving = NAN,
        .guest_large_after = NAN,
        .faults_moving = NAN,
        .faults_after = NAN};
    look_at_pages(timeline, costs);
    add_up(timeline, &sums);
    if (timeline->missing || !timeline->count)
        snprintf(costs->missing, sizeof costs->missing, "%s",
            timeline->missing ? timeline->missing : "the program did nothing");
    costs->work_before = work_of(&sums, BEFORE);
    costs->work_moving = work_of(&sums, MOVING);
    costs->work_stopped = work_of(&sums, STOPPED);
    costs->work_after = work_of(&sums, AFTER);
    costs->before_seconds = seconds_of(&sums, BEFORE);
    costs->moving_seconds = seconds_of(&sums, MOVING);
    costs->after_seconds = seconds_of(&sums, AFTER);
    costs->pace_before = pace_of(&sums, BEFORE, timeline->cpus);
    costs->pace_moving = pace_of(&sums, MOVING, timeline->cpus);
    costs->pace_after = pace_of(&sums, AFTER, timeline->cpus);
    costs->longest_before_ms = longest_ms(&sums, BEFORE);
    costs->longest_moving_ms = longest_ms(&sums, MOVING);
    costs->longest_after_ms = longest_ms(&sums, AFTER);
    name_pause(timeline, &sums.pause, costs->longest_moving_in);
    look_at_waiting(timeline, &sums.pause, costs);
    if (timeline_one_clock(timeline))
        costs->stopped_ms = longest_ms(&sums, STOPPED);
    find_stall(timeline, &sums, costs);
    find_back(&sums, costs);
}

bool timeline_is_enough(const struct timeline *timeline)
{
    struct timeline_costs costs;
    double since = timeline_now() - timeline_marked(timeline, TIMELINE_RUNS);
    if (since < timeline_before_seconds(timeline))
        return false;
    timeline_costs_of(timeline, &costs);
    return !isnan(costs.back_ms) || isnan(costs.pace_before) || since >= TIMELINE_AFTER_SECONDS;
}
