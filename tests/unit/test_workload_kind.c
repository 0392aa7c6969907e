/* runner/: workloads, efforts, samples and counters as data: what is written of them is read back, what
 * cannot be is refused. */
#include "cmocka_all.h"

#include "event/event_kind.h"
#include "record/record.h"
#include "runner/chase_kind.h"
#include "runner/page_proof.h"
#include "runner/sample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error error;
static struct pool pool;

static int release(void **state)
{
    (void)state;
    pool_free(&pool);
    return 0;
}

static int read_text(const struct record *record, const char *text, void *structure)
{
    struct reader reader = {.name = "it", .what = "message", .pool = &pool, .error = &error};
    char quoted[1024];
    snprintf(quoted, sizeof quoted, "%s", text);
    for (char *at = quoted; (at = strchr(at, '\''));) /* JSON with ' for " is easier to read in C */
        *at = '"';
    json_t *json = json_loads(quoted, 0, NULL);
    assert_non_null(json);
    int rc = record_read(record, json, structure, &reader);
    json_decref(json);
    return rc;
}

static int through_json(const struct record *record, const void *from, void *to)
{
    json_t *json = NULL;
    assert_int_equal(record_write(record, from, &json, &error), 0);
    char *text = json_dumps(json, 0);
    print_message("# %s\n", text);
    int rc = read_text(record, text, to);
    free(text);
    json_decref(json);
    return rc;
}

/* ---- workloads ---- */

static const struct field holder_fields[] = {
    {"workload", FIELD_VARIANT, .offset = 0, .hook = &workload_hook}};
static const struct record holder = {"holder", sizeof(struct workload), RECORD_FIELDS(holder_fields)};

static void each_kind_has_a_name_of_its_own_and_the_last_takes_what_no_other_does(void **state)
{
    size_t count = 0;
    (void)state;
    for (; workload_kinds[count]; count++)
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(workload_kinds[i]->name, workload_kinds[count]->name);
    assert_true(count >= 2);
    assert_true(workload_kinds[count - 1]->takes(NULL));
}

static void a_chase_is_read_as_it_was_written(void **state)
{
    const struct chase_shape shape = {1 << 20, 128, CHASE_RANDOM_IN_PAGE, true, 3};
    const struct workload workload = chase_workload(&shape);
    struct workload again = {0};
    (void)state;
    assert_int_equal(through_json(&holder, &workload, &again), 0);
    const struct chase_shape *read = chase_of(&again);
    assert_non_null(read);
    assert_null(event_of(&again));
    assert_int_equal(read->working_set_bytes, shape.working_set_bytes);
    assert_int_equal(read->element_bytes, shape.element_bytes);
    assert_int_equal(read->order, shape.order);
    assert_true(read->write);
    assert_int_equal(read->chains, 3);
    assert_int_equal(again.kind->check(&again, &error), 0);
    assert_string_equal(again.kind->label(&again), "chase");
}

static void an_event_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (size_t i = 0; event_at(i); i++) {
        const struct event *event = event_at(i);
        const struct workload workload = event_workload(event, event->sizes ? event->sizes[0] : 0);
        struct workload again = {0};
        assert_int_equal(through_json(&holder, &workload, &again), 0);
        const struct event_parameters *read = event_of(&again);
        assert_non_null(read);
        assert_null(chase_of(&again));
        assert_string_equal(read->name, event->name);
        assert_string_equal(read->operation, event->unit);
        assert_int_equal(read->size_bytes, event->sizes ? event->sizes[0] : 0);
        assert_int_equal(again.kind->check(&again, &error), 0);
    }
}

static void cannot_run(const char *text, const char *part)
{
    struct workload workload = {0};
    assert_int_equal(read_text(&holder, text, &workload), 0);
    assert_int_equal(workload.kind->check(&workload, &error), -EINVAL);
    assert_non_null(strstr(error.text, part));
}

/* A result that a newer vcost wrote is read; an agent must not take it for something that it can run. */
static void what_this_vcost_does_not_know_is_kept_by_its_name_and_cannot_run(void **state)
{
    (void)state;
    cannot_run("{'workload': 'frobnicate', 'parameters': {}}", "no event 'frobnicate'");
    cannot_run("{'workload': 'chase', 'parameters': {'order': 'backwards', 'working_set_bytes': 4096}}",
        "no event 'chase'");
    cannot_run("{'workload': 'cpuid', 'parameters': {'size_bytes': 4096}}", "no size of 4096");
    cannot_run("{'workload': 'retouch-lines', 'parameters': {}}", "no size of 0");
}

static void is_refused(const struct record *record, const char *text, void *structure)
{
    assert_true(read_text(record, text, structure) < 0);
    print_message("# %s\n", error.text);
}

static void a_workload_that_cannot_be_is_refused(void **state)
{
    struct workload workload = {0};
    (void)state;
    is_refused(&holder,
        "{'workload': 'chase', 'parameters': {'order': 'random', 'working_set_bytes': 64, "
        "'element_bytes': 64, 'chains': 2}}",
        &workload);
    is_refused(&holder, "{'workload': 'chase', 'parameters': 7}", &workload);
    is_refused(&holder, "{'workload': '', 'parameters': {}}", &workload);
    is_refused(&holder, "{'parameters': {}}", &workload);
    is_refused(&holder, "{'workload': 'cpuid', 'parameters': {'size_bytes': -1}}", &workload);
}

/* ---- efforts ---- */

static void an_effort_is_read_as_it_was_written(void **state)
{
    const struct effort effort = {12345, 16, 8192, 4, 0.02};
    struct effort again = {0};
    (void)state;
    assert_int_equal(through_json(&effort_record, &effort, &again), 0);
    assert_memory_equal(&again, &effort, sizeof effort);
}

static void an_effort_without_end_is_refused(void **state)
{
    static const char *const texts[] = {
        "{'steps': 0, 'batches': 1, 'seconds': 0}",
        "{'steps': 1, 'batches': 0, 'seconds': 0}",
        "{'steps': 1, 'batches': 1, 'seconds': -1}",
        "{'steps': 1, 'batches': 1, 'seconds': null}",
        "{'steps': 1, 'batches': 1, 'seconds': 1e9}",
        "{'steps': 1099511627777, 'batches': 1, 'seconds': 0}",
        "{'steps': 1, 'batches': 65537, 'seconds': 0}",
        "{'steps': 1, 'batches': 1, 'warm_steps': 1, 'warm_limit': 1025, 'seconds': 0}",
    };
    struct effort effort;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        effort = (struct effort){0};
        is_refused(&effort_record, texts[i], &effort);
    }
}

/* ---- samples ---- */

static void a_sample_is_read_as_it_was_written(void **state)
{
    struct sample sample = {.disturbed = DISTURBED_STEAL, .evidence = {true, 1000000, 2, 3000000, 2000000}};
    struct sample again = {0};
    uint64_t exits = 0;
    (void)state;
    sample_set_time(&sample, 3.97, 4096);
    sample.metrics[sample.metric_count++] = (struct sample_metric){"throughput", "bytes/s", 1.5e9, ""};
    counters_set(&sample.counters, "exits", 7);
    counters_set(&sample.counters, "page_faults", 0);
    assert_int_equal(through_json(&sample_record, &sample, &again), 0);
    assert_true(sample_value(&again) == 3.97);
    assert_int_equal(again.metric_count, 2);
    assert_string_equal(again.metrics[1].name, "throughput");
    assert_string_equal(again.metrics[1].unit, "bytes/s");
    assert_int_equal(again.operations, 4096);
    assert_int_equal(again.counters.count, 2);
    assert_true(counters_get(&again.counters, "exits", &exits));
    assert_int_equal(exits, 7);
    assert_int_equal(again.disturbed, DISTURBED_STEAL);
    assert_memory_equal(&again.evidence, &sample.evidence, sizeof sample.evidence);
}

static void hidden_steal_stays_unknown(void **state)
{
    struct sample sample = {.evidence = {.wall_ns = 5}}, again = {.evidence = {.steal_known = true}};
    (void)state;
    sample_set_time(&sample, 1, 1);
    assert_int_equal(through_json(&sample_record, &sample, &again), 0);
    assert_false(again.evidence.steal_known);
}

static void a_sample_without_a_figure_is_refused(void **state)
{
    struct sample sample = {0};
    (void)state;
    is_refused(&sample_record, "{'metrics': []}", &sample);
    is_refused(&sample_record, "{'metrics': [{'name': 'time', 'unit': 'ns', 'value': 0}]}", &sample);
    is_refused(&sample_record, "{'metrics': [{'name': 'time', 'unit': 'ns', 'value': -1}]}", &sample);
    is_refused(&sample_record, "{'metrics': [{'name': 'time', 'unit': 'ns', 'value': null}]}", &sample);
}

/* ---- counters ---- */

static void only_what_both_looks_have_counts_and_what_tells_a_state_does_not(void **state)
{
    struct counters before = {.count = 0}, after = {.count = 0};
    uint64_t value = 99;
    (void)state;
    counters_set(&before, "exits", 5);
    counters_set(&before, "pages_4k", 8);
    counters_set(&after, "exits", 12);
    counters_set(&after, "pages_4k", 3);
    counters_set(&after, "flushes", 1);
    const struct counters between = counters_between(&before, &after);
    assert_int_equal(between.count, 1);
    assert_true(counters_get(&between, "exits", &value));
    assert_int_equal(value, 7);
    assert_false(counters_get(&between, "flushes", &value));
    assert_int_equal(value, 7);
}

static void a_list_that_is_full_takes_no_more(void **state)
{
    struct counters counters = {.count = 0};
    char name[64];
    (void)state;
    counters_set(&counters, "a name that is much too long for a counter", 1);
    assert_int_equal(counters.count, 0);
    for (unsigned i = 0; i < 2 * COUNTERS_MAX; i++) {
        snprintf(name, sizeof name, "counter-%u", i);
        counters_set(&counters, name, i);
        counters_set(&counters, name, i + 1);
    }
    assert_int_equal(counters.count, COUNTERS_MAX);
    assert_int_equal(counters.list[3].value, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_name_of_its_own_and_the_last_takes_what_no_other_does),
        cmocka_unit_test(a_chase_is_read_as_it_was_written),
        cmocka_unit_test(an_event_is_read_as_it_was_written),
        cmocka_unit_test(what_this_vcost_does_not_know_is_kept_by_its_name_and_cannot_run),
        cmocka_unit_test(a_workload_that_cannot_be_is_refused),
        cmocka_unit_test(an_effort_is_read_as_it_was_written),
        cmocka_unit_test(an_effort_without_end_is_refused),
        cmocka_unit_test(a_sample_is_read_as_it_was_written),
        cmocka_unit_test(hidden_steal_stays_unknown),
        cmocka_unit_test(a_sample_without_a_figure_is_refused),
        cmocka_unit_test(only_what_both_looks_have_counts_and_what_tells_a_state_does_not),
        cmocka_unit_test(a_list_that_is_full_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
