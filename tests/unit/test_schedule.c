/* experiment/schedule with made-up runners, workloads and time: what is called, in which order and how often.
 */
#include "cmocka_all.h"

#include "experiment/schedule.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 8, IN_ROW = 3, CELLS_MAX = ROWS_MAX * IN_ROW, CALLS_MAX = 20000 };

/* One call: 'o'pen, pro'v'e, 'p'repare, p'l'an, 's'ample, 'c'lose. */
struct call {
    char what;
    size_t number; /* of the workload, which is that of its cell where there is one runner */
    uint64_t seed;
    double seconds;
};

/* What the workloads do. */
static struct world {
    double clock;
    double sample_takes;               /* seconds; 0: as long as was asked for */
    unsigned disturbed_of;             /* of so many samples one is disturbed; 0: none */
    double spread;                     /* of a cell's samples, from round to round */
    size_t fails;                      /* this workload fails; CELLS_MAX: none … */
    size_t fails_from;                 /* … from this of its samples on; SIZE_MAX: when it is prepared */
    const struct runner_ops *not_open; /* this kind of runner is not open … */
    unsigned not_open_from;            /* … from this time on */
    int code;                          /* of a failure … */
    bool stopped;                      /* … with which the user stops it */
    size_t stop_after;                 /* samples; 0: never */
    bool has_metrics;                  /* samples give more than their time */
    double open_takes;                 /* seconds, with a look at the placement's stop in each */
    struct call calls[CALLS_MAX];
    size_t call_count, samples, opened, samples_of[CELLS_MAX];
    double asked[CELLS_MAX];
    double told_fraction, told_left;
    char told[96];
} world;

static size_t number_of(const struct workload *workload)
{
    size_t number;
    memcpy(&number, workload->parameters, sizeof number);
    return number;
}

static void note(char what, size_t number, uint64_t seed, double seconds)
{
    assert_true(world.call_count < CALLS_MAX);
    world.calls[world.call_count++] = (struct call){what, number, seed, seconds};
}

static int made_up_open(const struct runner_config *config, struct runner **runner, struct error *error)
{
    const struct stop *stop = config->placement->config.stop;
    note('o', 0, 0, 0);
    for (double left = world.open_takes; left > 0; left--, world.clock++)
        if (stop_asked(stop))
            return error_set(error, EINTR, "stopped after some of the memory was laid out");
    if (world.not_open == config->ops && world.opened++ >= world.not_open_from) {
        world.stop_after = world.stopped;
        return error_set(error, world.code, "no memory of that kind");
    }
    *runner = calloc(1, sizeof **runner);
    assert_non_null(*runner);
    (*runner)->config = *config;
    return 0;
}

static int made_up_prepare(
    struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    size_t number = number_of(workload);
    note('p', number, seed, 0);
    runner->workload = *workload;
    snprintf(runner->note, sizeof runner->note, "note %zu", number);
    return number == world.fails && world.fails_from == SIZE_MAX
               ? error_set(error, world.code, "cell %zu cannot be", number)
               : 0;
}

static int plan(struct runner *runner, double seconds, struct effort *effort, struct error *error)
{
    size_t number = number_of(&runner->workload);
    (void)error;
    note('l', number, 0, seconds);
    world.asked[number] = seconds;
    effort->steps++;
    return 0;
}

static int made_up_sample(
    struct runner *runner, const struct effort *effort, struct sample *out, struct error *error)
{
    size_t number = number_of(&runner->workload), nth = world.samples_of[number]++;
    note('s', number, 0, 0);
    world.samples++;
    world.clock += world.sample_takes > 0 ? world.sample_takes : world.asked[number];
    if (number == world.fails && nth >= world.fails_from) {
        world.stop_after = world.stopped ? 1 : world.stop_after;
        return error_set(error, world.code, "cell %zu broke", number);
    }
    assert_true(effort->steps > 0);
    *out = (struct sample){
        .disturbed = world.disturbed_of && world.samples % world.disturbed_of == 0 ? DISTURBED_STEAL : 0};
    sample_set_time(out, 10 * (1 + world.spread * (double)(nth % 2)), 5);
    if (world.has_metrics) {
        out->metrics[out->metric_count++] =
            (struct sample_metric){"transport", "ns", 3 + (double)(nth % 3), ""};
        out->metrics[out->metric_count++] = (struct sample_metric){"emulation", "ns", NAN, "not emulated"};
    }
    counters_set(&out->counters, "exits", 2);
    counters_set(&out->counters, "page_faults", 1);
    return 0;
}

static int made_up_proof(struct runner *runner, struct page_proof *proof, struct error *error)
{
    (void)runner, (void)error;
    note('v', 0, 0, 0);
    *proof = (struct page_proof){.as_asked = true, .proof = "proved"};
    return 0;
}

static void made_up_close(struct runner *runner)
{
    note('c', 0, 0, 0);
    free(runner);
}

#define MADE_UP(is_deterministic)                                                                            \
    {                                                                                                        \
        .name = "x", .deterministic = is_deterministic, .open = made_up_open, .prepare = made_up_prepare,    \
        .sample = made_up_sample, .proof = made_up_proof, .close = made_up_close                             \
    }
static const struct runner_ops ops = MADE_UP(false), other_ops = MADE_UP(false), exact_ops = MADE_UP(true);

static const char *label(const struct workload *workload)
{
    static char text[32];
    snprintf(text, sizeof text, "e%zu", number_of(workload));
    return text;
}

static uint64_t some_bytes(const struct workload *workload)
{
    (void)workload;
    return 4096;
}

/* In the placement's memory, and in memory of its own. */

static void write_id(const struct cell *cell, char *rest, size_t size)
{
    snprintf(rest, size, "%s", label(&cell->workload));
}

static const struct workload_kind inside = {.name = "in",
                                      .label = label,
                                      .write_id = write_id,
                                      .bytes = some_bytes,
                                      .plan = plan},
                                  apart = {.name = "apart",
                                      .label = label,
                                      .write_id = write_id,
                                      .pageless = "it has memory of its own",
                                      .plan = plan};
static struct placement place = {.config = {.elsewhere = true}},
                        other_place = {.config = {.elsewhere = true}};
static const struct runner_config one = {.ops = &ops, .placement = &place, .name = "x", .label = "x"};

static double made_up_now(void)
{
    return world.clock;
}

static bool stop_now(void *context)
{
    (void)context;
    return world.stop_after && world.samples >= world.stop_after;
}

static void listen(void *context, double fraction, double seconds_left, const char *what)
{
    (void)context;
    assert_true(fraction >= 0 && fraction <= 1);
    world.told_fraction = fraction;
    world.told_left = seconds_left;
    snprintf(world.told, sizeof world.told, "%s", what);
}

static const struct schedule usual = {.seed = 7,
    .sample_seconds = 0.01,
    .rounds = 4,
    .seconds = 10,
    .stop = {.asked = stop_now},
    .now = made_up_now};

/* A world without trouble. */
static int setup(void **state)
{
    (void)state;
    world = (struct world){.fails = CELLS_MAX, .code = EIO};
    return 0;
}

/* `in_row` workloads in each of `rows` on each of the runners; the others of a row are relative to its first.
 */
static void make_on(const struct runner_config *runners, size_t runner_count,
    const struct workload_kind *kind, size_t rows, size_t in_row, struct scheduled *scheduled,
    struct result *result)
{
    struct workload workloads[IN_ROW] = {{.kind = kind}, {.kind = kind}, {.kind = kind}};
    *scheduled = (struct scheduled){.runners = runners, .runner_count = runner_count};
    *result = (struct result){.experiment = "chase"};
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < in_row; i++)
            memcpy(workloads[i].parameters, &(size_t){row * in_row + i}, sizeof(size_t));
        assert_int_equal(scheduled_add_row(scheduled, result, workloads, in_row, NULL), 0);
    }
}

static void make(size_t rows, size_t in_row, struct scheduled *scheduled, struct result *result)
{
    make_on(&one, 1, in_row > 1 ? &apart : &inside, rows, in_row, scheduled, result);
}

static void run(const struct schedule *schedule, struct scheduled *scheduled, struct result *result)
{
    struct error error;
    if (schedule_run(schedule, scheduled, result, &error) < 0)
        fail_msg("%s", error.text);
    scheduled_free(scheduled);
}

/* The numbers of the calls of one kind, in their order. */
static size_t numbers_of(char what, size_t numbers[CALLS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < world.call_count; i++)
        if (world.calls[i].what == what)
            numbers[count++] = world.calls[i].number;
    return count;
}

/* ---- order ---- */

static void cells_of_a_row_are_sampled_there_and_back(void **state)
{
    static size_t cells[CALLS_MAX];
    struct scheduled scheduled;
    struct result result;
    (void)state;
    make(1, 3, &scheduled, &result);
    run(&usual, &scheduled, &result);
    size_t in_placement = 3 * usual.rounds;
    assert_int_equal(numbers_of('s', cells), PLACEMENTS_MAX * in_placement);
    for (size_t i = 0; i < PLACEMENTS_MAX * in_placement; i++) {
        size_t placement = i / in_placement, round = i % in_placement / 3, nth = i % 3;
        assert_int_equal(cells[i], (round + placement) % 2 ? 2 - nth : nth);
    }
    for (size_t i = 0; i < result.cells[1].sample_count; i++) {
        assert_int_equal(result.cells[1].samples[i].placement, i / usual.rounds);
        assert_int_equal(result.cells[1].samples[i].round, i % usual.rounds);
    }
    result_free(&result);
}

/* The first calls, each a letter. */
static void assert_begins(const char *expected)
{
    char text[64] = "";
    for (size_t i = 0; expected[i]; i++)
        text[i] = world.calls[i].what;
    assert_string_equal(text, expected);
}

static void runners_are_opened_on_a_placement_or_for_a_row_that_has_memory_of_its_own(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.rounds = 1;
    make(2, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_begins("ovplsplscov");
    assert_int_equal(place.bytes, 0); /* it is cleared */
    assert_true(world.calls[3].seconds == usual.sample_seconds);
    assert_string_equal(result.cells[0].pages.proof, "proved");
    assert_string_equal(result.cells[1].note, "note 1");
    result_free(&result);

    setup(NULL);
    make(2, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_begins("oploplssccoploplsscc");
    assert_true(world.calls[1].seed == world.calls[4].seed && world.calls[1].seed != world.calls[11].seed);
    assert_true(result.cells[0].pages.as_asked && !result.cells[0].pages.proof[0]);
    result_free(&result);
}

/* The rows of all placements, in the order in which they were measured. */
static size_t rows_measured(const struct schedule *schedule, size_t rows[CALLS_MAX])
{
    struct scheduled scheduled;
    struct result result;
    setup(NULL);
    make(ROWS_MAX, 1, &scheduled, &result);
    run(schedule, &scheduled, &result);
    result_free(&result);
    return numbers_of('p', rows);
}

static void rows_come_in_random_order_and_the_same_for_the_same_seed(void **state)
{
    static size_t rows[CALLS_MAX], again[CALLS_MAX], other[CALLS_MAX];
    struct schedule schedule = usual;
    (void)state;
    size_t count = rows_measured(&schedule, rows);
    assert_int_equal(rows_measured(&schedule, again), count);
    assert_memory_equal(rows, again, count * sizeof *rows);
    schedule.seed++;
    rows_measured(&schedule, other);
    assert_memory_not_equal(rows, other, count * sizeof *rows);
    assert_memory_not_equal(rows, rows + ROWS_MAX, ROWS_MAX * sizeof *rows); /* the next placement */
    for (size_t placement = 0; placement < count / ROWS_MAX; placement++) {
        unsigned seen = 0;
        for (size_t i = 0; i < ROWS_MAX; i++)
            seen |= 1u << rows[placement * ROWS_MAX + i];
        assert_int_equal(seen, (1u << ROWS_MAX) - 1);
    }
}

/* ---- how much ---- */

static void as_many_placements_are_measured_as_fit_the_time(void **state)
{
    static const struct {
        double seconds;
        unsigned placements;
    } cases[] = {{0.001, PLACEMENTS_MIN}, {0.41, 5}, {1000, PLACEMENTS_MAX}}; /* one takes 0.08 s */
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scheduled scheduled;
        struct result result;
        struct schedule schedule = usual;
        schedule.seconds = cases[i].seconds;
        setup(NULL);
        make(1, 2, &scheduled, &result);
        run(&schedule, &scheduled, &result);
        assert_true(result.complete && !result.broken);
        assert_int_equal(result.cells[0].placements, cases[i].placements);
        assert_int_equal(result.cells[0].sample_count, cases[i].placements * usual.rounds);
        assert_int_equal(result.cells[0].counters.exits, 2 * result.cells[0].sample_count);
        assert_float_equal(result.seconds, 0.08 * cases[i].placements, 1e-9);
        assert_int_equal(result.comparison_count, 1);
        assert_int_equal(result.comparisons[0].placements, cases[i].placements);
        result_free(&result);
    }
}

static void a_wild_first_placement_gives_the_next_ones_more_rounds_and_a_calm_one_fewer(void **state)
{
    static const struct {
        double spread;
        unsigned rounds;
    } cases[] = {{0, 2}, {0.05, 4}, {0.5, 8}};
    struct schedule schedule = usual;
    (void)state;
    schedule.rounds_by_spread = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scheduled scheduled;
        struct result result;
        setup(NULL);
        world.spread = cases[i].spread;
        make(1, 1, &scheduled, &result);
        run(&schedule, &scheduled, &result);
        assert_int_equal(result.cells[0].sample_count, usual.rounds + (PLACEMENTS_MAX - 1) * cases[i].rounds);
        result_free(&result);
    }
}

/* ---- time ---- */

/* Samples take what they are asked for; with 0.01 s each the least number of placements would take 1.92 s. */
static void where_time_is_short_samples_become_shorter_but_not_too_short(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.seconds = 1;
    schedule.shortest_sample_seconds = 0.001;
    make(ROWS_MAX, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_int_equal(result.cells[0].placements, PLACEMENTS_MIN);
    assert_true(result.seconds < 1.05);
    for (size_t i = 0; i < world.call_count; i++)
        if (world.calls[i].what == 'l')
            assert_true(world.calls[i].seconds >= 0.001 && world.calls[i].seconds <= 0.01);
    result_free(&result);

    setup(NULL);
    schedule.shortest_sample_seconds = 0;
    make(ROWS_MAX, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_float_equal(result.seconds, 1.92, 1e-9);
    result_free(&result);
}

static void a_users_budget_is_kept_to_a_sample(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.seconds = 0.105;
    schedule.limit = schedule.seconds;
    make(2, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_false(result.complete || result.broken);
    assert_string_equal(result.incomplete_reason, "the time budget of 0.105 s ended");
    assert_true(result.seconds < 0.105 + 0.0101);
    assert_int_equal(world.samples, 11);
    assert_int_equal(world.calls[world.call_count - 1].what, 'c'); /* and nothing is left open */
    result_free(&result);
}

static void a_users_budget_ends_what_comes_before_the_first_sample_too(void **state)
{
    const struct stop *before = place.config.stop;
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.open_takes = 60;
    schedule.seconds = 2;
    schedule.limit = 3;
    schedule.spent = 1;
    make(2, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_false(result.complete || result.broken);
    assert_true(result.seconds > 2 && result.seconds < 4); /* 60 of old */
    assert_int_equal(world.samples, 0);
    assert_non_null(
        strstr(result.incomplete_reason, "the time budget of 3 s ended before anything was measured"));
    assert_ptr_equal(place.config.stop, before);
    result_free(&result);
}

static void disturbed_samples_are_repeated_twice_within_a_part_of_the_time(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.disturbed_of = 1;
    schedule.seconds = 1000;
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_int_equal(result.cells[0].repeated, 2 * result.cells[0].sample_count);
    assert_int_equal(result.cells[0].quality, QUALITY_NOISY);
    result_free(&result);

    setup(NULL);
    world.disturbed_of = 1;
    schedule.seconds = 1; /* 0.15 s of it, 15 samples and what the last one began */
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_in_range(result.cells[0].repeated, 15, 16);
    result_free(&result);

    setup(NULL);
    world.disturbed_of = 5; /* a repeated one is not: what is disturbed now is gone */
    schedule.seconds = 1000;
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    for (size_t i = 0; i < result.cells[0].sample_count; i++)
        assert_int_equal(result.cells[0].samples[i].disturbed, DISTURBED_NOT);
    assert_int_equal(result.cells[0].repeated, world.samples - result.cells[0].sample_count);
    assert_true(result.cells[0].repeated > 0);
    result_free(&result);
}

static void progress_says_which_placement_and_what_time_is_left(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.progress = (struct progress){listen, NULL};
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_string_equal(world.told, "placement 12 of 12: e0");
    assert_float_equal(world.told_fraction, 11.0 / 12, 1e-9);
    assert_float_equal(world.told_left, 0.04, 1e-9);
    result_free(&result);
}

/* ---- stopping ---- */

static void stopped_anywhere_it_reports_what_is_there(void **state)
{
    (void)state;
    for (size_t after = 1; after <= 24; after++) {
        struct scheduled scheduled;
        struct result result;
        size_t samples = 0;
        setup(NULL);
        world.stop_after = after;
        make(3, 2, &scheduled, &result);
        run(&usual, &scheduled, &result);
        assert_false(result.complete || result.broken);
        assert_string_equal(result.incomplete_reason, "stopped by the user");
        assert_int_equal(world.samples, after);
        for (size_t i = 0; i < result.cell_count; i++) {
            const struct result_cell *cell = &result.cells[i];
            samples += cell->sample_count;
            assert_int_equal(cell->quality, cell->sample_count ? QUALITY_INTERRUPTED : QUALITY_MISSING);
            assert_non_null(strstr(cell->reason, "stopped by the user"));
        }
        assert_int_equal(samples, after);
        assert_int_equal(world.calls[world.call_count - 1].what, 'c');
        result_free(&result);
    }
}

/* Whatever fails of it, and with whatever error. */
static void whoever_notices_it_is_the_user_who_has_stopped_it(void **state)
{
    static const int codes[] = {EINTR, EIO, EAGAIN, ENOTSUP};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof codes / sizeof *codes; i++) {
        struct scheduled scheduled;
        struct result result;
        setup(NULL);
        world.code = codes[i / 2];
        world.stopped = true;
        if (i % 2) {
            world.not_open = &ops;
            world.not_open_from = 2;
        } else {
            world.fails = 0;
            world.fails_from = 7;
        }
        make(1, 1, &scheduled, &result);
        run(&usual, &scheduled, &result);
        assert_false(result.complete || result.broken);
        assert_string_equal(result.incomplete_reason, "stopped by the user");
        assert_non_null(strstr(result.cells[0].reason, "stopped by the user"));
        if (i % 2)
            assert_int_equal(result.cells[0].placements, 2);
        else
            assert_int_equal(result.cells[0].sample_count, 7);
        result_free(&result);
    }
}

/* ---- failing ---- */

static void a_cell_that_fails_leaves_the_others_measured(void **state)
{
    (void)state;
    for (size_t from = 0; from < 20; from++) {
        struct scheduled scheduled;
        struct result result;
        struct error error;
        setup(NULL);
        world.fails = 1;
        world.fails_from = from;
        world.code = from % 2 ? EINTR : EIO; /* also a call that was merely interrupted */
        make(2, 3, &scheduled, &result);
        assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), 0);
        assert_true(result.broken && !result.complete);
        assert_string_equal(result.incomplete_reason, "cell 1 broke");
        for (size_t i = 0; i < result.cell_count; i++)
            if (i != 1)
                assert_int_equal(result.cells[i].quality, QUALITY_GOOD);
        assert_int_equal(result.cells[1].sample_count, from);
        assert_int_equal(world.samples_of[1], from + 1); /* it is not tried again */
        assert_int_equal(result.cells[1].quality, from ? QUALITY_INTERRUPTED : QUALITY_MISSING);
        assert_non_null(strstr(result.cells[1].reason, "cell 1 broke"));
        assert_int_equal(result.comparison_count, from ? 4 : 3);
        scheduled_free(&scheduled);
        result_free(&result);
    }
}

static void where_failures_are_figures_a_cell_that_fails_has_none_and_says_why(void **state)
{
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.fails = 2;
    world.fails_from = 6;
    make(2, 2, &scheduled, &result);
    scheduled.failures_are_figures = true;
    run(&usual, &scheduled, &result);
    assert_true(result.complete && !result.broken);
    assert_int_equal(result.cells[2].sample_count, 0);
    assert_int_equal(result.cells[2].operations, 0);
    assert_int_equal(result.cells[2].quality, QUALITY_MISSING);
    assert_string_equal(result.cells[2].reason, "cell 2 broke");
    assert_int_equal(result.comparison_count, 1);
    result_free(&result);
}

static void nothing_measured_is_the_failure_itself(void **state)
{
    struct scheduled scheduled;
    struct result result;
    struct error error;
    (void)state;
    world.fails = 0;
    world.fails_from = SIZE_MAX;
    world.code = ENOTSUP;
    make(1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), -ENOTSUP);
    assert_string_equal(error.text, "cell 0 cannot be");
    assert_begins("ovpc"); /* there is no second placement */
    assert_int_equal(world.call_count, 4);
    scheduled_free(&scheduled);
    result_free(&result);
}

static void a_runner_that_cannot_be_opened_ends_all_at_first_and_later_itself_alone(void **state)
{
    const struct runner_config two[] = {one, {.ops = &other_ops, .placement = &other_place, .name = "y"}};
    struct scheduled scheduled;
    struct result result;
    struct error error;
    (void)state;
    world.not_open = &other_ops;
    world.code = ENOMEM;
    make_on(two, 2, &inside, 1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), -ENOMEM);
    assert_begins("ooc");
    assert_int_equal(world.call_count, 3);
    world.opened = 0;
    world.not_open_from = 2;
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), 0);
    assert_true(result.broken && !result.complete);
    assert_string_equal(result.incomplete_reason, "no memory of that kind");
    assert_true(result.cells[0].placements > 2);
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    assert_int_equal(result.cells[1].placements, 2);
    assert_int_equal(result.cells[1].quality, QUALITY_INTERRUPTED);
    scheduled_free(&scheduled);
    result_free(&result);
}

/* The probe was good, and then there were no more descriptors, or somebody took the CPU's virtualization. */
static void a_monitor_that_fails_after_its_probe_leaves_the_others(void **state)
{
    static const struct monitor_ops monitor = {.name = "m"};
    struct runner_ops guest_ops = other_ops;
    const struct runner_config two[] = {one, {.ops = &guest_ops, .placement = &other_place, .name = "y"}};
    struct scheduled scheduled;
    struct result result;
    struct error error;
    (void)state;
    guest_ops.monitor = &monitor;
    world.not_open = &guest_ops;
    world.code = EMFILE;
    make_on(two, 2, &inside, 1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), 0);
    assert_true(result.broken && !result.complete);
    assert_string_equal(result.incomplete_reason, "no memory of that kind");
    assert_string_equal(result.cells[1].reason, "no memory of that kind");
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    assert_int_equal(result.cells[1].quality, QUALITY_MISSING);
    scheduled_free(&scheduled);
    result_free(&result);

    world.code = ENOTSUP; /* what was asked for is not to be had: nobody waits for the rest */
    world.opened = 0;
    make_on(two, 2, &inside, 1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), -ENOTSUP);
    scheduled_free(&scheduled);
    result_free(&result);

    world.code = EMFILE; /* and where there are no others, that is the end */
    make_on(&two[1], 1, &inside, 1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), -EMFILE);
    assert_string_equal(error.text, "no memory of that kind");
    scheduled_free(&scheduled);
    result_free(&result);
}

/* ---- who is compared with whom ---- */

static void cells_are_relative_to_native_on_their_memory_and_to_the_first_of_their_row(void **state)
{
    const struct runner_config runners[] = {{.ops = &runner_native, .placement = &place},
        {.ops = &ops, .placement = &place}, {.ops = &runner_native, .placement = &other_place},
        {.ops = &ops, .placement = &other_place},
        {.ops = &ops, .placement = &(struct placement){.bytes = 0}}};
    static const size_t native[] = {0, 0, 2, 2, 0};
    struct scheduled scheduled;
    struct result result;
    (void)state;
    make_on(runners, 5, &apart, 2, 2, &scheduled, &result);
    assert_int_equal(scheduled.cell_count, 20);
    for (size_t i = 0; i < 20; i++) {
        size_t row = i / 10, runner = i % 10 / 2, nth = i % 2;
        assert_int_equal(scheduled.cells[i].runner, runner);
        assert_int_equal(scheduled.cells[i].baselines[0], 10 * row + 2 * native[runner] + nth);
        assert_int_equal(scheduled.cells[i].baselines[1], i - nth);
    }
    scheduled_free(&scheduled);
    result_free(&result);
    make_on(&runners[1], 1, &apart, 1, 1, &scheduled, &result);
    assert_int_equal(scheduled.cells[0].baselines[0], 0); /* without native: itself, which is nothing */
    scheduled_free(&scheduled);
    result_free(&result);
}

/* ---- what does not vary ---- */

static void what_is_deterministic_is_sampled_once(void **state)
{
    const struct runner_config two[] = {one, {.ops = &exact_ops, .placement = &place, .name = "y"}};
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.disturbed_of = 1; /* and not repeated */
    make_on(two, 2, &inside, 2, 1, &scheduled, &result);
    scheduled.cells[1].baselines[0] = 0;
    scheduled.cells[2].baselines[0] = 3;
    run(&usual, &scheduled, &result);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result.cells[i].sample_count, i % 2 ? 1 : PLACEMENTS_MAX * usual.rounds);
    assert_int_equal(result.cells[1].repeated, 0);
    assert_int_equal(result.comparison_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(result.comparisons[i].placements, PLACEMENTS_MAX);
    result_free(&result);

    setup(NULL);
    make_on(&two[1], 1, &inside, 1, 1, &scheduled, &result);
    run(&usual, &scheduled, &result);
    assert_true(result.complete);
    assert_int_equal(world.samples, 1);
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    result_free(&result);
}

static void what_samples_give_besides_has_figures_or_a_reason(void **state)
{
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.has_metrics = true;
    make(1, 2, &scheduled, &result);
    run(&usual, &scheduled, &result);
    for (size_t i = 0; i < 2; i++) {
        const struct result_cell *cell = &result.cells[i];
        assert_int_equal(cell->metric_count, 2);
        assert_string_equal(cell->metrics[0].name, "transport");
        assert_true(cell->metrics[0].value == 4);
        assert_true(cell->metrics[0].low <= 4 && cell->metrics[0].high >= 4);
        assert_null(cell->metrics[0].reason);
        assert_true(isnan(cell->metrics[1].value));
        assert_string_equal(cell->metrics[1].reason, "not emulated");
    }
    result_free(&result);
}

static void an_experiment_is_appended_to_what_there_is(void **state)
{
    const struct workload workloads[2] = {{.kind = &apart}, {.kind = &apart}};
    struct scheduled first, second = {.runners = &one, .runner_count = 1};
    struct result result;
    (void)state;
    make(1, 2, &first, &result);
    run(&usual, &first, &result);
    assert_int_equal(scheduled_add_row(&second, &result, workloads, 2, NULL), 0);
    run(&usual, &second, &result);
    assert_int_equal(result.cell_count, 4);
    assert_int_equal(result.comparison_count, 2);
    assert_int_equal(result.comparisons[1].cell, 3);
    assert_int_equal(result.comparisons[1].baseline, 2);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result.cells[i].placements, PLACEMENTS_MAX);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cells_of_a_row_are_sampled_there_and_back, setup),
        cmocka_unit_test_setup(
            runners_are_opened_on_a_placement_or_for_a_row_that_has_memory_of_its_own, setup),
        cmocka_unit_test_setup(rows_come_in_random_order_and_the_same_for_the_same_seed, setup),
        cmocka_unit_test_setup(as_many_placements_are_measured_as_fit_the_time, setup),
        cmocka_unit_test_setup(
            a_wild_first_placement_gives_the_next_ones_more_rounds_and_a_calm_one_fewer, setup),
        cmocka_unit_test_setup(where_time_is_short_samples_become_shorter_but_not_too_short, setup),
        cmocka_unit_test_setup(a_users_budget_is_kept_to_a_sample, setup),
        cmocka_unit_test_setup(a_users_budget_ends_what_comes_before_the_first_sample_too, setup),
        cmocka_unit_test_setup(disturbed_samples_are_repeated_twice_within_a_part_of_the_time, setup),
        cmocka_unit_test_setup(progress_says_which_placement_and_what_time_is_left, setup),
        cmocka_unit_test_setup(stopped_anywhere_it_reports_what_is_there, setup),
        cmocka_unit_test_setup(whoever_notices_it_is_the_user_who_has_stopped_it, setup),
        cmocka_unit_test_setup(a_cell_that_fails_leaves_the_others_measured, setup),
        cmocka_unit_test_setup(where_failures_are_figures_a_cell_that_fails_has_none_and_says_why, setup),
        cmocka_unit_test_setup(nothing_measured_is_the_failure_itself, setup),
        cmocka_unit_test_setup(
            a_runner_that_cannot_be_opened_ends_all_at_first_and_later_itself_alone, setup),
        cmocka_unit_test_setup(a_monitor_that_fails_after_its_probe_leaves_the_others, setup),
        cmocka_unit_test_setup(
            cells_are_relative_to_native_on_their_memory_and_to_the_first_of_their_row, setup),
        cmocka_unit_test_setup(what_is_deterministic_is_sampled_once, setup),
        cmocka_unit_test_setup(what_samples_give_besides_has_figures_or_a_reason, setup),
        cmocka_unit_test_setup(an_experiment_is_appended_to_what_there_is, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
