/* domain/timeline: samples come out of their ring whole, and the numbers made of a series are those that were
 * put into it. */
#include "cmocka_all.h"

#include "domain/timeline/costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the ring ---- */

enum { ROOM = 8 };

struct ring {
    struct portable_sample samples[ROOM];
    uint64_t written;
};

static void write_samples(struct ring *ring, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, ring->written++)
        ring->samples[ring->written % ROOM] = (struct portable_sample){.done = ring->written};
}

static size_t take(
    struct ring *ring, uint64_t *taken, struct portable_sample *samples, size_t room, uint64_t *lost)
{
    const struct sample_ring at = {ring->samples, ROOM, &ring->written};
    *lost = 0;
    return sample_ring_take(&at, taken, samples, room, lost);
}

static void samples_come_once_and_in_order(void **state)
{
    struct ring ring = {.written = 0};
    struct portable_sample samples[ROOM];
    uint64_t taken = 0, lost, next = 0;
    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        write_samples(&ring, round % 7);
        size_t count = take(&ring, &taken, samples, ROOM, &lost);
        assert_int_equal(count, round % 7);
        assert_int_equal(lost, 0);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(samples[i].done, next++);
    }
}

static void what_was_overwritten_is_counted(void **state)
{
    struct ring ring = {.written = 0};
    struct portable_sample samples[ROOM];
    uint64_t taken = 3, lost;
    (void)state;
    write_samples(&ring, 30);
    /* 3 to 21 are gone; where 22 stands, 30 may be being written now. */
    assert_int_equal(take(&ring, &taken, samples, ROOM, &lost), 7);
    assert_int_equal(samples[0].done, 23);
    assert_int_equal(lost, 20);
    assert_int_equal(taken, 30);
}

static void a_little_room_takes_a_part(void **state)
{
    struct ring ring = {.written = 0};
    struct portable_sample samples[ROOM];
    uint64_t taken = 0, lost;
    (void)state;
    write_samples(&ring, 6);
    assert_int_equal(take(&ring, &taken, samples, 4, &lost), 4);
    assert_int_equal(take(&ring, &taken, samples, 4, &lost), 2);
    assert_int_equal(samples[1].done, 5);
}

static void a_guest_that_lies_about_its_ring_harms_nobody(void **state)
{
    struct ring ring = {.written = 5};
    struct portable_sample samples[ROOM];
    uint64_t taken = 100, lost;
    (void)state;
    assert_int_equal(take(&ring, &taken, samples, ROOM, &lost), 0);
    ring.written = UINT64_MAX;
    assert_true(take(&ring, &taken, samples, ROOM, &lost) <= ROOM);
}

/* ---- a series ---- */

#define TICKS_PER_SECOND 1e9 /* so that a tick is a nanosecond */
static const uint64_t START = UINT64_C(5000000000000), MS = 1000000;

struct series {
    struct timeline timeline;
    struct portable_sample now[2];
};

/* One sample after so many milliseconds, with so much work, and the longest pause in it. */
static void go_on(
    struct series *series, unsigned side, unsigned cpu, double ms, uint64_t work, double longest_ms)
{
    struct portable_sample *now = &series->now[cpu];
    now->ticks += (uint64_t)(ms * (double)MS);
    now->done += work;
    now->looks++;
    now->longest = (uint64_t)(longest_ms * (double)MS);
    timeline_add(
        &series->timeline, side, cpu, now, 1, TICKS_PER_SECOND, (double)now->ticks / TICKS_PER_SECOND);
}

static void mark(struct series *series, enum timeline_event event)
{
    series->timeline.marks[series->timeline.mark_count++] =
        (struct timeline_mark){event, (double)series->now[0].ticks / TICKS_PER_SECOND};
}

static void begin(struct series *series, unsigned cpus)
{
    *series = (struct series){.timeline = {.cpus = cpus, .sides = {{.offset = NAN}, {.offset = NAN}}}};
    for (unsigned cpu = 0; cpu < 2; cpu++)
        series->now[cpu].ticks = START;
}

static void goes_for(struct series *series, unsigned side, unsigned samples, double ms, uint64_t work)
{
    for (unsigned i = 0; i < samples; i++)
        for (unsigned cpu = 0; cpu < series->timeline.cpus; cpu++)
            go_on(series, side, cpu, ms, work, ms / 4);
}

/* A second at 1000 a millisecond; then one at four fifths of that with a pause of 50 ms; 30 ms in which it
 * stood still; 300 ms at half; and then as before. */
static void tell(struct series *series, unsigned cpus)
{
    begin(series, cpus);
    goes_for(series, 0, 1001, 1, 1000);
    mark(series, TIMELINE_BEGUN);
    goes_for(series, 0, 400, 1.25, 1000);
    mark(series, TIMELINE_LOG);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        go_on(series, 0, cpu, 50, 0, 50);
    mark(series, TIMELINE_PASS);
    goes_for(series, 0, 400, 1.25, 1000);
    mark(series, TIMELINE_STOP);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        go_on(series, 1, cpu, 30, 10, 29.5);
    mark(series, TIMELINE_RUNS);
    goes_for(series, 1, 150, 2, 1000);
    goes_for(series, 1, 500, 1, 1000);
    mark(series, TIMELINE_END);
}

static void is_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-6 * fmax(fabs(expected), 1)))
        fail_msg("%.9g instead of %.9g", found, expected);
}

static void check_costs(unsigned cpus)
{
    struct series series;
    struct timeline_costs costs;
    tell(&series, cpus);
    timeline_costs_of(&series.timeline, &costs);
    is_near(costs.pace_before, 1e6 * cpus);
    is_near(costs.moving_seconds, 1.05);
    is_near(costs.stall_ms, 250); /* 1050 ms for what takes 800 */
    is_near(costs.stall_share, 250 / 1050.0);
    is_near(costs.longest_before_ms, 0.25);
    is_near(costs.longest_moving_ms, 50);
    assert_string_equal(costs.longest_moving_in, "turning the dirty log on");
    is_near(costs.stopped_ms, 29.5);
    is_near(costs.back_ms, 290); /* the first 50 ms that have 45 ms' work: 10 ms of them are slow */
    is_near(costs.lost_after_ms, 145);
    assert_int_equal(costs.work_before, 1000000 * cpus);
    assert_int_equal(costs.work_moving, 800000 * cpus);
    assert_int_equal(costs.work_stopped, 10 * cpus);
    assert_int_equal(costs.work_after, 650000 * cpus);
    assert_int_equal(costs.samples, series.timeline.count);
    assert_int_equal(costs.samples_lost, 0);
    timeline_free(&series.timeline);
}

static void known_stalls_are_found(void **state)
{
    (void)state;
    check_costs(1);
}

static void on_two_virtual_cpus_time_is_of_each_and_work_of_both(void **state)
{
    (void)state;
    check_costs(2);
}

static void without_enough_before_there_is_no_stall(void **state)
{
    struct series series;
    struct timeline_costs costs;
    (void)state;
    begin(&series, 1);
    goes_for(&series, 0, 10, 1, 1000);
    mark(&series, TIMELINE_BEGUN);
    goes_for(&series, 0, 100, 2, 1000);
    mark(&series, TIMELINE_STOP);
    timeline_costs_of(&series.timeline, &costs);
    assert_true(isnan(costs.pace_before) && isnan(costs.stall_ms) && isnan(costs.back_ms));
    assert_int_equal(costs.work_moving, 100000);
    timeline_free(&series.timeline);
}

/* Its counter lies elsewhere: time across the stop is not known, but all else is. */
static void another_counter_there_is_no_clock_for_the_stop(void **state)
{
    struct series series;
    struct timeline_costs costs;
    (void)state;
    begin(&series, 1);
    goes_for(&series, 0, 100, 1, 1000);
    mark(&series, TIMELINE_BEGUN);
    goes_for(&series, 0, 100, 1, 1000);
    mark(&series, TIMELINE_STOP);
    double stop = (double)series.now[0].ticks / TICKS_PER_SECOND;
    series.now[0].ticks = 77;
    for (unsigned i = 0; i < 100; i++) {
        series.now[0].ticks += MS;
        series.now[0].done += 1000;
        series.now[0].looks++;
        timeline_add(&series.timeline, 1, 0, series.now, 1, TICKS_PER_SECOND, stop + (i + 20) * 1e-3);
    }
    timeline_costs_of(&series.timeline, &costs);
    assert_false(timeline_one_clock(&series.timeline));
    assert_true(isnan(costs.stopped_ms));
    is_near(costs.stall_ms, 0);
    is_near(costs.back_ms, 0);
    assert_int_equal(costs.work_stopped + costs.work_after, 100000);
    timeline_free(&series.timeline);
}

/* What is late is told by the one that was least late. */
static void the_least_late_sample_sets_the_clock(void **state)
{
    struct timeline timeline = {.cpus = 1, .sides = {{.offset = NAN}, {.offset = NAN}}};
    static const double late[] = {3e-3, 1e-4, 7e-3, 2e-4};
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        const struct portable_sample sample = {(i + 1) * MS, i, i + 1, 0};
        timeline_add(&timeline, 0, 0, &sample, 1, TICKS_PER_SECOND, 100 + (double)(i + 1) * 1e-3 + late[i]);
    }
    is_near(timeline.sides[0].offset, 100 + 1e-4);
    timeline_free(&timeline);
}

static void what_cannot_be_is_left_out_and_counted(void **state)
{
    struct timeline timeline = {.cpus = 1, .sides = {{.offset = NAN}, {.offset = NAN}}};
    static const struct portable_sample samples[] = {
        {10, 10, 1, 0}, {9, 11, 2, 0}, {11, 9, 2, 0}, {12, 12, 1, 0}, {UINT64_MAX, 12, 2, 0}, {13, 12, 2, 0}};
    (void)state;
    timeline_add(&timeline, 0, 0, samples, 6, TICKS_PER_SECOND, 1);
    assert_int_equal(timeline.count, 2);
    assert_int_equal(timeline.lost, 4);
    timeline_free(&timeline);
}

/* More than there is room for: every second one goes, and nothing of the work, nor the longest pause. */
static void what_goes_on_for_very_long_is_thinned(void **state)
{
    struct series series;
    struct timeline_costs costs;
    (void)state;
    begin(&series, 1);
    goes_for(&series, 0, 1000, 1, 1000);
    mark(&series, TIMELINE_BEGUN);
    goes_for(&series, 0, 1048576, 1, 999);
    go_on(&series, 0, 0, 2, 1, 1.5);
    mark(&series, TIMELINE_STOP);
    timeline_costs_of(&series.timeline, &costs);
    assert_int_equal(series.timeline.thinned, 1);
    assert_int_equal(costs.work_moving, UINT64_C(1048576) * 999 + 1);
    is_near(costs.longest_moving_ms, 1.5);
    assert_string_equal(costs.longest_moving_in, "agreeing with the destination"); /* as far as marks tell */
    timeline_free(&series.timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_come_once_and_in_order),
        cmocka_unit_test(what_was_overwritten_is_counted),
        cmocka_unit_test(a_little_room_takes_a_part),
        cmocka_unit_test(a_guest_that_lies_about_its_ring_harms_nobody),
        cmocka_unit_test(known_stalls_are_found),
        cmocka_unit_test(on_two_virtual_cpus_time_is_of_each_and_work_of_both),
        cmocka_unit_test(without_enough_before_there_is_no_stall),
        cmocka_unit_test(another_counter_there_is_no_clock_for_the_stop),
        cmocka_unit_test(the_least_late_sample_sets_the_clock),
        cmocka_unit_test(what_cannot_be_is_left_out_and_counted),
        cmocka_unit_test(what_goes_on_for_very_long_is_thinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
