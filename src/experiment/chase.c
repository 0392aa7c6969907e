#include "experiment/chase.h"

#include "experiment/internal.h"
#include "experiment/reaches.h"
#include "host/memory_facts.h"
#include "runner/chase_kind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Whole elements; whole pages where the working set has many of them. */
static uint64_t rounded(double bytes, uint64_t element_bytes)
{
    uint64_t unit = element_bytes;
    if (bytes >= 64 * KIB && (4 * KIB) % element_bytes == 0)
        unit = 4 * KIB;
    uint64_t units = (uint64_t)llround(bytes / (double)unit);
    return (units ? units : 1) * unit;
}

int chase_working_sets(struct size_range range, unsigned per_octave, uint64_t element_bytes, uint64_t **out,
    size_t *count, struct error *error)
{
    double octaves = log2((double)range.last / (double)range.first);
    size_t steps = (size_t)floor(octaves * per_octave + 1e-9), used = 0;
    uint64_t *sets = calloc(steps + 2, sizeof *sets);
    if (!sets)
        return error_set(error, ENOMEM, "no memory for a list of working sets");
    for (size_t i = 0; i <= steps + 1; i++) {
        double bytes = i <= steps ? (double)range.first * exp2((double)i / per_octave) : (double)range.last;
        uint64_t set = bytes == (double)range.first  ? range.first
                       : bytes == (double)range.last ? range.last
                                                     : rounded(bytes, element_bytes);
        if (set <= range.last && (used == 0 || set > sets[used - 1]))
            sets[used++] = set;
    }
    *out = sets;
    *count = used;
    return 0;
}

int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error)
{
    struct scheduled scheduled = {.runners = experiment->runners, .runner_count = experiment->runner_count};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < experiment->shape_count; i++) {
        const struct workload workload = chase_workload(&experiment->shapes[i]);
        rc = scheduled_add_row(&scheduled, result, &workload, 1, error);
    }
    if (rc == 0)
        rc = schedule_run(&experiment->schedule, &scheduled, result, error);
    scheduled_free(&scheduled);
    return rc;
}

/* ---- what a person asks ---- */

/* Time budgets that keep the default under a minute and --quick under ten seconds: samples may become this
 * short where many are typed, or where the machine is slow or loaded. */
static const struct schedule usual = {.sample_seconds = 0.02,
    .shortest_sample_seconds = 0.002,
    .rounds = 4,
    .rounds_by_spread = true,
    .seconds = 45};
static const struct schedule quick = {.sample_seconds = 0.01,
    .shortest_sample_seconds = 0.002,
    .rounds = 2,
    .rounds_by_spread = true,
    .seconds = 7};

/* ---- shapes ---- */

struct shape_list {
    struct chase_shape *shapes;
    size_t count;
};

/* Appends a curve: one shape for each working set that can be: a line in each large page needs one. */
static int add_curve(const struct chase_plan *plan, enum chase_order order, uint32_t element_bytes,
    struct shape_list *list, struct error *error)
{
    uint64_t *sets;
    size_t count;
    int rc = chase_working_sets(plan->working_set, plan->per_octave,
        chase_bytes_an_element(order, element_bytes), &sets, &count, error);
    if (rc < 0)
        return rc;
    struct chase_shape *grown = realloc(list->shapes, (list->count + count) * sizeof *grown);
    for (size_t i = 0; grown && i < count; i++) {
        struct error cannot_be;
        grown[list->count] = (struct chase_shape){sets[i], element_bytes, order, plan->write, plan->chains};
        list->count += chase_check(&grown[list->count], &cannot_be) == 0;
    }
    list->shapes = grown ? grown : list->shapes;
    free(sets);
    return grown ? 0 : error_set(error, ENOMEM, "no memory for the list of shapes");
}

/* Each order and element size over all working sets. */
static int make_shapes(const struct chase_plan *plan, struct shape_list *list, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->order_count; i++)
        if (chase_single_lines(plan->orders[i]))
            rc = add_curve(plan, plan->orders[i], CHASE_LINE_BYTES, list, error);
        else
            for (size_t j = 0; rc == 0 && j < plan->element_count; j++)
                rc = add_curve(plan, plan->orders[i], plan->element_bytes[j], list, error);
    return rc;
}

/* ---- measuring ---- */

int chase_plan_runners(const struct chase_plan *plan, struct setting *setting, struct error *error)
{
    struct memory_request memory = plan->memory;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->host_page_count; i++) {
        memory.page_bytes = plan->host_pages[i];
        rc = setting_add_wanted(
            setting, &memory, plan->lock, plan->guest_pages, plan->guest_page_count, error);
    }
    return rc;
}

/* What can be told of any machine of today, for an order of magnitude: mapping a byte, by the kernel and by
 * a guest, and writing an element at a random place. */
static const double map_byte_seconds = 0.5e-9, lay_out_seconds = 30e-9;

double chase_plan_least_seconds(const struct chase_plan *plan, const struct setting *setting)
{
    const struct schedule *schedule = plan->budget.quick ? &quick : &usual;
    struct shape_list list = {0};
    struct memory_room room;
    struct error error;
    double bytes = 0, elements = 0;
    int rc = make_shapes(plan, &list, &error);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        struct chase_layout layout = chase_layout_make(&list.shapes[i], 0);
        bytes = fmax(bytes, (double)layout.bytes);
        elements += (double)layout.elements;
    }
    memory_room_look(&room);
    if (rc == 0)
        rc = memory_room_check(&room, (uint64_t)bytes, &error); /* without it nothing begins */
    double samples = (double)list.count * (double)setting->runner_count * ROUNDS_LEAST;
    free(list.shapes);
    return rc < 0 ? NAN
                  : PLACEMENTS_MIN * (samples * schedule->shortest_sample_seconds +
                                         (double)setting->placement_count *
                                             (bytes * map_byte_seconds + elements * lay_out_seconds));
}

int chase_plan_run(const struct chase_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    struct shape_list list = {0};
    struct chase_experiment experiment = {
        .runners = setting->runners,
        .runner_count = setting->runner_count,
        .schedule = schedule_within(&plan->budget, &usual, &quick, &setting->stop, progress,
            setting->simulated ? NULL : &setting->lookout),
    };
    begin_result(result, "chase", plan->budget.seed);
    int rc = make_shapes(plan, &list, error);
    experiment.shapes = list.shapes;
    experiment.shape_count = list.count;
    if (rc == 0)
        rc = experiment_chase(&experiment, result, error);
    if (rc == 0 && (rc = setting_describe(setting, result, error)) == 0)
        rc = experiment_find_reaches(result, error);
    free(list.shapes);
    return rc;
}
