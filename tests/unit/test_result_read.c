/* result/read.h: a result comes back whole and is written again as it was, and whatever else is in a file is
 * refused with a sentence. */
#include "cmocka_all.h"
#include "repeated.h"

#include "event/event_kind.h"
#include "base/packed.h"
#include "base/utf16.h"
#include "result/json.h"
#include "read_result.h"
#include "test_report_synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct result usual(void)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    recipe.last_bytes = 8192;
    recipe.placements = 2;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    return result;
}

static json_t *json_of(struct result *result)
{
    json_t *json = NULL;
    assert_int_equal(json_from_result(result, &json, NULL), 0);
    result_free(result);
    return json;
}

static json_t *usual_json(void)
{
    struct result result = usual();
    return json_of(&result);
}

static json_t *inspect_json(void)
{
    struct result result;
    synthetic_inspect(&result);
    return json_of(&result);
}

static int parse_text(const char *text, size_t size, struct result *result, struct error *error)
{
    *error = (struct error){0};
    return result_parse("a.json", text, size, result, error);
}

/* Parses a document, which it takes over. */
static int parse(json_t *json, struct result *result, struct error *error)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    assert_non_null(text);
    int status = parse_text(text, strlen(text), result, error);
    free(text);
    json_decref(json);
    return status;
}

static struct result read_back(json_t *json)
{
    struct result result;
    struct error error;
    if (parse(json, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result;
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

/* ---- what comes back ---- */

/* The text of a result, which is released; and that of what was read from it. */
static void written_read_written(struct result *result)
{
    struct result again;
    struct error error;
    char *first = written(result);
    result_free(result);
    assert_int_equal(parse_text(first, strlen(first), &again, &error), 0);
    char *second = written(&again);
    assert_string_equal(first, second);
    free(first);
    free(second);
    result_free(&again);
}

/* All that the tables have, with what a double rounds and what is not UTF-8. */
static void decorate(struct result *result)
{
    static const struct result_agent agents[] = {
        {"command:a", "a", {"0.1.0", {true, "CPU"}, {true, "6.1"}, true, {true, "kvm"}, 2.5, 3, 4096}},
        {"command:b", "b\n\xff", {"", {false, "hidden"}, {0}, false, {0}, 1, 0, 4096}},
    };
    struct result_cell *cell = &result->cells[0], *event = &result->cells[result->cell_count - 1];
    result->agents = malloc(sizeof agents);
    memcpy(result->agents, agents, sizeof agents);
    result->agent_count = 2;
    result->settings = calloc(2, sizeof *result->settings);
    result->settings[0] = (struct result_setting){"--time", "45", true};
    result->settings[1] = (struct result_setting){"--only", "\"a\"\n", false};
    result->setting_count = 2;
    result->seed = UINT64_MAX;
    result_set_monitor(result, &(struct monitor_facts){.name = "paravirt",
                                   .reason = "not built",
                                   .technique = TECHNIQUE_UNKNOWN,
                                   .syscall_privilege = -1});
    cell->metrics = calloc(1, sizeof *cell->metrics);
    cell->metrics[0] = (struct result_metric){"throughput", "bytes", 1.5e9, 1.4e9, NAN, NULL};
    cell->metric_count = 1;
    cell->unit = "cycles";
    cell->deterministic = true;
    cell->modes = (struct modes){true, true, 11.2, 19, 0.25};
    cell->trend_percent = 12.5;
    cell->drift_percent = -4;
    if (cell->sample_count)
        cell->samples[0].disturbed = DISTURBED_STEAL;
    event->cell.workload = event_named("retouch", 65536, "lap");
    event->operations = 1000;
    event->counters = (struct result_counters){true, UINT64_MAX, 0};
    strcpy(event->note, "mind the gap");
}

static void what_is_written_is_read_and_written_again_as_it_was(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result = usual();
    (void)state;
    written_read_written(&result);
    synthetic_inspect(&result);
    written_read_written(&result);
    recipe.reaches = true;
    recipe.order_count = 2;
    recipe.page_pairs = 2;
    recipe.placements = 1;
    synthetic_result(&recipe, &result);
    decorate(&result);
    written_read_written(&result);
    synthetic_inspect(&result);
    result.rounds = calloc(2, sizeof *result.rounds);
    result.round_count = 2;
    for (size_t i = 0; i < 2; i++) {
        strcpy(result.rounds[i].started, "2025-11-24T06:00:01Z");
        assert_int_equal(findings_add(&result.rounds[i].findings, &result.findings.items[2], NULL), 0);
    }
    written_read_written(&result);
}

/* A number whose ten digits are whole would be a real number first and a whole one the second time. */
static void findings_with_many_digits_do_not_change(void **state)
{
    static const double numbers[] = {
        123456789012, 12345678901.5, 1234567890.04, 0.1, 1e17, 0x1p62, 123456.789};
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(findings_add(&result.findings,
                             &(struct finding){.name = "a",
                                 .title = "",
                                 .unit = UNIT_NS,
                                 .value = {true, ""},
                                 .number = numbers[i],
                                 .low = numbers[i],
                                 .high = numbers[i] + 0.25},
                             NULL),
            0);
    written_read_written(&result);
}

static void same_figure(double a, double b)
{
    assert_true(isnan(a) ? isnan(b) : fabs(a - b) <= 1e-9 * fabs(a));
}

/* As a text that went through another program or another system. */
static void same_in_another_coding(const char *text, enum text_coding coding, const char *mark, size_t length)
{
    size_t size = strlen(text), used = length;
    char *coded = malloc(length + 2 * size);
    struct result result;
    struct error wrong = {0};
    memcpy(coded, mark, length);
    for (size_t i = 0; i < size; i++) {
        if (coding == CODING_UTF16_BE)
            coded[used++] = '\0';
        coded[used++] = text[i];
        if (coding == CODING_UTF16_LE)
            coded[used++] = '\0';
    }
    if (parse_text(coded, used, &result, &wrong) < 0)
        fail_msg("%s", wrong.text);
    char *again = written(&result);
    assert_string_equal(again, text);
    free(again);
    free(coded);
    result_free(&result);
}

static void what_went_through_windows_is_what_it_was(void **state)
{
    struct result result = usual();
    char *text = written(&result);
    struct error wrong = {0};
    (void)state;
    same_in_another_coding(text, CODING_UTF8, "\xef\xbb\xbf", 3);
    same_in_another_coding(text, CODING_UTF16_LE, "\xff\xfe", 2);
    same_in_another_coding(text, CODING_UTF16_BE, "\xfe\xff", 2);
    same_in_another_coding(text, CODING_UTF16_LE, "", 0);
    same_in_another_coding(text, CODING_UTF16_BE, "", 0);
    assert_int_equal(parse_text("\xff\xfe\0\0{\0\0\0}\0\0\0", 12, &result, &wrong), -EINVAL);
    assert_non_null(strstr(wrong.text, "is UTF-32: save it as UTF-8"));
    free(text);
    result_free(&result);
}

static void characters_of_all_lengths_survive_utf16(void **state)
{
    /* a, µ, €, and U+1F600 by two units; half of one; half a unit */
    static const char units[] = "a\0\xb5\0\xac\x20\x3d\xd8\0\xde\x3d\xd8z\0x";
    char *text;
    size_t length;
    (void)state;
    assert_int_equal(utf16_to_utf8(units, sizeof units - 1, CODING_UTF16_LE, &text, &length), 0);
    assert_int_equal(length, strlen("aµ€😀\xef\xbf\xbdz"));
    assert_memory_equal(text, "aµ€😀\xef\xbf\xbdz", length);
    free(text);
}

static void cells_are_what_they_were(void **state)
{
    struct result result = usual(), again;
    char *text;
    struct error error;
    (void)state;
    decorate(&result);
    text = written(&result);
    assert_int_equal(parse_text(text, strlen(text), &again, &error), 0);
    free(text);
    assert_int_equal(again.cell_count, result.cell_count);
    assert_int_equal(again.comparison_count, result.comparison_count);
    for (size_t i = 0; i < again.cell_count; i++) {
        const struct result_cell *cell = &again.cells[i], *was = &result.cells[i];
        assert_string_equal(cell->id, was->id);
        assert_string_equal(cell->cell.monitor, was->cell.monitor);
        assert_string_equal(cell_workload(cell), cell_workload(was));
        assert_int_equal(cell->quality, was->quality);
        assert_int_equal(cell->deterministic, was->deterministic);
        assert_string_equal(cell->reason, was->reason);
        assert_int_equal(cell->sample_count, was->sample_count);
        same_figure(was->median, cell->median);
        same_figure(was->low, cell->low);
        if (cell_chase(was))
            assert_memory_equal(cell_chase(cell), cell_chase(was), sizeof(struct chase_shape));
    }
    const struct result_cell *event = &again.cells[again.cell_count - 1];
    assert_string_equal(workload_operation(&event->cell.workload), "lap");
    assert_true(isnan(event->pages.host_share_2m) && event->pages.as_asked); /* not in the file */
    assert_string_equal(again.cells[0].unit, "cycles");
    assert_string_equal(again.cells[1].unit, "ns");
    assert_string_equal(again.cells[0].metrics[0].name, "throughput");
    assert_true(isnan(again.cells[0].metrics[0].high));
    assert_int_equal(again.cells[0].samples[0].disturbed, DISTURBED_STEAL);
    assert_true(again.cells[0].modes.two && again.cells[0].modes.high == 19);
    for (size_t i = 0; i < again.comparison_count; i++) {
        assert_int_equal(again.comparisons[i].cell, result.comparisons[i].cell);
        assert_int_equal(again.comparisons[i].baseline, result.comparisons[i].baseline);
    }
    result_free(&again);
    result_free(&result);
}

static void the_run_is_what_it_was(void **state)
{
    struct result result = usual(), again;
    struct error error;
    (void)state;
    decorate(&result);
    char *text = written(&result);
    assert_int_equal(parse_text(text, strlen(text), &again, &error), 0);
    free(text);
    assert_true(again.seed == UINT64_MAX);
    assert_false(again.complete);
    assert_string_equal(again.incomplete_reason, "stopped by the user");
    assert_string_equal(again.experiment, "chase");
    assert_string_equal(again.tool.version, this_tool.version);
    assert_int_equal(again.command_count, 3);
    assert_string_equal(again.command[2], "--quick");
    assert_int_equal(again.setting_count, 2);
    assert_string_equal(again.settings[0].name, "--time");
    assert_true(again.settings[0].usual && !again.settings[1].usual);
    assert_int_equal(again.agent_count, 2);
    assert_string_equal(again.agents[0].facts.brand.text, "CPU");
    assert_false(again.agents[1].facts.brand.known);
    assert_string_equal(again.agents[1].facts.brand.text, "hidden");
    assert_int_equal(again.monitor_count, 2);
    const struct monitor_facts *kvm = result_monitor(&again, "kvm"),
                               *other = result_monitor(&again, "paravirt");
    assert_int_equal(kvm->technique, TECHNIQUE_SHADOW);
    assert_int_equal(kvm->syscall_privilege, 3);
    assert_string_equal(kvm->parameters[0].value, "200000");
    assert_string_equal(kvm->quirks[0], "SYSCALL stays at CPL 3");
    assert_true(!other->usable && other->technique == TECHNIQUE_UNKNOWN && other->syscall_privilege == -1);
    assert_null(result_monitor(&again, "xen"));
    assert_string_equal(again.host.cpu.features, "fpu sse2 avx2");
    assert_int_equal(again.host.cache_count, 4);
    assert_int_equal(again.host.tlbs[0].ways, 0); /* fully associative */
    assert_int_equal(again.host.tlbs[1].ways, 8);
    assert_int_equal(again.host.hugetlb[0].page_bytes, 2097152);
    assert_string_equal(again.host.mitigations[0].text, "Mitigation: Retpolines");
    assert_true(!again.host.governor.known);
    assert_string_equal(again.host.governor.text, "no cpufreq driver in /sys");
    result_free(&again);
    result_free(&result);
}

static void findings_are_what_they_were(void **state)
{
    struct result was, result = read_back(inspect_json());
    (void)state;
    synthetic_inspect(&was);
    assert_int_equal(result.findings.count, was.findings.count);
    assert_int_equal(result.findings.remedy_count, was.findings.remedy_count);
    for (size_t i = 0; i < was.findings.count; i++) {
        const struct finding *finding = &result.findings.items[i], *before = &was.findings.items[i];
        assert_string_equal(finding->name, before->name);
        assert_string_equal(finding->title, before->title);
        assert_int_equal(finding->unit, before->unit);
        assert_int_equal(finding->section, before->section);
        assert_int_equal(finding->value.known, before->value.known);
        same_figure(before->value.known ? before->number : NAN, finding->number);
        if (strcmp(before->name, "dmi-product") != 0) /* which is no UTF-8 */
            assert_string_equal(finding->value.text, before->value.text);
    }
    /* A list that was read can grow. */
    assert_int_equal(findings_add(&result.findings, &was.findings.items[0], NULL), 0);
    assert_int_equal(result.findings.count, was.findings.count + 1);
    result_free(&was);
    result_free(&result);
}

static void a_result_outlives_what_it_was_made_from(void **state)
{
    struct result result = {0};
    char word[] = "vcost", *words[] = {word, word};
    (void)state;
    assert_int_equal(result_set_command(&result, 2, words, NULL), 0);
    memset(word, 'x', sizeof word - 1);
    assert_string_equal(result.command[1], "vcost");
    assert_int_equal(result_set_command(&result, 0, NULL, NULL), 0);
    assert_int_equal(result.command_count, 0);
    result_free(&result);
}

static void what_refers_to_no_cell_is_not_written(void **state)
{
    struct result result = usual();
    size_t comparisons = result.comparison_count;
    (void)state;
    assert_true(comparisons > 1);
    result.comparisons[1].baseline = result.cell_count;
    struct result again = read_back(json_of(&result));
    assert_int_equal(again.comparison_count, comparisons - 1);
    result_free(&again);
}

/* ---- other versions ---- */

static json_t *first_cell(json_t *json)
{
    return json_array_get(json_object_get(json, "cells"), 0);
}

/* As programs write whole numbers that know no others. */
static void whole_numbers_may_be_written_as_reals(void **state)
{
    struct result was = usual(), result;
    json_t *json = usual_json();
    (void)state;
    json_object_set_new(first_cell(json), "element_bytes", json_real(64));
    json_object_set_new(json_array_get(json_object_get(first_cell(json), "samples"), 3), "round",
        json_real(was.cells[0].samples[3].round));
    json_object_set_new(json, "seed", json_real(1));
    result = read_back(json);
    assert_int_equal(result.cells[0].samples[3].round, was.cells[0].samples[3].round);
    assert_int_equal(result.seed, 1);
    result_free(&result);
    result_free(&was);
}

static void fields_that_are_not_known_are_passed_over(void **state)
{
    json_t *json = usual_json();
    (void)state;
    json_object_set_new(json, "flavour", json_string("new"));
    json_object_set_new(json_object_get(json, "host"), "moon", json_array());
    json_object_set_new(first_cell(json), "extra", json_real(1));
    json_object_del(json_object_get(json, "host"), "thp"); /* a machine need not tell all */
    struct result result = read_back(json);
    assert_false(result.host.thp.known);
    assert_string_equal(result.host.thp.text, "not told");
    result_free(&result);
}

static void a_newer_file_loads_with_what_this_vcost_does_not_have(void **state)
{
    static const char newer[] = "teleport";
    json_t *json = inspect_json(), *cell = first_cell(json), *finding, *parameters;
    (void)state;
    json_object_set_new(json, "experiment", json_string(newer));
    json_object_set_new(cell, "workload", json_string("copy"));
    json_object_set_new(cell, "technique", json_string(newer));
    json_object_set_new(cell, "parameters", json_pack("{s:i}", "stride", 7));
    parameters = json_object_get(json_array_get(json_object_get(json, "cells"), 1), "parameters");
    json_object_set_new(parameters, "order", json_string(newer));
    json_object_set_new(json_array_get(json_object_get(cell, "samples"), 0), "disturbed", json_string(newer));
    finding = json_array_get(json_object_get(json, "findings"), 2);
    json_object_set_new(finding, "unit", json_string("furlongs"));
    json_object_set_new(finding, "section", json_string(newer));
    json_object_set_new(finding, "source", json_string(newer));
    struct result result = read_back(json);
    assert_string_equal(result.experiment, newer);
    assert_string_equal(cell_workload(&result.cells[0]), "copy");
    assert_int_equal(result.cells[0].technique, TECHNIQUE_UNKNOWN);
    assert_int_equal(result.cells[0].samples[0].disturbed, DISTURBED_NOT);
    assert_string_equal(cell_workload(&result.cells[1]), "chase");
    assert_null(cell_chase(&result.cells[1])); /* its shape is not known */
    assert_int_equal(result.findings.items[2].unit, UNIT_COUNT);
    assert_true(result.findings.items[2].number == 0.07);
    written_read_written(&result);
}

static void an_older_file_loads_without_what_came_later(void **state)
{
    static const char *const later[] = {"reaches", "seconds", "seed", "cpu", "tsc_ghz", "agents"};
    static const char *const of_cells[] = {"label", "technique", "modes", "drift_percent", "counters"};
    json_t *json = usual_json(), *host = json_object_get(json, "host");
    (void)state;
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        json_object_del(json, later[i]);
    for (size_t i = 0; i < sizeof of_cells / sizeof *of_cells; i++)
        json_object_del(first_cell(json), of_cells[i]);
    json_object_del(json_array_get(json_object_get(json, "comparisons"), 0), "more_ns");
    json_object_del(host, "monitors");
    struct result result = read_back(json);
    assert_int_equal(result.monitor_count, 1);
    assert_int_equal(result_monitor(&result, "kvm")->technique, TECHNIQUE_SHADOW);
    assert_true(isnan(result.seconds) && isnan(result.comparisons[0].more_ns));
    assert_int_equal(result.cells[0].technique, TECHNIQUE_UNKNOWN);
    assert_false(result.cells[0].counters.known);
    assert_null(result.settings);
    result_free(&result);
}

static void a_text_that_does_not_fit_is_cut_at_a_whole_character(void **state)
{
    char long_text[1024] = "x";
    json_t *json = inspect_json(), *finding = json_array_get(json_object_get(json, "findings"), 0);
    (void)state;
    for (size_t i = 1; i + 2 < sizeof long_text; i += 2)
        memcpy(long_text + i, "\u00e9", 3);
    json_object_set_new(first_cell(json), "label", json_string(long_text));
    json_object_set_new(finding, "name", json_string(long_text));
    json_object_set_new(finding, "value", json_string(long_text));
    struct result result = read_back(json);
    assert_int_equal(strlen(result.findings.items[0].name), sizeof result.findings.items[0].name - 1);
    assert_int_equal(
        strlen(result.findings.items[0].value.text), sizeof result.findings.items[0].value.text - 1);
    size_t length = strlen(result.cells[0].label);
    assert_true(length == sizeof result.cells[0].label - 1 && !((length - 1) % 2));
    result_free(&result);
}

static void what_a_list_of_fixed_size_has_no_room_for_is_left_out(void **state)
{
    json_t *json = usual_json(), *host = json_object_get(json, "host");
    json_t *mitigations = json_object_get(host, "mitigations"), *caches = json_object_get(host, "caches");
    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        json_object_set_new(mitigations, name, json_string("x"));
        json_array_append(caches, json_array_get(caches, 0));
    }
    struct result result = read_back(json);
    assert_int_equal(result.host.mitigation_count, HOST_MITIGATIONS_MAX);
    assert_int_equal(result.host.cache_count, HOST_CACHES_MAX);
    result_free(&result);
}

/* ---- what is refused ---- */

static void refused(int status, const struct result *result, const struct error *error, const char *part)
{
    static const struct result untouched;
    print_message("# %s\n", error->text);
    assert_true(status < 0 && error->code == -status);
    assert_non_null(strstr(error->text, "a.json"));
    assert_non_null(strstr(error->text, part));
    assert_memory_equal(result, &untouched, sizeof untouched);
}

/* Where to change a document: through objects by name, through arrays by number; and to what (NULL: nothing).
 */
static const struct mutation {
    const char *path[6], *value, *sentence; /* path: ended by NULL */
} mutations[] = {
    {{"schema"}, NULL, "is no vcost result: it names no schema"},
    {{"schema"}, "7", "is no vcost result: it names no schema"},
    {{"schema"}, "\"vcost.compare/1\"", "is a comparison, which does not hold the results"},
    {{"schema"}, "\"vcost.list/1\"", "is no vcost result: its schema is \"vcost.list/1\""},
    {{"schema"}, "\"vcost.result/2\"", "is of schema vcost.result/2, and this vcost reads vcost.result/1"},
    {{"schema"}, "\"vcost.result/11\"", "is of schema vcost.result/11"},
    {{"tool"}, NULL, "\"tool\" is missing"},
    {{"tool", "version"}, "1", "tool.version is a whole number and should be a text"},
    {{"command"}, "\"vcost\"", "command is a text and should be a list"},
    {{"command", "1"}, "5", "command[1] is a whole number and should be a text"},
    {{"settings"}, "{\"--time\": \"45\"}", "settings.--time is a text and should be an object"},
    {{"settings"}, "{\"--time\": {\"value\": 45}}", "settings.--time.value is a whole number"},
    {{"complete"}, "\"yes\"", "complete is a text and should be true or false"},
    {{"seconds"}, "-1e300", "seconds is -1e+300, which is beyond all measure"},
    {{"cpu"}, "4294967296", "cpu is 4294967296, which counts nothing"},
    {{"host"}, NULL, "\"host\" is missing"},
    {{"host"}, "[]", "host is a list and should be an object"},
    {{"host", "cpu"}, "\"fast\"", "host.cpu is a text and should be an object"},
    {{"host", "cpu", "brand"}, "{}", "host.cpu.brand is an object and should be a text or null"},
    {{"host", "cpu", "features"}, "[1]", "host.cpu.features is a whole number and should be a text"},
    {{"host", "memory_bytes"}, "\"8G\"", "host.memory_bytes is a text and should be a whole number or null"},
    {{"host", "numa_nodes"}, "-3", "host.numa_nodes is -3, which counts nothing"},
    {{"host", "caches", "1", "level"}, "null", "host.caches[1].level is null and should be a whole number"},
    {{"host", "mitigations"}, "[]", "host.mitigations is a list and should be an object or null"},
    {{"host", "mitigations", "spectre_v2"}, "1", "host.mitigations.spectre_v2 is a whole number"},
    {{"host", "hugetlb", "large"}, "{\"total_pages\": 0, \"free_pages\": 0}",
        "host.hugetlb.large is no number"},
    {{"host", "monitors", "0", "name"}, "\"\"", "host.monitors[0].name is empty or too long"},
    {{"experiment"}, "null", "experiment is null and should be a text"},
    {{"cells"}, NULL, "\"cells\" is missing"},
    {{"cells"}, "{}", "cells is an object and should be a list"},
    {{"cells", "0"}, "5", "cells[0] is a whole number and should be an object"},
    {{"cells", "0", "id"}, NULL, "cells[0]: \"id\" is missing"},
    {{"cells", "0", "id"}, "\"\"", "cells[0].id is empty or too long"},
    {{"cells", "1", "id"}, "\"chase/native/random/4096/64/-/4096\"",
        "the cell chase/native/random/4096/64/-/4096 is there twice"},
    {{"cells", "0", "unit"}, "\"fortnights of the western calendar\"", "cells[0].unit is empty or too long"},
    {{"cells", "0", "workload"}, "7", "cells[0].workload is a whole number and should be a text"},
    {{"cells", "0", "parameters"}, "7", "cells[0].parameters is a whole number and should be an object"},
    {{"cells", "0", "parameters", "order"}, "7", "cells[0].parameters.order is a whole number"},
    {{"cells", "0", "parameters", "working_set_bytes"}, "0", "cells[0].parameters: "},
    {{"cells", "0", "parameters", "chains"}, "1000", "cells[0].parameters: "},
    {{"cells", "1", "median"}, "\"fast\"", "cells[1].median is a text and should be a number or null"},
    {{"cells", "1", "median"}, "1e300", "cells[1].median is 1e+300, which is beyond all measure"},
    {{"cells", "1", "median"}, "-1e300", "beyond all measure"},
    {{"cells", "0", "low"}, "1e6", "cells[0]: the median lies outside of its interval"},
    {{"cells", "0", "high"}, "0", "cells[0]: the median lies outside of its interval"},
    {{"cells", "0", "quality"}, "\"great\"", "cells[0].quality is none that is known"},
    {{"cells", "0", "samples"}, "null", "cells[0].samples is null and should be a list"},
    {{"cells", "0", "samples", "3"}, "7", "cells[0].samples[3]"},
    {{"cells", "0", "samples", "3", "value"}, "true", "cells[0].samples[3].value is true and should be"},
    {{"cells", "0", "samples", "3", "round"}, "-1", "cells[0].samples[3].round is -1, which counts nothing"},
    {{"cells", "0", "samples", "3", "placement"}, "4294967296", "which counts nothing"},
    {{"cells", "0", "samples", "3", "placement"}, "0.5",
        "placement is a number and should be a whole number"},
    {{"cells", "0", "samples", "3", "disturbed"}, "0",
        "disturbed is a whole number and should be a text or null"},
    {{"cells", "0", "metrics"}, "{\"m\": {\"unit\": \"B\"}}", "cells[0].metrics.m: \"value\" is missing"},
    {{"comparisons"}, "null", "comparisons is null and should be a list"},
    {{"comparisons", "0", "cell"}, "\"x\"", "comparisons[0].cell names \"x\", which is no cell of it"},
    {{"comparisons", "0", "baseline"}, NULL, "comparisons[0]: \"baseline\" is missing"},
    {{"comparisons", "0", "ratio"}, "[1]", "comparisons[0].ratio is a list"},
    {{"comparisons", "0", "low"}, "900", "comparisons[0]: the ratio lies outside of its interval"},
    {{"comparisons", "1"},
        "{\"cell\":\"chase/kvm/random/4096/64/4096/4096\","
        "\"baseline\":\"chase/native/random/4096/64/-/4096\","
        "\"ratio\":1,\"low\":1,\"high\":1}",
        "the comparison of chase/kvm/random/4096/64/4096/4096 is there twice"},
    {{"reaches"}, "[{\"below\": \"x\", \"above\": \"y\"}]", "reaches[0].below names \"x\""},
};

static json_t *step(json_t *at, const char *name)
{
    return json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10)) : json_object_get(at, name);
}

static void mutate(json_t *json, const char *const path[6], const char *value)
{
    while (path[1]) {
        json = step(json, *path++);
        assert_non_null(json);
    }
    if (!value)
        json_object_del(json, path[0]);
    else if (json_is_array(json))
        json_array_set_new(json, strtoul(path[0], NULL, 10), json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_set_new(json, path[0], json_loads(value, JSON_DECODE_ANY, NULL));
}

static void check_refused(json_t *json, const struct mutation *mutation)
{
    struct result result = {0};
    struct error error;
    mutate(json, mutation->path, mutation->value);
    int status = parse(json, &result, &error);
    refused(status, &result, &error, mutation->sentence);
}

static void every_field_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++)
        check_refused(usual_json(), &mutations[i]);
}

static void every_field_of_a_finding_is_checked(void **state)
{
    static const struct mutation of_findings[] = {
        {{"findings"}, "{}", "findings is an object and should be a list"},
        {{"findings", "3"}, "5", "findings[3] is a whole number and should be an object"},
        {{"findings", "3", "name"}, NULL, "findings[3]: \"name\" is missing"},
        {{"findings", "3", "key"}, "5", "findings[3].key is a whole number and should be a text or null"},
        {{"findings", "3", "unit"}, "null", "findings[3].unit is null and should be a text"},
        {{"findings", "3", "text"}, "5", "findings[3].text is a whole number and should be a text or null"},
        {{"findings", "3", "reason"}, "{}", "findings[3].reason is an object and should be a text or null"},
        {{"findings", "3", "value"}, "{}", "findings[3].value is an object and should be"},
        {{"findings", "3", "value"}, "\"many\"",
            "findings[3].value is a text and should be a number or null"},
        {{"findings", "0", "value"}, "7", "findings[0].value is a whole number and should be a text or null"},
        {{"findings", "11", "value"}, "1",
            "findings[11].value is a whole number and should be true, false or"},
        {{"findings", "3", "value"}, "1e300", "findings[3].value is 1e+300, which is beyond all measure"},
        {{"findings", "6", "value"}, "-1", "findings[6].value is -1, which is no size"},
        {{"findings", "4", "low"}, "1e6", "findings[4]: the value lies outside of its interval"},
        {{"remedies", "0", "more_ns"}, "\"x\"",
            "remedies[0].more_ns is a text and should be a number or null"},
        {{"rounds"}, "[{\"started\": \"now\", \"findings\": [7]}]",
            "rounds[0].findings[0] is a whole number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof of_findings / sizeof *of_findings; i++)
        check_refused(inspect_json(), &of_findings[i]);
}

static void more_findings_than_any_machine_has_are_refused(void **state)
{
    json_t *json = inspect_json(), *findings = json_object_get(json, "findings");
    struct result result = {0};
    struct error error;
    (void)state;
    while (json_array_size(findings) <= FINDINGS_IN_FILE_MAX)
        json_array_append(findings, json_array_get(findings, 0));
    refused(parse(json, &result, &error), &result, &error, "findings: 5001 are too many");
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "is empty"},
        {"\xef\xbb\xbf", "is empty"},
        {"\n\n  {,}", "is no JSON: line 3, column 4"},
        {"[1]", "a.json is no vcost result: it is no JSON object"},
        {"[]", "holds no result"},
        {"\"vcost.result/1\"", "is no JSON: line 1"},
        {"{\"schema\": \"vcost.result/1\", \"schema\": \"vcost.result/1\"}", "duplicate"},
        {"{\"schema\": 1e999}", "is no JSON: line 1"},
        {"{\"a\": \"\xff\"}", "is no JSON: line 1"},
        {"{\"a\": \"\\u0000\"}", "is no JSON: line 1"},
        {"<html>", "is no JSON: line 1, column 1"},
        {"<!DOCTYPE html><p>{}</p>", "is a page without a vcost result in it"},
        {"<!DOCTYPE html>" RESULT_SCRIPT("json") "{}", "is a page without a vcost result in it"},
        {"<!DOCTYPE html>" RESULT_SCRIPT("json") "{}</script>", "it names no schema"},
        {"<!DOCTYPE html>" RESULT_SCRIPT("json") "</script>", "is empty"},
        {"<!DOCTYPE html>" RESULT_SCRIPT("zlib") "</script>", "a.json: what is packed in it is damaged"},
        {"<!DOCTYPE html>" RESULT_SCRIPT("zlib") "{}</script>", "a.json: what is packed in it is damaged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result = {0};
        struct error error;
        int status = parse_text(cases[i].text, strlen(cases[i].text), &result, &error);
        refused(status, &result, &error, cases[i].sentence);
    }
}

static void deep_nesting_is_refused(void **state)
{
    static char text[1 << 20];
    struct result result = {0};
    struct error error;
    (void)state;
    memset(text, '[', sizeof text);
    refused(parse_text(text, sizeof text, &result, &error), &result, &error, "is no JSON");
}

static void every_truncated_file_is_refused(void **state)
{
    json_t *json = usual_json();
    char *text = json_dumps(json, 0);
    size_t length = strlen(text), count = repeated((unsigned)length);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        size_t size = i * length / count;
        struct result result;
        struct error error;
        char *copy = malloc(size + 1); /* of just this size, so that reading past it is seen */
        memcpy(copy, text, size);
        assert_int_equal(parse_text(copy, size, &result, &error), -EINVAL);
        assert_true(error.text[0]);
        free(copy);
    }
    free(text);
    json_decref(json);
}

static void every_changed_byte_is_survived(void **state)
{
    static const char bytes[] = {0, '"', '}', ']', ',', '9', '-', 'e', '\\', (char)0xc3};
    json_t *json = usual_json();
    char *text = json_dumps(json, 0);
    size_t length = strlen(text), count = repeated((unsigned)length), refusals = 0;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct result result;
        struct error error;
        size_t at = i * length / count;
        char kept = text[at];
        text[at] = bytes[i % sizeof bytes];
        int status = parse_text(text, length, &result, &error);
        text[at] = kept;
        refusals += status != 0;
        assert_true(status == 0 || (status == -EINVAL && error.text[0]));
        if (status == 0)
            result_free(&result);
    }
    assert_true(refusals > count / 2);
    free(text);
    json_decref(json);
}

/* ---- pages and several results ---- */

/* The results twice in an array, framed; *size its length. */
static char *framed(const char *before, const char *after, size_t *size)
{
    struct result result = usual();
    char *text = written(&result), *page;
    int length = asprintf(&page, "%s[%s,%s]%s", before, text, text, after);
    assert_true(length > 0);
    *size = (size_t)length;
    free(text);
    result_free(&result);
    return page;
}

static void a_page_gives_back_the_results_in_it(void **state)
{
    static const char *const frames[][2] = {
        {"", ""},
        {"\xef\xbb\xbf", "\n"},
        {"<!DOCTYPE html>\n<title>\"{\" a page</title>" RESULT_SCRIPT("json"),
            "</script><script>1</script></html>"},
        {"\xef\xbb\xbf\n<!doctype HTML>" RESULT_SCRIPT("json") "\n", "\n</script>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct result *results = NULL;
        struct error error = {0};
        size_t size, count = 0;
        char *page = framed(frames[i][0], frames[i][1], &size);
        assert_int_equal(results_parse("a.json", page, size, &results, &count, &error), 0);
        assert_int_equal(count, 2);
        assert_string_equal(results[1].cells[0].id, results[0].cells[0].id);
        results_free(results, count);
        free(page);
    }
}

/* noinline: as written(). *size its length. */
__attribute__((noinline)) static char *packed_page(const char *json, size_t length, size_t *size)
{
    char *page = NULL;
    FILE *stream = open_memstream(&page, size);
    fputs("<!DOCTYPE html><p>" RESULT_SCRIPT("zlib"), stream);
    assert_int_equal(packed_write(stream, json, length, NULL), 0);
    fputs("</script>", stream);
    fclose(stream);
    return page;
}

static void a_packed_page_is_unpacked_within_bounds(void **state)
{
    struct result result = usual(), again = {0};
    struct error error;
    size_t size;
    char *text = written(&result), *page = packed_page(text, strlen(text), &size);
    char *bomb = calloc(1, RESULT_BYTES_MAX + 1);
    (void)state;
    assert_int_equal(parse_text(page, size, &again, &error), 0);
    char *second = written(&again);
    assert_string_equal(text, second);
    result_free(&again);
    result_free(&result);
    free(text);
    free(second);
    free(page);
    memset(bomb, ' ', RESULT_BYTES_MAX + 1);
    page = packed_page(bomb, RESULT_BYTES_MAX + 1, &size);
    refused(
        parse_text(page, size, &again, &error), &again, &error, "a.json: what is packed in it is too large");
    free(page);
    free(bomb);
}

static void of_several_results_the_wrong_one_is_named(void **state)
{
    json_t *array = json_array();
    struct result *results = NULL;
    struct error error = {0};
    size_t count = 7;
    (void)state;
    json_array_append_new(array, usual_json());
    json_array_append_new(array, json_object());
    char *text = json_dumps(array, 0);
    assert_int_equal(results_parse("a.json", text, strlen(text), &results, &count, &error), -EINVAL);
    assert_non_null(strstr(error.text, "a.json (result 2) is no vcost result: it names no schema"));
    assert_true(!results && count == 7);
    free(text);
    json_decref(array);
}

static void what_cannot_be_read_is_named(void **state)
{
    struct result result;
    struct error error = {0};
    (void)state;
    assert_int_equal(result_read("/nonexistent/a.json", &result, &error), -ENOENT);
    assert_string_equal(error.text, "cannot read /nonexistent/a.json: No such file or directory");
    assert_int_equal(result_read("/", &result, &error), -EISDIR);
    assert_int_equal(result_read("/dev/null", &result, &error), -EINVAL);
    assert_string_equal(error.text, "/dev/null is empty");
    assert_int_equal(result_read("/dev/zero", &result, &error), -EFBIG);
    assert_non_null(strstr(error.text, "/dev/zero is no vcost result: it is larger than 32 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_written_again_as_it_was),
        cmocka_unit_test(findings_with_many_digits_do_not_change),
        cmocka_unit_test(what_went_through_windows_is_what_it_was),
        cmocka_unit_test(characters_of_all_lengths_survive_utf16),
        cmocka_unit_test(cells_are_what_they_were),
        cmocka_unit_test(the_run_is_what_it_was),
        cmocka_unit_test(findings_are_what_they_were),
        cmocka_unit_test(a_result_outlives_what_it_was_made_from),
        cmocka_unit_test(what_refers_to_no_cell_is_not_written),
        cmocka_unit_test(whole_numbers_may_be_written_as_reals),
        cmocka_unit_test(fields_that_are_not_known_are_passed_over),
        cmocka_unit_test(a_newer_file_loads_with_what_this_vcost_does_not_have),
        cmocka_unit_test(an_older_file_loads_without_what_came_later),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut_at_a_whole_character),
        cmocka_unit_test(what_a_list_of_fixed_size_has_no_room_for_is_left_out),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(every_field_of_a_finding_is_checked),
        cmocka_unit_test(more_findings_than_any_machine_has_are_refused),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(every_truncated_file_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(a_page_gives_back_the_results_in_it),
        cmocka_unit_test(a_packed_page_is_unpacked_within_bounds),
        cmocka_unit_test(of_several_results_the_wrong_one_is_named),
        cmocka_unit_test(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
