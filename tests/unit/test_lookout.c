/* What was found out once and can change: looked at again, told, and calibrated anew. With made-up clocks,
 * files and runners. */
#include "test_host_tree.h"

#include "experiment/schedule.h"
#include "result/json.h"
#include "read_result.h"
#include "result/figures.h"

#include <math.h>

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

/* ---- a clock whose counter does as it is told ---- */

static struct {
    double seconds, ghz;
    double ticks;

} made_up;

static void pass(double seconds)
{
    made_up.seconds += seconds;
    made_up.ticks += seconds * made_up.ghz * 1e9;
}

static uint64_t made_up_ticks(void)
{
    pass(20e-9);
    return (uint64_t)made_up.ticks;
}

static double made_up_seconds(void)
{
    return made_up.seconds;
}

static const struct clock_source source = {made_up_ticks, made_up_seconds, pass};

static void start_clock(struct clock *clock)
{
    struct error error;
    made_up.seconds = 1000;
    made_up.ticks = 5e12;
    made_up.ghz = 2;
    assert_int_equal(clock_calibrate_by(clock, &source, &error), 0);
    assert_float_equal(clock->ticks_per_ns, 2, 1e-4);
}

static enum clock_change look(struct clock *clock)
{
    enum clock_change change;
    struct error error;
    if (clock_look_again(clock, &change, &error) < 0)
        fail_msg("%s", error.text);
    return change;
}

static void a_counter_that_runs_on_is_the_same(void **state)
{
    struct clock clock;
    (void)state;
    start_clock(&clock);
    for (int i = 0; i < 50; i++) {
        pass(i * 0.01);
        assert_int_equal(look(&clock), CLOCK_SAME);
    }
    assert_float_equal(clock.ticks_per_ns, 2, 1e-4);
}

static void another_rate_is_calibrated_anew(void **state)
{
    static const double rates[] = {2.4, 2.003, 1.997, 1};
    struct clock clock;
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        start_clock(&clock);
        pass(1);
        made_up.ghz = rates[i];
        pass(10);
        assert_int_equal(look(&clock), CLOCK_OTHER_RATE);
        assert_float_equal(clock.ticks_per_ns, rates[i], 1e-4);
        pass(1);
        assert_int_equal(look(&clock), CLOCK_SAME);
    }
}

/* A resume that begins at 0, a pause in which it ran on, a host whose counter is ahead. */
static void a_counter_that_was_set_keeps_its_rate(void **state)
{
    static const double jumps[] = {-5e12, 3e9, 1e15};
    struct clock clock;
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        start_clock(&clock);
        made_up.ticks += jumps[i];
        pass(1);
        assert_int_equal(look(&clock), CLOCK_ELSEWHERE);
        assert_float_equal(clock.ticks_per_ns, 2, 1e-4);
        pass(1);
        assert_int_equal(look(&clock), CLOCK_SAME);
    }
}

static void this_machines_clock_stays_as_it_is(void **state)
{
    struct clock clock;
    struct error error;
    (void)state;
    if (clock_calibrate(&clock, &error) < 0)
        skip();
    for (int i = 0; i < 3; i++) {
        usleep(30000);
        assert_int_equal(look(&clock), CLOCK_SAME);
    }
}

/* ---- facts ---- */

static struct lookout lookout;
static struct clock made_up_clock;

static int setup(void **state)
{
    struct error error;
    if (tree_setup(state))
        return -1;
    tree_file("/proc/cpuinfo", "processor\t: 0\nmicrocode\t: 0x10\n");
    tree_file(CLOCKSOURCE, "tsc\n");
    tree_file(THP, "always [madvise] never\n");
    tree_file("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n");
    start_clock(&made_up_clock);
    return lookout_open(&lookout, &made_up_clock, &error);
}

static bool looked(struct result *result)
{
    struct error error;
    bool another_machine;
    if (lookout_look(&lookout, 7, result, &another_machine, &error) < 0)
        fail_msg("%s", error.text);
    return another_machine;
}

static void expect_change(struct result *result, const char *name, const char *was, const char *is)
{
    assert_false(looked(result));
    assert_int_equal(result->change_count, 1);
    assert_string_equal(result->changes[0].name, name);
    assert_string_equal(result->changes[0].was, was);
    assert_string_equal(result->changes[0].is, is);
    assert_int_equal(result->changes[0].placements, 7);
    assert_false(looked(result)); /* told once */
    assert_int_equal(result->change_count, 1);
    result_free(result);
}

static void a_file_that_says_another_thing_is_told(void **state)
{
    struct result result = {.change_count = 0};
    (void)state;
    assert_false(looked(&result));
    assert_int_equal(result.change_count, 0);
    tree_file(CLOCKSOURCE, "hpet\n");
    expect_change(&result, "clock-source", "tsc", "hpet");
    tree_file(THP, "[always] madvise never\n");
    expect_change(&result, "thp", "madvise", "always");
    tree_file("/proc/cpuinfo", "processor\t: 0\nmicrocode\t: 0x11\n");
    expect_change(&result, "microcode", "0x10", "0x11");
    tree_file("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance\n");
    expect_change(&result, "governor", "powersave", "performance");
}

static void a_limit_that_is_set_is_told(void **state)
{
    struct result result = {.change_count = 0};
    struct error error;
    (void)state;
    tree_file("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    tree_file("/proc/self/cgroup", "0::/work\n");
    tree_file("/sys/fs/cgroup/work/memory.max", "max\n");
    tree_file("/sys/fs/cgroup/work/cpu.max", "max 100000\n");
    assert_int_equal(lookout_open(&lookout, &made_up_clock, &error), 0);
    tree_file("/sys/fs/cgroup/work/cpu.max", "30000 100000\n");
    expect_change(&result, "cpu-limit", "no limit", "0.300");
    tree_file("/sys/fs/cgroup/work/memory.max", "1073741824\n");
    assert_false(looked(&result));
    assert_int_equal(result.change_count, 1);
    assert_string_equal(result.changes[0].name, "memory-limit");
    assert_string_equal(result.changes[0].is, "1073741824");
    result_free(&result);
}

/* What cannot be seen any more is another thing than what was seen; why it cannot be seen is not. */
static void what_is_unknown_is_no_change_unless_it_was_known(void **state)
{
    struct result result = {.change_count = 0};
    (void)state;
    for (enum host_changing fact = 0; fact < CHANGING_FACTS; fact++)
        if (!lookout.state.facts[fact].known)
            lookout.state.facts[fact] = fact_unknown("some other reason");
    assert_false(looked(&result));
    assert_int_equal(result.change_count, 0);
    tree_file(THP, "\n");
    assert_false(looked(&result));
    assert_int_equal(result.change_count, 1);
    assert_string_equal(result.changes[0].was, "madvise");
    result_free(&result);
}

static void each_fact_of_the_table_is_looked_at(void **state)
{
    (void)state;
    for (enum host_changing fact = 0; fact < CHANGING_FACTS; fact++) {
        struct result result = {.change_count = 0};
        char phrase[RESULT_CHANGE_BYTES];
        lookout.state.facts[fact] = fact_known("what never was");
        assert_int_equal(looked(&result), fact == CHANGING_CPU);
        assert_int_equal(result.change_count, 1);
        assert_string_equal(result.changes[0].name, host_changing_kinds[fact].name);
        result_change_phrase(&result.changes[0], phrase);
        assert_ptr_equal(strstr(phrase, host_changing_kinds[fact].title), phrase);
        assert_true((strstr(phrase, "another machine's") != NULL) == (fact == CHANGING_CPU));
        result_free(&result);
    }
}

/* ---- between placements ---- */

/* An access takes 10 ns as long as the counter runs at 2 GHz, and twice as long on the machine after it; the
 * clock of whoever samples tells. */
static struct {
    unsigned placements, samples, change_after; /* after so many samples */
    void (*change)(void);
} world;

static int open_one(const struct runner_config *config, struct runner **runner, struct error *error)
{
    (void)error;
    *runner = calloc(1, sizeof **runner);
    assert_non_null(*runner);
    (*runner)->config = *config;
    return 0;
}

static int prepare_one(
    struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    (void)seed, (void)error;
    runner->workload = *workload;
    return 0;
}

static int sample_one(
    struct runner *runner, const struct effort *effort, struct sample *out, struct error *error)
{
    double ns = made_up.ghz == 2 ? 10 : 20;
    uint64_t before = made_up_ticks();
    (void)runner, (void)effort, (void)error;
    if (++world.samples == world.change_after)
        world.change();
    pass(1e6 * ns * 1e-9);
    *out = (struct sample){.disturbed = DISTURBED_NOT};
    sample_set_time(out, clock_ns(&made_up_clock, made_up_ticks() - before) / 1e6, 1000000);
    return 0;
}

static int prove_one(struct runner *runner, struct page_proof *proof, struct error *error)
{
    (void)runner, (void)error;
    *proof = (struct page_proof){.as_asked = true, .proof = "proved"};
    return 0;
}

static void close_one(struct runner *runner)
{
    free(runner);
    world.placements++;
}

static int plan_one(struct runner *runner, double seconds, struct effort *effort, struct error *error)
{
    (void)runner, (void)seconds, (void)error;
    effort->steps = 1;
    return 0;
}

static uint64_t some_bytes(const struct workload *workload)
{
    (void)workload;
    return 4096;
}

static const char *label(const struct workload *workload)
{
    (void)workload;
    return "walk";
}

static void write_id(const struct cell *cell, char *rest, size_t size)
{
    (void)cell;
    snprintf(rest, size, "walk");
}

static const struct runner_ops ops = {.name = "x",
    .open = open_one,
    .prepare = prepare_one,
    .sample = sample_one,
    .proof = prove_one,
    .close = close_one};
static const struct workload_kind kind = {
    .name = "in", .label = label, .write_id = write_id, .bytes = some_bytes, .plan = plan_one};

static void measure(struct result *result, double seconds)
{
    static struct placement place = {.config = {.elsewhere = true}};
    const struct runner_config runner = {.ops = &ops, .placement = &place, .name = "x", .label = "x"};
    const struct workload workload = {.kind = &kind};
    const struct schedule schedule = {
        .sample_seconds = 0.01, .rounds = 4, .seconds = seconds, .now = made_up_seconds, .lookout = &lookout};
    struct scheduled scheduled = {.runners = &runner, .runner_count = 1};
    struct error error;
    *result = (struct result){.experiment = "chase"};
    assert_int_equal(scheduled_add_row(&scheduled, result, &workload, 1, &error), 0);
    if (schedule_run(&schedule, &scheduled, result, &error) < 0)
        fail_msg("%s", error.text);
    scheduled_free(&scheduled);
}

static void become_faster(void)
{
    made_up.ghz = 3;
}

static void change_clock_source(void)
{
    tree_file(CLOCKSOURCE, "hpet\n");
}

/* Three would fit the time; the second is measured while it changes. */
static void after_another_rate_as_many_placements_are_measured_anew(void **state)
{
    struct result result;
    (void)state;
    world = (typeof(world)){.change_after = 6, .change = become_faster};
    measure(&result, 0.001);
    const struct result_cell *cell = &result.cells[0];
    assert_int_equal(world.placements, 2 + PLACEMENTS_MIN);
    assert_int_equal(result.change_count, 1);
    assert_string_equal(result.changes[0].name, "counter-rate");
    assert_int_equal(result.changes[0].placements, 2);
    assert_true(result.changes[0].another_machine);
    for (size_t i = 0; i < cell->sample_count; i++)
        assert_int_equal(
            cell->samples[i].disturbed, cell->samples[i].placement < 2 ? DISTURBED_CHANGED : DISTURBED_NOT);
    assert_int_equal(cell->placements, PLACEMENTS_MIN);
    assert_float_equal(cell->median, 20, 0.01); /* with the old rate it would be 30 */
    assert_float_equal(cell->min, 20, 0.01);
    assert_true(result.complete && cell->quality != QUALITY_INTERRUPTED);
    result_free(&result);
}

/* Settings are told; what was measured before counts. */
static void after_another_setting_all_placements_count(void **state)
{
    struct result result;
    (void)state;
    world = (typeof(world)){.change_after = 1, .change = change_clock_source};
    measure(&result, 0.001);
    assert_int_equal(world.placements, PLACEMENTS_MIN);
    assert_int_equal(result.cells[0].placements, PLACEMENTS_MIN);
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    assert_int_equal(result.change_count, 1);
    assert_string_equal(result.changes[0].is, "hpet");
    result_free(&result);
}

/* Where nothing but that was measured it is better than nothing, and marked. */
static void what_was_measured_before_counts_where_nothing_was_after(void **state)
{
    struct result_sample samples[] = {
        {10, 0, 0, DISTURBED_CHANGED}, {11, 0, 1, DISTURBED_CHANGED}, {20, 0, 2, DISTURBED_NOT}};
    struct result_cell cell = {.samples = samples, .sample_count = 2};
    (void)state;
    assert_int_equal(figures_set_cell(&cell), 0);
    assert_int_equal(cell.placements, 2);
    assert_float_equal(cell.median, 10.5, 1e-9);
    cell.sample_count = 3;
    assert_int_equal(figures_set_cell(&cell), 0);
    assert_int_equal(cell.placements, 1);
    assert_float_equal(cell.median, 20, 1e-9);
}

/* However often it changes, it comes to an end. */
static void become_another_again(void)
{
    made_up.ghz = made_up.ghz > 2.5 ? 2 : 3;
    world.change_after += 4; /* in each placement */
}

static void a_rate_that_never_rests_ends_nevertheless(void **state)
{
    struct result result;
    (void)state;
    world = (typeof(world)){.change_after = 1, .change = become_another_again};
    measure(&result, 1000);
    assert_true(world.placements <= 2 * PLACEMENTS_MAX);
    assert_true(result.change_count >= PLACEMENTS_MAX);
    result_free(&result);
}

/* ---- in files ---- */

static void changes_are_written_and_read(void **state)
{
    struct result result, again;
    struct error error;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    world = (typeof(world)){.change_after = 6, .change = become_faster};
    measure(&result, 0.001);
    snprintf(result.started, sizeof result.started, "2026-11-29T12:00:00Z");
    result.cell_count = 0; /* of a kind that only this test knows */
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(json_write(&result, stream, &error), 0);
    fclose(stream);
    if (result_parse("it", text, size, &again, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(again.change_count, 1);
    assert_string_equal(again.changes[0].name, "counter-rate");
    assert_string_equal(again.changes[0].title, result.changes[0].title);
    assert_string_equal(again.changes[0].was, "2.0000 GHz");
    assert_true(again.changes[0].another_machine);
    free(text);
    result.cell_count = 1;
    result_free(&again);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_that_runs_on_is_the_same),
        cmocka_unit_test(another_rate_is_calibrated_anew),
        cmocka_unit_test(a_counter_that_was_set_keeps_its_rate),
        cmocka_unit_test(this_machines_clock_stays_as_it_is),
        cmocka_unit_test_setup_teardown(a_file_that_says_another_thing_is_told, setup, tree_teardown),
        cmocka_unit_test_setup_teardown(a_limit_that_is_set_is_told, setup, tree_teardown),
        cmocka_unit_test_setup_teardown(
            what_is_unknown_is_no_change_unless_it_was_known, setup, tree_teardown),
        cmocka_unit_test_setup_teardown(each_fact_of_the_table_is_looked_at, setup, tree_teardown),
        cmocka_unit_test_setup_teardown(
            after_another_rate_as_many_placements_are_measured_anew, setup, tree_teardown),
        cmocka_unit_test_setup_teardown(after_another_setting_all_placements_count, setup, tree_teardown),
        cmocka_unit_test(what_was_measured_before_counts_where_nothing_was_after),
        cmocka_unit_test_setup_teardown(a_rate_that_never_rests_ends_nevertheless, setup, tree_teardown),
        cmocka_unit_test_setup_teardown(changes_are_written_and_read, setup, tree_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
