/* The rows of the price list that the linked kernel makes, on each monitor: each asserts its own counts, so
 * that what is timed is what the row says. */
#include "chosen_monitor.h"

#include "base/size.h"
#include "domain/probe.h"
#include "event/event.h"
#include "host/kept_memory.h"
#include "measure/pin.h"

static struct {
    struct clock clock;
    struct pin pin;
    struct image image;
    struct monitor_facts facts;
    struct kept_memory kept;
    struct placement placement;
    struct runner *runner;
} setting;

static const struct runner_ops *runner_of(const char *name)
{
    const struct runner_ops *const all[] = {&runner_kvm, &runner_paravirt, &runner_shadow};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!strcmp(all[i]->name, name))
            return all[i];
    return NULL;
}

static int setup(void **state)
{
    struct error error = {0};
    (void)state;
    if (clock_calibrate(&setting.clock, &error) < 0 || pin_thread(&setting.pin, -1, &error) < 0 ||
        image_load(&setting.image, &error) < 0)
        return -1;
    const struct placement_config config = {.image = &setting.image,
        .clock = &setting.clock,
        .other_cpu = pin_other(&setting.pin),
        .cpu = setting.pin.cpu,
        .kept = &setting.kept};
    placement_open(&setting.placement, &config);
    const struct runner_config runner =
        runner_here(runner_of(chosen->name), &setting.placement, &setting.facts, 4096);
    return runner_open(&runner, &setting.runner, &error);
}

static int teardown(void **state)
{
    (void)state;
    runner_close(setting.runner);
    placement_close(&setting.placement);
    kept_memory_release(&setting.kept);
    image_unload(&setting.image);
    pin_release(&setting.pin);
    return 0;
}

static void try_row(const struct event *event, uint64_t bytes)
{
    struct event_bench *bench = NULL;
    struct event_run run = {0};
    struct error error = {0};
    if (event_open(event, bytes, setting.runner, &bench, &error) < 0)
        fail_msg("%s: %s", event->name, error.text);
    for (uint64_t count = 1; count <= 16; count *= 15) {
        if (event_run(bench, count, &run, &error) < 0)
            fail_msg("%s: %s", event->name, error.text);
        assert_in_range(run.count, count, 512);
        assert_true(run.ticks > 0);
    }
    event_close(bench);
}

static void each_row_counts_what_it_times(void **state)
{
    unsigned rows = 0;
    (void)state;
    if (!setting.facts.usable) {
        print_message("# skip: %s: %s\n", chosen->name, setting.facts.reason);
        skip();
    }
    for (size_t i = 0; event_at(i); i++) {
        const struct event *event = event_at(i);
        if (event->group != EVENT_LINKED)
            continue;
        rows++;
        for (const uint64_t *size = event->sizes; size && *size; size++)
            if (chosen->elsewhere || *size <= 64 * KIB) /* kvm may emulate the kernel: the rest takes long */
                try_row(event, *size);
        if (!event->sizes)
            try_row(event, 0);
    }
    assert_int_equal(rows, 9);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_counts_what_it_times)};
    choose_monitor(argc, argv);
    domain_probe(chosen, &setting.facts);
    return cmocka_run_group_tests_name(chosen->name, tests, setup, teardown);
}
