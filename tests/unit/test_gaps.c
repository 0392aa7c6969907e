/* measure/gaps: what took the CPU away is counted right, and what this kernel knows is told apart from what
 * it does not. */
#include "cmocka_all.h"

#include "measure/gaps.h"
#include "measure/pin.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { THRESHOLD = 1000 };

static void a_gap_is_what_is_longer_than_the_threshold(void **state)
{
    static const uint64_t stamps[] = {120, 1120, 1121, 2122, 2122, 9000};
    static const uint64_t gaps[] = {0, 0, 0, 1001, 0, 6878};
    struct gap_spotter spotter = {.last = 100, .threshold = THRESHOLD};
    (void)state;
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++)
        assert_int_equal(gap_spot(&spotter, stamps[i]), gaps[i]);
    assert_int_equal(spotter.backwards, 0);
}

static void a_counter_that_goes_back_is_told_and_is_no_gap(void **state)
{
    struct gap_spotter spotter = {.last = 5000, .threshold = THRESHOLD};
    (void)state;
    assert_int_equal(gap_spot(&spotter, 4000), 0);
    assert_int_equal(spotter.backwards, 1);
    assert_int_equal(gap_spot(&spotter, 4500), 0);
    assert_int_equal(gap_spot(&spotter, 6000), 1500);
}

static struct gaps judge(const struct gap_log *log)
{
    struct gaps found;
    struct error error;
    assert_int_equal(gaps_judge(log, &found, &error), 0);
    return found;
}

static void nothing_seen_has_no_lengths(void **state)
{
    struct gap_window window = {1e8, 0, 0};
    struct gap_log log = {.windows = &window, .window_count = 1, .steal_known = true};
    (void)state;
    struct gaps found = judge(&log);
    assert_int_equal(found.all.count, 0);
    assert_true(isnan(found.all.median_ns) && found.all.longest_ns == 0 && found.all.share == 0);
    assert_true(found.steal_share == 0 && found.steal.most == 0);
    struct gaps empty = judge(&(struct gap_log){.count = 0});
    assert_true(isnan(empty.all.share) && isnan(empty.steal_share) && isnan(empty.taken.median));
}

static void lengths_are_counted_and_ranked(void **state)
{
    struct gap gaps[100];
    struct gap_window window = {1e8, 0, 0};
    struct gap_log log = {.gaps = gaps,
        .count = 100,
        .windows = &window,
        .window_count = 1,
        .interrupts_known = true,
        .interrupts = 100};
    (void)state;
    for (size_t i = 0; i < 100; i++)
        gaps[i] = (struct gap){1000.0 * (double)((i * 37) % 100 + 1), 0, false};
    struct gaps found = judge(&log);
    assert_int_equal(found.all.count, 100);
    assert_true(found.all.total_ns == 5050e3 && found.all.longest_ns == 100e3);
    assert_true(found.all.median_ns == 50e3 && found.all.p90_ns == 90e3 && found.all.p99_ns == 99e3);
    assert_true(fabs(found.all.share - 0.0505) < 1e-12);
    assert_int_equal(found.known.count, 0);
    assert_int_equal(found.below.count, 50); /* longer than 50 µs */
    assert_true(found.below.longest_ns == 100e3 && found.below.median_ns == 75e3);
}

static void what_the_kernel_knows_is_told_apart(void **state)
{
    static const struct gap gaps[] = {
        {3e6, 0, true},                      /* preempted */
        {2e6, 1.9e6, false},                 /* the kernel knows that the thread did not run */
        {4e3, 0, false},                     /* an interrupt, as a rule */
        {5e3, 1e3, false}, {8e6, 10, false}, /* below */
    };
    struct gap_window window = {1e8, 0, 0};
    struct gap_log log = {.gaps = gaps,
        .count = 5,
        .windows = &window,
        .window_count = 1,
        .interrupts_known = true,
        .interrupts = 2};
    (void)state;
    struct gaps found = judge(&log);
    assert_int_equal(found.known.count, 2);
    assert_true(found.known.total_ns == 5e6);
    assert_int_equal(found.unknown.count, 3);
    assert_int_equal(found.below.count, 1);
    assert_true(found.below.total_ns == 8e6);
    assert_int_equal(found.switches, 1);
}

static void more_gaps_than_interrupts_come_from_below(void **state)
{
    struct gap gaps[50];
    struct gap_window window = {1e8, 0, 0};
    struct gap_log log = {.gaps = gaps,
        .count = 50,
        .windows = &window,
        .window_count = 1,
        .interrupts_known = true,
        .interrupts = 30};
    (void)state;
    for (size_t i = 0; i < 50; i++)
        gaps[i] = (struct gap){2000 + (double)i, 0, false};
    assert_int_equal(judge(&log).below.count, 20);
    log.interrupts_known = false;
    assert_int_equal(judge(&log).below.count, 0);
}

static void jitter_is_over_windows(void **state)
{
    static const struct gap_window windows[] = {
        {1e8, 1e6, 0}, {1e8, 2e6, 1e7}, {1e8, 30e6, 3e7}, {1e8, 1e6, 0}, {1e8, 2e6, 2e8}};
    struct gap_log log = {.windows = windows, .window_count = 5, .steal_known = true};
    (void)state;
    struct gaps found = judge(&log);
    assert_true(found.steal.least == 0 && found.steal.median == 0.1 && found.steal.most == 1);
    assert_true(found.taken.least == 0.01 && found.taken.median == 0.02 && found.taken.most == 0.3);
    assert_true(found.watched_ns == 5e8 && found.steal_ns == 2.4e8);
    log.steal_known = false;
    found = judge(&log);
    assert_true(isnan(found.steal.most) && isnan(found.steal_share) && found.taken.most == 0.3);
}

static uint64_t interrupts_of(unsigned cpu, bool *found)
{
    static const char *const lines[] = {
        "           CPU0       CPU2       CPU10\n",
        "  0:         44          1          7   IO-APIC   2-edge      timer\n",
        " 24:          1          0          2  PCI-MSI 81920-edge      virtio0-req.0\n",
        "LOC:     100000     200000     300000   Local timer interrupts\n",
        "ERR:          9\n",
        "MIS:          0\n",
    };
    struct interrupt_count count = {.found = false};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        interrupt_count_line(&count, lines[i], cpu);
    *found = count.found;
    return count.count;
}

static void interrupts_are_those_of_the_cpu(void **state)
{
    bool found;
    (void)state;
    assert_int_equal(interrupts_of(2, &found), 200001);
    assert_true(found);
    assert_int_equal(interrupts_of(10, &found), 300009);
    assert_true(found);
    interrupts_of(1, &found);
    assert_false(found);
}

/* Whatever this machine does: the figures agree with each other. */
static void a_watch_here_adds_up(void **state)
{
    struct clock clock;
    struct pin pin;
    struct gaps found;
    struct error error;
    (void)state;
    if (clock_calibrate(&clock, &error) < 0)
        skip();
    assert_int_equal(pin_thread(&pin, -1, &error), 0);
    assert_int_equal(gaps_watch(0.3, &clock, pin.cpu, NULL, &found, &error), 0);
    pin_release(&pin);
    print_message("# look %.1f ns, %zu gaps, %.3f %%, longest %.0f ns; known %zu, unknown %zu, below %zu; "
                  "interrupts %lu, steal %g ns\n",
        found.look_ns, found.all.count, found.all.share * 100, found.all.longest_ns, found.known.count,
        found.unknown.count, found.below.count, found.interrupts, found.steal_ns);
    assert_int_equal(found.windows, 3);
    /* How much of 0.3 s is watched depends on who else wants the CPU while the kernel is looked at. */
    assert_true(found.watched_ns > 0);
    assert_true(found.all.total_ns <= found.watched_ns);
    assert_int_equal(found.known.count + found.unknown.count, found.all.count);
    assert_true(found.below.count <= found.unknown.count);
    assert_true(found.threshold_ns >= 1000);
    assert_int_equal(found.backwards, 0);
}

static bool at_once(void *context)
{
    (void)context;
    return true;
}

static void a_watch_can_be_stopped(void **state)
{
    struct clock clock = {.ticks_per_ns = 1};
    struct stop stop = {at_once, NULL};
    struct gaps found;
    struct error error;
    (void)state;
    assert_int_equal(gaps_watch(10, &clock, 0, &stop, &found, &error), -EINTR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_what_is_longer_than_the_threshold),
        cmocka_unit_test(a_counter_that_goes_back_is_told_and_is_no_gap),
        cmocka_unit_test(nothing_seen_has_no_lengths),
        cmocka_unit_test(lengths_are_counted_and_ranked),
        cmocka_unit_test(what_the_kernel_knows_is_told_apart),
        cmocka_unit_test(more_gaps_than_interrupts_come_from_below),
        cmocka_unit_test(jitter_is_over_windows),
        cmocka_unit_test(interrupts_are_those_of_the_cpu),
        cmocka_unit_test(a_watch_here_adds_up),
        cmocka_unit_test(a_watch_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
