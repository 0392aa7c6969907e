/* The rows of the price list that the linked kernel makes, on each monitor: each asserts its own counts, so
 * that what is timed is what the row says. */
#include "chosen_monitor.h"

#include "base/size.h"
#include "domain/probe.h"
#include "event/event.h"
#include "host/kept_memory.h"
#include "measure/pin.h"

#include <errno.h>
#include <string.h>

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
        image_load(&setting.image, &error) < 0 ||
        (chosen->elsewhere && image_share(&setting.image, &error) < 0))
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

static bool no_large_page; /* the host has none */

static bool is_there(const struct event *event)
{
    if (no_large_page && !strcmp(event->name, "kernel-touch-large"))
        return false;
    return strcmp(event->name, "kernel-touch-written") != 0 || !strcmp(chosen->name, "shadow");
}

static void try_row(const struct event *event, uint64_t bytes)
{
    struct event_bench *bench = NULL;
    struct event_run run = {0};
    struct error error = {0};
    int rc = event_open(event, bytes, setting.runner, &bench, &error);
    if (!is_there(event)) {
        assert_int_equal(rc, -ENOTSUP);
        return;
    }
    if (rc < 0)
        fail_msg("%s: %s", event->name, error.text);
    if (!strcmp(event->name, "kernel-touch-large") && event_run(bench, 1, &run, &error) < 0 &&
        strstr(error.text, "MiB")) { /* the row has no figure then */
        no_large_page = true;
        print_message("# %s\n", error.text);
        event_close(bench);
        return;
    }
    for (uint64_t count = 1; count <= 16; count *= 15) {
        if (event_run(bench, count, &run, &error) < 0)
            fail_msg("%s: %s", event->name, error.text);
        assert_in_range(run.count, count, 512);
        assert_true(run.ticks > 0);
    }
    event_close(bench);
}

static void skip_without_monitor(void)
{
    if (setting.facts.usable)
        return;
    print_message("# skip: %s: %s\n", chosen->name, setting.facts.reason);
    skip();
}

static void each_row_counts_what_it_times(void **state)
{
    unsigned rows = 0;
    (void)state;
    skip_without_monitor();
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
    assert_int_equal(rows, 11);
}

/* ---- a monitor that counts wrongly, or does something else ---- */

static struct {
    const char *name; /* of the counter that has one more once the timed part has begun; NULL: none */
    unsigned looks;
    unsigned fill; /* other than what is asked for; 0: none */
} lie;

static void lying_counters(const struct vm *vm, const struct vcpu *vcpu, struct counters *counters)
{
    enum { BEFORE_PART = 3 }; /* looks: at the start, and at the marks in front of it */
    uint64_t count;
    chosen->counters(vm, vcpu, counters);
    lie.looks += vcpu != NULL;
    if (lie.name && (vcpu ? lie.looks : lie.looks + 1) > BEFORE_PART &&
        counters_get(counters, lie.name, &count) &&
        (vcpu == NULL) == (!strncmp(lie.name, "table", 5) || !strncmp(lie.name, "pages_2m", 8)))
        counters_set(counters, lie.name, count + 1);
}

static int lying_create(const struct vm_config *config, struct vm **vm, struct error *error)
{
    struct vm_config other = *config;
    other.fill = lie.fill ? lie.fill : other.fill;
    return chosen->create(&other, vm, error);
}

/* Whether a row of that monitor gets an error that says what is wrong. */
static bool is_noticed(const struct event *event)
{
    struct monitor_ops liar = *chosen;
    const struct runner_ops *honest = setting.runner->config.ops;
    struct runner_ops ops = *honest;
    struct event_bench *bench = NULL;
    struct event_run run = {0};
    struct error error = {0};
    liar.counters = lying_counters;
    liar.create = lying_create;
    ops.monitor = &liar;
    setting.runner->config.ops = &ops;
    lie.looks = 0;
    int rc = event_open(event, event->sizes ? 2 * MIB : 0, setting.runner, &bench, &error);
    rc = rc < 0 ? rc : event_run(bench, 2, &run, &error);
    event_close(bench);
    setting.runner->config.ops = honest;
    if (rc < 0 && !strstr(error.text, "its count does not hold"))
        fail_msg("%s: %s", event->name, error.text);
    return rc < 0;
}

static void a_wrong_count_gives_no_figure(void **state)
{
    static const char *const names[] = {"exits", "page_faults_true", "page_faults_fixed", "hypercalls",
        "tlb_flushes", "injected", "pages_2m", "table_stores", "table_updates"};
    enum { NAMES = sizeof names / sizeof names[0] };
    unsigned of_name[NAMES] = {0};
    (void)state;
    skip_without_monitor();
    if (!chosen->elsewhere) /* KVM's own counts are no promise */
        return;
    for (size_t i = 0; event_at(i); i++) {
        unsigned of_row = 0;
        if (event_at(i)->group != EVENT_LINKED || !is_there(event_at(i)))
            continue;
        lie.name = NULL;
        assert_false(is_noticed(event_at(i)));
        for (int k = 0; k < NAMES; k++) {
            lie.name = names[k];
            bool noticed = is_noticed(event_at(i));
            of_name[k] += noticed;
            of_row += noticed;
        }
        if (of_row < 2)
            fail_msg("%s notices %u of %d counts that are wrong", event_at(i)->name, of_row, NAMES);
    }
    lie.name = NULL;
    for (int k = 0; k < NAMES; k++)
        if (!of_name[k] &&
            strcmp(names[k], !strcmp(chosen->name, "shadow") ? "table_updates" : "table_stores") != 0)
            fail_msg("nobody notices that %s are wrong", names[k]);
}

static void another_fill_around_is_noticed(void **state)
{
    (void)state;
    skip_without_monitor();
    if (strcmp(chosen->name, "shadow") != 0)
        return;
    lie.fill = 16;
    assert_true(is_noticed(event_find("kernel-touch-fresh")));
    assert_true(is_noticed(event_find("kernel-touch-written")));
    lie.fill = 0;
    assert_false(is_noticed(event_find("kernel-touch-fresh")));
}

/* ---- more mappings than a process may have ---- */

static bool is_limit_far(void)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    unsigned long limit = 0;
    bool read = file && fscanf(file, "%lu", &limit) == 1;
    if (file)
        fclose(file);
    return !read || limit > 1 << 17;
}

static void beyond_the_budget_what_is_filled_at_once_is_missing_each_time(void **state)
{
    (void)state;
    skip_without_monitor();
    if (!chosen->elsewhere)
        return;
    assert_false(is_noticed(event_find("scattered-within")));
    if (is_limit_far()) {
        print_message("# skip: this host lets a process have many mappings, or does not tell\n");
        skip();
    }
    assert_false(is_noticed(event_find("scattered-beyond")));
    lie.fill = 512;
    assert_true(is_noticed(event_find("scattered-beyond")));
    lie.fill = 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_counts_what_it_times),
        cmocka_unit_test(a_wrong_count_gives_no_figure),
        cmocka_unit_test(another_fill_around_is_noticed),
        cmocka_unit_test(beyond_the_budget_what_is_filled_at_once_is_missing_each_time),
    };
    choose_monitor(argc, argv);
    domain_probe(chosen, &setting.facts);
    return cmocka_run_group_tests_name(chosen->name, tests, setup, teardown);
}
