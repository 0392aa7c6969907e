/* Runners on one placement: native and a guest walk the same list in the same physical frames with one
 * cursor, each going on where the one before stopped; and events on a runner. On each monitor, named by the
 * argument. */
#include "chosen_monitor.h"

#include "base/size.h"
#include "domain/probe.h"
#include "event/event_kind.h"
#include "measure/pin.h"
#include "runner/chase_kind.h"
#include "runner/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 1 << 20, PAGE = 4096 };

static struct fixture {
    struct clock clock;
    struct pin pin;
    struct image image;
    struct monitor_facts facts;
    struct placement placement;
} here;

static struct error error;

static int setup(void **state)
{
    (void)state;
    if (clock_calibrate(&here.clock, &error) < 0 || pin_thread(&here.pin, -1, &error) < 0 ||
        image_load(&here.image, &error) < 0 || (chosen->elsewhere && image_share(&here.image, &error) < 0))
        return -1;
    domain_probe(chosen, &here.facts);
    const struct placement_config config = {.memory = {.page_bytes = PAGE, .shared = chosen->elsewhere},
        .cpu = here.pin.cpu,
        .other_cpu = -1,
        .image = &here.image,
        .clock = &here.clock};
    placement_open(&here.placement, &config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    placement_close(&here.placement);
    image_unload(&here.image);
    pin_release(&here.pin);
    return 0;
}

static void must(int rc)
{
    if (rc < 0)
        fail_msg("%s", error.text);
}

static struct runner *open_runner(const struct runner_ops *ops)
{
    const struct runner_config config = runner_here(ops, &here.placement, &here.facts, PAGE);
    struct runner *runner = NULL;
    must(runner_open(&config, &runner, &error));
    return runner;
}

/* Native, and beside it a guest or, where there is none, native again. */
struct pair {
    struct runner *native, *other;
};

static struct pair open_pair(void)
{
    must(placement_map(&here.placement, BYTES, PAGE, &error));
    struct pair pair = {.native = open_runner(&runner_native)};
    pair.other = open_runner(here.facts.usable ? runner_find(chosen->name) : &runner_native);
    return pair;
}

static void close_pair(struct pair *pair)
{
    runner_close(pair->native);
    runner_close(pair->other);
    placement_clear(&here.placement);
}

static void need_monitor(void)
{
    if (here.facts.usable)
        return;
    print_message("# skip: %s\n", here.facts.reason);
    skip();
}

static const struct chase_shape random_walk = {BYTES / 2, 64, CHASE_RANDOM, false, 1},
                                two_writers = {BYTES / 2, 64, CHASE_RANDOM, true, 2};

static void prepare(struct runner *runner, const struct chase_shape *shape, uint64_t seed)
{
    const struct workload chase = chase_workload(shape);
    must(runner_prepare(runner, &chase, seed, &error));
}

static struct sample walk(struct runner *runner, uint64_t steps)
{
    const struct effort effort = {.steps = steps, .batches = 2};
    struct sample sample;
    must(runner_sample(runner, &effort, &sample, &error));
    assert_true(sample_value(&sample) > 0);
    assert_int_equal(sample.operations, 2 * steps * chase_of(&runner->workload)->chains);
    assert_true(sample.evidence.wall_ns > 0);
    return sample;
}

/* ---- one cursor ---- */

static uint64_t list_start(void)
{
    return here.placement.cursor[0] - chase_layout_offset(&here.placement.layout, 0);
}

/* Where each chain stands after so many steps of all runners together. */
static void cursors_are_at(uint64_t start, uint64_t steps)
{
    const struct chase_layout *layout = &here.placement.layout;
    for (unsigned chain = 0; chain < layout->shape.chains; chain++)
        assert_int_equal(here.placement.cursor[chain],
            start + chase_layout_offset(layout, chase_layout_start(layout, chain) + steps));
}

static void each_goes_on_where_the_other_stopped(void **state)
{
    static const uint64_t steps[] = {1, 16, 333, 4000, 5, 20000};
    const struct chase_shape *shapes[] = {&random_walk, &two_writers};
    struct pair pair = open_pair();
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        prepare(pair.native, shapes[k], 7 + k);
        uint64_t start = list_start(), sum = 0;
        cursors_are_at(start, 0);
        prepare(pair.other, shapes[k], 7 + k);
        cursors_are_at(start, 0);
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            walk(i % 2 ? pair.native : pair.other, steps[i]);
            sum += 2 * steps[i];
            cursors_are_at(start, sum);
        }
    }
    close_pair(&pair);
}

static void who_comes_later_joins_and_another_seed_lays_out_anew(void **state)
{
    struct pair pair = open_pair();
    (void)state;
    prepare(pair.native, &random_walk, 1);
    uint64_t start = list_start();
    walk(pair.native, 100);
    prepare(pair.other, &random_walk, 1);
    cursors_are_at(start, 200);
    walk(pair.other, 50);
    cursors_are_at(start, 300);
    const struct chase_layout before = here.placement.layout;
    prepare(pair.other, &random_walk, 2);
    assert_int_not_equal(here.placement.layout.seed, before.seed);
    cursors_are_at(list_start(), 0);
    close_pair(&pair);
}

/* ---- the same frames ---- */

/* Frame numbers of all pages; 0 where the kernel does not tell them to this user. */
static void look_at_frames(uint64_t frames[static BYTES / PAGE])
{
    int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    off_t at = (off_t)((uintptr_t)here.placement.data.base / PAGE * sizeof *frames);
    assert_true(file >= 0);
    assert_int_equal(pread(file, frames, BYTES / PAGE * sizeof *frames, at), BYTES / PAGE * sizeof *frames);
    for (size_t i = 0; i < BYTES / PAGE; i++) {
        assert_true(frames[i] >> 63); /* it is in memory */
        frames[i] &= (UINT64_C(1) << 55) - 1;
    }
    close(file);
}

/* What native changes in the list the guest meets at once, and what the guest writes native reads: there is
 * no second copy of any page. */
static void a_guest_walks_the_frames_that_native_walks(void **state)
{
    uint64_t before[BYTES / PAGE], after[BYTES / PAGE];
    (void)state;
    need_monitor();
    struct pair pair = open_pair();
    look_at_frames(before);
    prepare(pair.native, &two_writers, 3);
    prepare(pair.other, &two_writers, 3);
    walk(pair.native, 10);
    for (unsigned chain = 0; chain < 2; chain++) { /* each element leads to itself */
        uint64_t *element = (uint64_t *)here.placement.cursor[chain];
        element[0] = (uintptr_t)element;
        element[1] = 1000;
    }
    const uint64_t stood[] = {here.placement.cursor[0], here.placement.cursor[1]};
    walk(pair.other, 500);
    for (unsigned chain = 0; chain < 2; chain++) {
        assert_int_equal(here.placement.cursor[chain], stood[chain]);
        assert_int_equal(((uint64_t *)stood[chain])[1], 2000);
    }
    look_at_frames(after);
    assert_memory_equal(after, before, sizeof after);
    print_message("# frame of the first page: 0x%llx\n", (unsigned long long)before[0]);
    close_pair(&pair);
}

static void the_pages_of_both_are_proved(void **state)
{
    struct page_proof native, other;
    struct pair pair = open_pair();
    (void)state;
    must(runner_proof(pair.native, &native, &error));
    must(runner_proof(pair.other, &other, &error));
    assert_true(native.as_asked);
    assert_int_equal(native.guest_bytes, 0);
    assert_int_equal(other.guest_bytes, here.facts.usable ? PAGE : 0);
    close_pair(&pair);
}

/* ---- what goes wrong ---- */

/* As a guest could forge it: the native walk must not follow. */
static void a_walk_that_leaves_its_list_is_refused_and_no_cursor_moves(void **state)
{
    static uint64_t outside[2];
    const struct effort effort = {.steps = 100, .batches = 1};
    struct sample sample = {.operations = 77};
    struct pair pair = open_pair();
    (void)state;
    prepare(pair.native, &random_walk, 4);
    outside[0] = (uintptr_t)outside;
    uint64_t *element = (uint64_t *)here.placement.cursor[0];
    element[0] = (uintptr_t)outside;
    assert_int_equal(runner_sample(pair.native, &effort, &sample, &error), -EPROTO);
    assert_non_null(strstr(error.text, "left its list"));
    assert_int_equal(here.placement.cursor[0], (uintptr_t)element);
    assert_int_equal(sample.operations, 77); /* untouched */
    close_pair(&pair);
}

static void what_cannot_be_is_told_and_the_runner_goes_on(void **state)
{
    const struct effort effort = {.steps = 100, .batches = 1};
    const struct chase_shape large = {4 * BYTES, 64, CHASE_RANDOM, false, 1};
    const struct workload chase = chase_workload(&large);
    struct workload event = event_workload(event_find("switch-space"), event_find("switch-space")->sizes[0]);
    struct sample sample;
    struct pair pair = open_pair();
    (void)state;
    assert_int_equal(runner_sample(pair.native, &effort, &sample, &error), -EINVAL);
    assert_int_equal(runner_prepare(pair.native, &chase, 1, &error), -EINVAL);
    assert_non_null(strstr(error.text, "does not fit"));
    assert_int_equal(runner_prepare(pair.native, &event, 1, &error), -ENOTSUP);
    assert_int_equal(runner_sample(pair.native, &effort, &sample, &error), -EINVAL);
    prepare(pair.native, &random_walk, 5);
    walk(pair.native, 10);
    close_pair(&pair);
}

static bool always(void *unused)
{
    (void)unused;
    return true;
}

static void a_stop_is_heard_while_memory_is_touched_and_lists_are_laid_out(void **state)
{
    const struct stop stop = {.asked = always};
    const struct workload chase = chase_workload(&random_walk);
    struct runner *runner = NULL;
    (void)state;
    must(placement_map(&here.placement, BYTES, PAGE, &error));
    const struct runner_config config = runner_here(&runner_native, &here.placement, NULL, 0);
    here.placement.config.stop = &stop;
    assert_int_equal(runner_open(&config, &runner, &error), -EINTR);
    assert_null(runner);
    here.placement.config.stop = NULL;
    must(runner_open(&config, &runner, &error));
    here.placement.config.stop = &stop;
    assert_int_equal(runner_prepare(runner, &chase, 1, &error), -EINTR);
    here.placement.config.stop = NULL;
    prepare(runner, &random_walk, 1); /* what was begun is laid out from its start */
    cursors_are_at(list_start(), 0);
    walk(runner, 1000);
    runner_close(runner);
    placement_clear(&here.placement);
}

/* ---- efforts ---- */

/* A sample of the planned effort lasts about as long as was asked for, within a factor: on a busy machine not
 * each, but one of several, each planned anew. */
static void plan_lasts_about(
    const struct workload_kind *kind, struct runner *runner, struct effort *effort, double seconds)
{
    bool found = false;
    for (int tries = 0; tries < 20 && !found; tries++) {
        struct sample sample;
        *effort = (struct effort){.steps = 0};
        must(kind->plan(runner, seconds, effort, &error));
        must(runner_sample(runner, effort, &sample, &error));
        double timed = sample_value(&sample) * (double)sample.operations / 1e9;
        found = timed > seconds / 20 && timed < seconds * 20;
    }
    assert_true(found);
}

static void a_chase_of_short_laps_walks_whole_ones(void **state)
{
    struct pair pair = open_pair();
    struct effort effort = {.steps = 0};
    (void)state;
    prepare(pair.native, &random_walk, 6);
    plan_lasts_about(&workload_chase, pair.native, &effort, 0.002);
    assert_true(effort.steps * effort.batches >= here.placement.layout.elements);
    close_pair(&pair);
}

static void events_are_found_a_number_once_and_sampled(void **state)
{
    struct pair pair = open_pair();
    const struct workload cpuid = event_workload(event_find("cpuid"), 0);
    struct effort effort = {.steps = 0};
    (void)state;
    must(runner_prepare(pair.native, &cpuid, 1, &error));
    plan_lasts_about(&workload_event, pair.native, &effort, 0.001);
    assert_true(effort.steps > 0 && effort.batches > 1 && effort.seconds == 0.001);
    uint64_t found = effort.steps;
    must(workload_event.plan(pair.native, 0.001, &effort, &error));
    assert_int_equal(effort.steps, found);
    close_pair(&pair);
}

/* A run holds only so many events: a sample is several runs, but no more than it takes. */
static void a_sample_of_events_is_as_many_runs_as_it_takes(void **state)
{
    struct pair pair = open_pair();
    const struct workload touch = event_workload(event_find("first-touch-4k"), 0);
    struct effort effort = {.steps = UINT64_C(1) << 30, .batches = 3};
    uint64_t most = event_find("first-touch-4k")->native.most;
    struct sample sample;
    (void)state;
    assert_true(most > 0);
    must(runner_prepare(pair.native, &touch, 1, &error));
    must(runner_sample(pair.native, &effort, &sample, &error));
    assert_int_equal(sample.operations, 3 * most);
    effort.seconds = 1e-9;
    must(runner_sample(pair.native, &effort, &sample, &error));
    assert_int_equal(sample.operations, most);
    close_pair(&pair);
}

static void exits_of_a_guest_are_counted_in_its_sample(void **state)
{
    enum { COUNT = 100 };
    const struct workload exits = event_workload(event_find("pio-user"), 0);
    const struct effort effort = {.steps = COUNT, .batches = 1};
    struct sample sample;
    uint64_t counted = 0;
    (void)state;
    need_monitor();
    struct pair pair = open_pair();
    must(runner_prepare(pair.other, &exits, 1, &error));
    must(runner_sample(pair.other, &effort, &sample, &error));
    assert_int_equal(sample.operations, COUNT);
    if (counters_get(&sample.counters, "exits", &counted))
        assert_true(counted >= COUNT);
    prepare(pair.other, &random_walk, 1); /* and its memory is still there */
    assert_int_equal(walk(pair.other, 10).operations, 20);
    close_pair(&pair);
}

int main(int argc, char **argv)
{
    choose_monitor(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_goes_on_where_the_other_stopped),
        cmocka_unit_test(who_comes_later_joins_and_another_seed_lays_out_anew),
        cmocka_unit_test(a_guest_walks_the_frames_that_native_walks),
        cmocka_unit_test(the_pages_of_both_are_proved),
        cmocka_unit_test(a_walk_that_leaves_its_list_is_refused_and_no_cursor_moves),
        cmocka_unit_test(what_cannot_be_is_told_and_the_runner_goes_on),
        cmocka_unit_test(a_stop_is_heard_while_memory_is_touched_and_lists_are_laid_out),
        cmocka_unit_test(a_chase_of_short_laps_walks_whole_ones),
        cmocka_unit_test(events_are_found_a_number_once_and_sampled),
        cmocka_unit_test(a_sample_of_events_is_as_many_runs_as_it_takes),
        cmocka_unit_test(exits_of_a_guest_are_counted_in_its_sample),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
