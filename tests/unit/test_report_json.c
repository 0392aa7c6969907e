/* report/json.h: the file format says what is known and why the rest is not, and its schema agrees.
 *
 * The schema is read from $VCOST_SOURCE_ROOT/share/schema, or from the current folder's. */
#include "cmocka_all.h"

#include "event/event_kind.h"
#include "result/json.h"
#include "test_report_synthetic.h"

#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exits with 0 if the document on standard input is what the schema describes. With a second argument, also
 * every field must be one that the schema names: nothing undocumented is written. */
static const char validator[] =
    "import json, sys, jsonschema\n"
    "def close(node):\n"
    "    if isinstance(node, dict):\n"
    "        if 'required' in node and 'properties' in node and 'type' in node:\n"
    "            node['additionalProperties'] = False\n"
    "        for value in node.values(): close(value)\n"
    "    elif isinstance(node, list):\n"
    "        for value in node: close(value)\n"
    "schema = json.load(open(sys.argv[1]))\n"
    "jsonschema.Draft202012Validator.check_schema(schema)\n"
    "if len(sys.argv) > 2: close(schema)\n"
    "def refuse(name): raise ValueError(name)\n"
    "document = json.load(sys.stdin, parse_constant=refuse)\n"
    "errors = list(jsonschema.Draft202012Validator(schema).iter_errors(document))\n"
    "for error in errors: print('#', list(error.path), error.message[:200], file=sys.stderr)\n"
    "sys.exit(bool(errors))\n";

static int validate_file(int document, bool closed)
{
    char schema[4096];
    const char *root = getenv("VCOST_SOURCE_ROOT");
    snprintf(schema, sizeof schema, "%s/share/schema/vcost.result-1.schema.json", root ? root : ".");
    char *arguments[] = {"/usr/bin/python3", "-c", (char *)validator, schema, closed ? "closed" : NULL, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, document, 0);
    assert_int_equal(posix_spawn(&child, arguments[0], &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0 if the schema accepts the document. */
static int validate(const char *document, bool closed)
{
    int file = memfd_create("document", 0);
    assert_true(write(file, document, strlen(document)) == (ssize_t)strlen(document));
    lseek(file, 0, SEEK_SET);
    int status = validate_file(file, closed);
    close(file);
    return status;
}

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *written(const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(json_write(result, stream, NULL), 0);
    fclose(stream);
    return text;
}

static json_t *parsed(const struct result *result)
{
    json_t *json;
    struct error error = {0};
    assert_int_equal(json_from_result(result, &json, &error), 0);
    return json;
}

static struct result usual(bool blemishes)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    recipe.step = 6;
    recipe.blemishes = blemishes;
    synthetic_result(&recipe, &result);
    return result;
}

static void the_schema_accepts_what_is_written_and_names_every_field(void **state)
{
    struct synthetic recipes[7];
    (void)state;
    for (size_t i = 0; i < 7; i++) {
        recipes[i] = synthetic_usual();
        recipes[i].step = i == 6 ? 1 : 6;
    }
    recipes[6].reaches = true;
    recipes[1].blemishes = true;
    recipes[2].monitors[1] = NULL;
    recipes[3].monitors[0] = "kvm";
    recipes[3].monitors[1] = NULL;
    recipes[4].placements = 1;
    recipes[5].order_count = 2;
    recipes[5].page_pairs = 2;
    for (size_t i = 0; i < 7; i++) {
        struct result result;
        synthetic_result(&recipes[i], &result);
        char *text = written(&result);
        assert_int_equal(validate(text, true), 0);
        free(text);
        result_free(&result);
    }
}

/* ---- what was found ---- */

static void findings_are_in_the_file_of_an_inspection_alone(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = written(&result);
    assert_int_equal(validate(text, true), 0);
    free(text);
    result.experiment = "chase";
    json_t *json = parsed(&result);
    assert_null(json_object_get(json, "findings"));
    assert_null(json_object_get(json, "remedies"));
    json_decref(json);
    result_free(&result);
}

static json_t *finding_of(json_t *json, const char *name)
{
    size_t i;
    json_t *finding;
    json_array_foreach(json_object_get(json, "findings"), i,
        finding) if (!strcmp(json_string_value(json_object_get(finding, "name")), name)) return finding;
    fail_msg("no finding %s", name);
    return NULL;
}

static void a_finding_has_a_value_of_its_unit_or_a_reason(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    json_t *json = parsed(&result), *steal = finding_of(json, "steal"), *memory = finding_of(json, "memory");
    json_t *smt = finding_of(json, "smt"), *splintered = finding_of(json, "splintered");
    json_t *unknown = finding_of(json, "dedicated-cpus");
    assert_true(json_real_value(json_object_get(steal, "value")) == 0.07);
    assert_true(json_real_value(json_object_get(steal, "high")) == 0.08);
    assert_string_equal(json_string_value(json_object_get(steal, "unit")), "share");
    assert_true(json_integer_value(json_object_get(memory, "value")) == 549755813889); /* no digit lost */
    assert_true(json_is_null(json_object_get(memory, "low")));
    assert_string_equal(json_string_value(json_object_get(smt, "value")), "off");
    assert_true(json_is_null(json_object_get(smt, "text")) && json_is_null(json_object_get(smt, "key")));
    assert_true(json_is_true(json_object_get(splintered, "value")));
    assert_string_equal(json_string_value(json_object_get(splintered, "text")), "partly");
    assert_string_equal(json_string_value(json_object_get(splintered, "source")), "judged");
    assert_true(json_is_false(json_object_get(splintered, "detail")));
    assert_true(json_is_true(json_object_get(finding_of(json, "clock-resolution"), "detail")));
    assert_true(json_is_null(json_object_get(unknown, "value")));
    assert_string_equal(json_string_value(json_object_get(unknown, "reason")), "only KVM tells");
    json_t *remedies = json_object_get(json, "remedies");
    assert_int_equal(json_array_size(remedies), 2);
    assert_true(json_real_value(json_object_get(json_array_get(remedies, 0), "more_ns")) == 12.3);
    assert_true(json_is_null(json_object_get(json_array_get(remedies, 1), "low")));
    json_decref(json);
    result_free(&result);
}

/* One that was made carelessly: known without a number, unknown without a reason, no title. */
static void careless_findings_keep_the_promises(void **state)
{
    const struct finding careless[] = {
        {.name = "a", .unit = UNIT_NS, .value = {true, ""}, .number = NAN, .low = 1, .high = 2},
        {.name = "b", .unit = UNIT_BYTES, .value = {false, ""}, .number = 7, .low = 1, .high = 9},
        {.name = "c", .unit = UNIT_YES_NO, .value = {true, ""}, .number = 0, .low = 0, .high = 0},
        {.name = "d", .unit = UNIT_COUNT, .value = {true, ""}, .number = 1e300, .low = -INFINITY},
    };
    struct result result = usual(false);
    (void)state;
    result.experiment = "inspect";
    for (size_t i = 0; i < sizeof careless / sizeof *careless; i++)
        assert_int_equal(findings_add(&result.findings, &careless[i], NULL), 0);
    assert_int_equal(
        findings_add_remedy(&result.findings, &(struct remedy){.name = "e", .more_ns = NAN}, NULL), 0);
    char *text = written(&result);
    assert_int_equal(validate(text, true), 0);
    free(text);
    json_t *json = parsed(&result);
    assert_true(json_is_null(json_object_get(finding_of(json, "a"), "value")));
    assert_true(json_is_null(json_object_get(finding_of(json, "b"), "low")));
    assert_true(json_is_false(json_object_get(finding_of(json, "c"), "value")));
    json_decref(json);
    result_free(&result);
}

static void the_schema_refuses_findings_that_break_promises(void **state)
{
    static const struct {
        const char *from, *to;
    } breaks[] = {
        {"\"findings\": [", "\"findlings\": ["},
        {"\"value\": true", "\"value\": 1"},
        {"\"value\": \"off\"", "\"value\": true"},
        {"\"value\": 549755813889", "\"value\": \"512 GiB\""},
        {"\"reason\": \"only KVM tells\"", "\"reason\": null"},
        {"\"section\": \"below\"", "\"section\": \"beyond\""},
        {"\"source\": \"judged\"", "\"source\": \"guessed\""},
        {"\"reason\": \"no interval could be made\"", "\"reason\": null"},
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = written(&result);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        char *at = strstr(text, breaks[i].from), *broken;
        if (!at)
            fail_msg("not in the document: %s", breaks[i].from);
        assert_true(asprintf(&broken, "%.*s%s%s", (int)(at - text), text, breaks[i].to,
                        at + strlen(breaks[i].from)) > 0);
        print_message("# %s\n", breaks[i].to);
        assert_int_equal(validate(broken, false), 1);
        free(broken);
    }
    free(text);
    result_free(&result);
}

/* What was measured and what CPUID says are fields of their own; a step without a name says why. */
static void reaches_tell_measured_and_told_apart(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.reaches = true;
    synthetic_result(&recipe, &result);
    json_t *json = parsed(&result), *reaches = json_object_get(json, "reaches");
    json_t *part = json_array_get(reaches, 1), *unknown = json_array_get(reaches, 2);
    assert_int_equal(json_array_size(reaches), 3);
    assert_string_equal(json_string_value(json_object_get(part, "name")), "L3");
    assert_string_equal(
        json_string_value(json_object_get(part, "below")), "chase/native/random/4194304/64/-/4096");
    assert_int_equal(json_integer_value(json_object_get(part, "from_bytes")), 4 << 20);
    assert_int_equal(json_integer_value(json_object_get(part, "told_bytes")), 32 << 20);
    assert_true(json_is_null(json_object_get(part, "from_entries")));
    assert_string_equal(json_string_value(json_object_get(unknown, "kind")), "unknown");
    assert_true(json_is_null(json_object_get(unknown, "name")));
    assert_non_null(json_string_value(json_object_get(unknown, "name_reason")));
    assert_true(json_is_null(json_object_get(unknown, "sureness")));
    json_decref(json);
    result_free(&result);
}

static void modes_and_drift_are_in_the_file(void **state)
{
    struct result result = usual(false);
    (void)state;
    result.cells[0].modes = (struct modes){true, true, 11.2, 19, 0.25};
    result.cells[0].trend_percent = 12.5;
    result.cells[0].drift_percent = -4;
    char *text = written(&result);
    assert_int_equal(validate(text, true), 0);
    json_t *json = parsed(&result), *cells = json_object_get(json, "cells");
    json_t *cell = json_array_get(cells, 0), *modes = json_object_get(cell, "modes");
    json_t *other = json_array_get(cells, 1);
    assert_true(json_real_value(json_object_get(modes, "high")) == 19);
    assert_true(json_is_true(json_object_get(modes, "of_placements")));
    assert_true(json_real_value(json_object_get(cell, "trend_percent")) == 12.5);
    assert_true(json_real_value(json_object_get(cell, "drift_percent")) == -4);
    assert_true(json_is_null(json_object_get(other, "modes")));
    assert_true(json_is_null(json_object_get(other, "drift_percent")));
    assert_non_null(json_string_value(json_object_get(other, "drift_percent_reason")));
    json_decref(json);
    free(text);
    result_free(&result);
}

/* One that tells all, one that tells nothing. */
static void agents_are_in_the_file_where_there_are_any(void **state)
{
    static const struct result_agent agents[] = {
        {"command:a", "a", {"0.1.0", {true, "CPU"}, {true, "6.1"}, true, {true, "kvm"}, 2.5, 3, 4096}},
        {"command:b", "b\n\xff", {"", {false, "hidden"}, {0}, false, {0}, 1, 0, 4096}},
    };
    struct result result = usual(false);
    (void)state;
    result.agents = malloc(sizeof agents);
    assert_non_null(result.agents);
    memcpy(result.agents, agents, sizeof agents);
    result.agent_count = 2;
    char *text = written(&result);
    assert_int_equal(validate(text, true), 0);
    json_t *json = parsed(&result);
    json_t *last = json_array_get(json_object_get(json, "agents"), 1);
    assert_true(json_is_null(json_object_get(last, "cpu_brand")));
    assert_string_equal(json_string_value(json_object_get(last, "cpu_brand_reason")), "hidden");
    json_decref(json);
    free(text);
    result_free(&result);
}

/* An event, another monitor than KVM, settings and a second figure: what only some results have is named by
 * the schema too. */
static void what_some_results_have_is_in_the_schema(void **state)
{
    struct result result = usual(false);
    struct result_cell *cell = &result.cells[0];
    (void)state;
    result.settings = calloc(1, sizeof *result.settings);
    result.settings[result.setting_count++] = (struct result_setting){"time", "45", true};
    result_set_monitor(&result, &(struct monitor_facts){.name = "paravirt",
                                    .reason = "not built",
                                    .technique = TECHNIQUE_UNKNOWN,
                                    .syscall_privilege = -1});
    cell->metrics = calloc(1, sizeof *cell->metrics);
    cell->metrics[cell->metric_count++] =
        (struct result_metric){"throughput", "bytes", 1.5e9, NAN, NAN, NULL};
    cell->cell.workload = event_named("retouch", 0, "lap");
    strcpy(cell->note, "mind the gap");
    char *text = written(&result);
    assert_int_equal(validate(text, true), 0);
    json_t *json = parsed(&result), *first = json_array_get(json_object_get(json, "cells"), 0);
    json_t *metric = json_object_get(json_object_get(first, "metrics"), "throughput");
    json_t *setting = json_object_get(json_object_get(json, "settings"), "time");
    assert_true(json_real_value(json_object_get(metric, "value")) == 1.5e9);
    assert_string_equal(json_string_value(json_object_get(setting, "value")), "45");
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "host"), "monitors")), 2);
    assert_string_equal(json_string_value(json_object_get(first, "note")), "mind the gap");
    json_decref(json);
    free(text);
    result_free(&result);
}

/* A machine that tells nothing: every fact unknown, every count 0, KVM not usable, no reasons. */
static void the_schema_accepts_a_machine_that_tells_nothing(void **state)
{
    struct result result = usual(true);
    char *features = result.host.cpu.features;
    (void)state;
    result.host = (struct host){0};
    result.monitors[0] = (struct monitor_facts){.name = "kvm",
        .reason = "/dev/kvm is not there",
        .technique = TECHNIQUE_UNKNOWN,
        .syscall_privilege = -1};
    result.tsc_ghz = NAN;
    for (size_t i = 0; i < result.cell_count; i++) {
        result.cells[i].pages = (struct page_proof){.host_share_2m = NAN};
        result.cells[i].counters.known = false;
        result.cells[i].reason[0] = 0;
        result.cells[i].technique = TECHNIQUE_UNKNOWN;
    }
    char *text = written(&result);
    assert_int_equal(validate(text, true), 0);
    free(text);
    result.host.cpu.features = features;
    result_free(&result);
}

/* Shows that the schema guards something: documents that break the promises are refused. */
static void the_schema_refuses_broken_promises(void **state)
{
    static const struct {
        const char *from, *to;
    } breaks[] = {
        {"\"schema\": \"vcost.result/1\"", "\"schema\": \"vcost.result/2\""},
        {"\"governor_reason\"", "\"governor_because\""},
        {"\"memory_bytes\": 8589934592", "\"memory_bytes\": \"8 GiB\""},
        {"\"quality\": \"good\"", "\"quality\": \"fine\""},
        {"\"baseline_is_guest\": true,", ""},
        {"\"reason\": \"stopped before its first sample\"", "\"reason\": null"},
        {"\"median\": null", "\"median\": \"-\""},
        {"\"exits\": 12", "\"exits\": 12.5"},
        {"\"started\": \"2025-11-24T06:00:00Z\"", "\"started\": \"yesterday\""},
    };
    (void)state;
    struct result result = usual(true);
    char *text = written(&result);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        char *at = strstr(text, breaks[i].from), *broken;
        if (!at)
            fail_msg("not in the document: %s", breaks[i].from);
        assert_true(asprintf(&broken, "%.*s%s%s", (int)(at - text), text, breaks[i].to,
                        at + strlen(breaks[i].from)) > 0);
        print_message("# %s\n", breaks[i].to);
        assert_int_equal(validate(broken, false), 1);
        free(broken);
    }
    free(text);
    result_free(&result);
}

static void what_is_not_known_is_null_with_a_reason_and_never_zero(void **state)
{
    struct result result = usual(true);
    json_t *json = parsed(&result);
    (void)state;
    json_t *cells = json_object_get(json, "cells");
    json_t *last = json_array_get(cells, json_array_size(cells) - 1), *first = json_array_get(cells, 0);
    static const char *const figures[] = {"median", "low", "high", "min"};
    for (size_t i = 0; i < 4; i++)
        assert_true(json_is_null(json_object_get(last, figures[i])));
    assert_string_equal(
        json_string_value(json_object_get(last, "reason")), "stopped before its first sample");
    assert_true(json_is_null(json_object_get(first, "guest_page_bytes")));
    json_t *counters = json_object_get(first, "counters");
    assert_true(json_is_null(json_object_get(counters, "exits")));
    assert_true(json_is_string(json_object_get(counters, "exits_reason")));
    assert_true(json_is_integer(json_object_get(counters, "page_faults")));
    json_t *comparisons = json_object_get(json, "comparisons");
    json_t *against = json_array_get(comparisons, json_array_size(comparisons) - 1);
    assert_true(json_is_null(json_object_get(against, "ratio")) &&
                json_is_string(json_object_get(against, "reason")));
    json_t *host = json_object_get(json, "host");
    assert_true(json_is_null(json_object_get(host, "governor")));
    assert_string_equal(
        json_string_value(json_object_get(host, "governor_reason")), "no cpufreq driver in /sys");
    json_decref(json);
    result_free(&result);
}

static void one_placement_has_figures_but_no_interval(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.placements = 1;
    synthetic_result(&recipe, &result);
    json_t *json = parsed(&result), *cell = json_array_get(json_object_get(json, "cells"), 1);
    assert_true(json_is_real(json_object_get(cell, "median")));
    assert_true(
        json_is_null(json_object_get(cell, "low")) && json_is_string(json_object_get(cell, "reason")));
    json_decref(json);
    result_free(&result);
}

static void integers_past_2_to_the_53_are_not_silently_rounded(void **state)
{
    struct result result = usual(false);
    (void)state;
    result.seed = (UINT64_C(1) << 53) + 1;
    json_t *json = parsed(&result);
    assert_true(json_is_null(json_object_get(json, "seed")));
    assert_non_null(strstr(json_string_value(json_object_get(json, "seed_reason")), "9007199254740993"));
    json_decref(json);
    result_free(&result);
}

static void arguments_that_are_not_utf8_do_not_break_the_file(void **state)
{
    struct result result = usual(false);
    char *arguments[] = {"vcost", "\xff\xfe\n\"", ""};
    (void)state;
    assert_int_equal(result_set_command(&result, 3, arguments, NULL), 0);
    char *text = written(&result);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    json_t *argument = json_array_get(json_object_get(json, "command"), 1);
    assert_string_equal(json_string_value(argument), "\xef\xbf\xbd\xef\xbf\xbd\n\"");
    json_decref(json);
    free(text);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_accepts_what_is_written_and_names_every_field),
        cmocka_unit_test(the_schema_accepts_a_machine_that_tells_nothing),
        cmocka_unit_test(findings_are_in_the_file_of_an_inspection_alone),
        cmocka_unit_test(a_finding_has_a_value_of_its_unit_or_a_reason),
        cmocka_unit_test(careless_findings_keep_the_promises),
        cmocka_unit_test(the_schema_refuses_findings_that_break_promises),
        cmocka_unit_test(reaches_tell_measured_and_told_apart),
        cmocka_unit_test(modes_and_drift_are_in_the_file),
        cmocka_unit_test(agents_are_in_the_file_where_there_are_any),
        cmocka_unit_test(what_some_results_have_is_in_the_schema),
        cmocka_unit_test(the_schema_refuses_broken_promises),
        cmocka_unit_test(what_is_not_known_is_null_with_a_reason_and_never_zero),
        cmocka_unit_test(one_placement_has_figures_but_no_interval),
        cmocka_unit_test(integers_past_2_to_the_53_are_not_silently_rounded),
        cmocka_unit_test(arguments_that_are_not_utf8_do_not_break_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
