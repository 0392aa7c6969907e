/* result/read.h: a result file comes back as it was written, and whatever else is in a file is refused with
 * a sentence. */
#include "cmocka_all.h"

#include "result/json.h"
#include "result/read.h"
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

static json_t *usual_json(void)
{
    struct result result = usual();
    json_t *json = NULL;
    assert_int_equal(json_from_result(&result, &json, NULL), 0);
    result_free(&result);
    return json;
}

static int parse_text(const char *text, size_t size, struct result *read, struct error *error)
{
    *error = (struct error){0};
    return result_parse("a.json", text, size, read, error);
}

/* Parses a document, which it takes over. */
static int parse(json_t *json, struct result *read, struct error *error)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    assert_non_null(text);
    int status = parse_text(text, strlen(text), read, error);
    free(text);
    json_decref(json);
    return status;
}

static bool same(double read, double written)
{
    return isnan(written) ? isnan(read) : fabs(read - written) <= 1e-9 * fabs(written);
}

static void a_result_comes_back_as_it_was_written(void **state)
{
    struct result result = usual(), read;
    struct error error;
    (void)state;
    assert_int_equal(parse(usual_json(), &read, &error), 0);
    assert_int_equal(read.cell_count, result.cell_count);
    assert_int_equal(read.comparison_count, result.comparison_count);
    for (size_t i = 0; i < read.cell_count; i++) {
        const struct result_cell *cell = &read.cells[i], *written = &result.cells[i];
        assert_string_equal(cell->id, written->id);
        assert_string_equal(cell_workload(cell), "chase");
        assert_int_equal(cell->quality, written->quality);
        assert_int_equal(cell->sample_count, written->sample_count);
        assert_true(same(cell->median, written->median) && same(cell->low, written->low));
        assert_true(same(cell->high, written->high) && same(cell->min, written->min));
    }
    for (size_t i = 0; i < read.comparison_count; i++) {
        assert_int_equal(read.comparisons[i].cell, result.comparisons[i].cell);
        assert_int_equal(read.comparisons[i].baseline, result.comparisons[i].baseline);
        assert_true(same(read.comparisons[i].ratio, result.comparisons[i].ratio));
    }
    assert_false(read.complete);
    assert_string_equal(read.incomplete_reason, "stopped by the user");
    result_free(&read);
    result_free(&result);
}

static void facts_about_machine_and_command_are_kept(void **state)
{
    struct result read;
    struct error error;
    (void)state;
    assert_int_equal(parse(usual_json(), &read, &error), 0);
    assert_string_equal(read.host.cpu.brand.text, "AMD EPYC 7B13");
    assert_string_equal(read.host.kernel.text, "6.18.5");
    assert_int_equal(read.host.memory_bytes, UINT64_C(8) << 30);
    assert_string_equal(read.host.guest_of.text, "kvm");
    assert_string_equal(read.host.mitigations[0].text, "Mitigation: Retpolines");
    assert_false(read.host.cpu.microcode.known); /* null in the file */
    assert_string_equal(read.host.cpu.microcode.text, "hidden by the hypervisor");
    const struct monitor_facts *kvm = result_monitor(&read, "kvm");
    assert_non_null(kvm);
    assert_int_equal(kvm->technique, TECHNIQUE_SHADOW);
    assert_string_equal(kvm->parameters[0].name, "halt_poll_ns");
    assert_string_equal(kvm->parameters[0].value, "200000");
    assert_int_equal(read.command_count, 3);
    assert_string_equal(read.command[2], "--quick");
    result_free(&read);
}

static void fields_that_are_not_known_are_passed_over(void **state)
{
    struct result read;
    struct error error;
    json_t *json = usual_json();
    (void)state;
    json_object_set_new(json, "flavour", json_string("new"));
    json_object_set_new(json_object_get(json, "host"), "moon", json_array());
    json_object_set_new(json_array_get(json_object_get(json, "cells"), 0), "extra", json_real(1));
    json_object_del(json_object_get(json, "host"), "thp"); /* a machine need not tell all */
    assert_int_equal(parse(json, &read, &error), 0);
    result_free(&read);
}

/* ---- what is refused ---- */

static void refused(int status, const struct result *read, const struct error *error, const char *part)
{
    static const struct result untouched;
    print_message("# %s\n", error->text);
    assert_true(status < 0 && error->code == -status);
    assert_non_null(strstr(error->text, "a.json"));
    assert_non_null(strstr(error->text, part));
    assert_memory_equal(read, &untouched, sizeof untouched);
}

/* Where to change a document: through objects by name, through arrays by number; and to what (NULL: nothing).
 */
static const struct {
    const char *path[6], *value, *sentence; /* path: ended by NULL */
} mutations[] = {
    {{"schema"}, NULL, "is no vcost result: it names no schema"},
    {{"schema"}, "7", "is no vcost result: it names no schema"},
    {{"schema"}, "\"vcost.compare/1\"", "is no vcost result: its schema is \"vcost.compare/1\""},
    {{"schema"}, "\"vcost.result/2\"", "is of schema vcost.result/2, and this vcost reads vcost.result/1"},
    {{"schema"}, "\"vcost.result/11\"", "is of schema vcost.result/11"},
    {{"tool"}, NULL, "\"tool\" is missing"},
    {{"tool", "version"}, "1", "tool.version is a whole number and should be a text"},
    {{"command"}, "\"vcost\"", "command is a text and should be a list"},
    {{"command", "1"}, "5", "command[1] is a whole number and should be a text"},
    {{"complete"}, "\"yes\"", "complete is a text and should be true or false"},
    {{"host"}, NULL, "\"host\" is missing"},
    {{"host"}, "[]", "host is a list and should be an object"},
    {{"host", "cpu"}, "\"fast\"", "host.cpu is a text and should be an object"},
    {{"host", "cpu", "brand"}, "{}", "host.cpu.brand is an object and should be a text or null"},
    {{"host", "memory_bytes"}, "\"8G\"", "host.memory_bytes is a text and should be a whole number or null"},
    {{"host", "monitors", "0", "name"}, NULL, "host.monitors[0]: \"name\" is missing"},
    {{"host", "mitigations"}, "[]", "host.mitigations is a list and should be an object or null"},
    {{"experiment"}, "null", "experiment is null and should be a text"},
    {{"cells"}, NULL, "\"cells\" is missing"},
    {{"cells"}, "{}", "cells is an object and should be a list"},
    {{"cells", "0"}, "5", "cells[0]"},
    {{"cells", "0", "id"}, NULL, "cells[0]: \"id\" is missing"},
    {{"cells", "0", "id"}, "\"\"", "cells[0].id is empty or too long"},
    {{"cells", "1", "id"}, "\"chase/native/random/4096/64/-/4096\"",
        "the cell chase/native/random/4096/64/-/4096 is there twice"},
    {{"cells", "0", "unit"}, "\"fortnights of the western calendar\"", "cells[0].unit is empty or too long"},
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

static void every_field_that_is_used_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
        struct result read = {0};
        struct error error;
        json_t *json = usual_json();
        mutate(json, mutations[i].path, mutations[i].value);
        int status = parse(json, &read, &error);
        refused(status, &read, &error, mutations[i].sentence);
    }
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "is empty"},
        {"\n\n  {,}", "is no JSON: line 3, column 4"},
        {"[1, 2]", "it is no JSON object"},
        {"\"vcost.result/1\"", "is no JSON: line 1"},
        {"{\"schema\": \"vcost.result/1\", \"schema\": \"vcost.result/1\"}", "duplicate"},
        {"{\"schema\": 1e999}", "is no JSON: line 1"},
        {"{\"a\": \"\xff\"}", "is no JSON: line 1"},
        {"<html>", "is no JSON: line 1, column 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result read = {0};
        struct error error;
        int status = parse_text(cases[i].text, strlen(cases[i].text), &read, &error);
        refused(status, &read, &error, cases[i].sentence);
    }
}

static void deep_nesting_is_refused(void **state)
{
    static char text[1 << 20];
    struct result read = {0};
    struct error error;
    (void)state;
    memset(text, '[', sizeof text);
    refused(parse_text(text, sizeof text, &read, &error), &read, &error, "is no JSON");
}

static void every_truncated_file_is_refused(void **state)
{
    json_t *json = usual_json();
    char *text = json_dumps(json, 0);
    size_t length = strlen(text);
    (void)state;
    for (size_t size = 0; size < length; size++) {
        struct result read;
        struct error error;
        char *copy = malloc(size + 1); /* of just this size, so that reading past it is seen */
        memcpy(copy, text, size);
        assert_int_equal(parse_text(copy, size, &read, &error), -EINVAL);
        assert_true(error.text[0]);
        free(copy);
    }
    free(text);
    json_decref(json);
}

/* ---- what was found ---- */

static json_t *inspect_json(void)
{
    struct result result;
    json_t *json = NULL;
    synthetic_inspect(&result);
    assert_int_equal(json_from_result(&result, &json, NULL), 0);
    result_free(&result);
    return json;
}

static const struct {
    const char *path[6], *value, *sentence;
} wrong_findings[] = {
    {{"findings"}, "{}", "findings is an object and should be a list"},
    {{"findings", "2"}, "5", "findings[2]"},
    {{"findings", "2", "name"}, NULL, "findings[2]: \"name\" is missing"},
    {{"findings", "2", "name"}, "7", "findings[2].name is a whole number and should be a text"},
    {{"findings", "2", "key"}, "{}", "findings[2].key is an object and should be a text or null"},
    {{"findings", "0", "unit"}, "null", "findings[0].unit is null and should be a text"},
    {{"findings", "3", "text"}, "1", "findings[3].text is a whole number and should be a text or null"},
    {{"findings", "0", "value"}, "[]", "findings[0].value is a list and should be"},
    {{"findings", "6", "value"}, "1e300", "findings[6].value is 1e+300, which is beyond all measure"},
};

static void findings_are_checked_as_all_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_findings / sizeof *wrong_findings; i++) {
        struct result read = {0};
        struct error error;
        json_t *json = inspect_json();
        mutate(json, wrong_findings[i].path, wrong_findings[i].value);
        int status = parse(json, &read, &error);
        refused(status, &read, &error, wrong_findings[i].sentence);
    }
}

static void findings_without_end_are_refused_and_long_ones_cut(void **state)
{
    static char longest[5000];
    struct result read = {0};
    struct error error;
    json_t *json = inspect_json(), *findings = json_object_get(json, "findings");
    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    json_t *first = json_array_get(findings, 0);
    json_object_set_new(first, "name", json_string(longest));
    json_object_set_new(first, "key", json_string(longest));
    json_object_set_new(first, "value", json_string(longest));
    json_array_append_new(findings, json_deep_copy(json_array_get(findings, 3))); /* one there twice */
    assert_int_equal(parse(json_deep_copy(json), &read, &error), 0);
    assert_int_equal(read.findings.count, json_array_size(findings));
    assert_string_equal(read.findings.items[0].name, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(strlen(read.findings.items[0].value.text), sizeof read.findings.items[0].value.text - 1);
    result_free(&read);
    for (size_t i = 0; i < FINDINGS_IN_FILE_MAX; i++)
        json_array_append_new(findings, json_deep_copy(json_array_get(findings, 3)));
    refused(parse(json, &read, &error), &read, &error, "findings: 5018 are too many");
}

/* Any byte may be wrong: the file is then read all the same, or refused with a sentence. */
static void every_changed_byte_is_survived(void **state)
{
    static const char bytes[] = {0, '"', '}', ']', ',', '9', '-', 'e', '\\', (char)0xc3};
    json_t *json = usual_json();
    char *text = json_dumps(json, 0);
    size_t length = strlen(text), refusals = 0;
    (void)state;
    for (size_t at = 0; at < length; at++) {
        struct result read;
        struct error error;
        char kept = text[at];
        text[at] = bytes[at % sizeof bytes];
        int status = parse_text(text, length, &read, &error);
        text[at] = kept;
        refusals += status != 0;
        assert_true(status == 0 || (status == -EINVAL && error.text[0]));
        if (status == 0)
            result_free(&read);
    }
    assert_true(refusals > length / 2);
    free(text);
    json_decref(json);
}

static void a_file_that_never_ends_is_refused(void **state)
{
    struct result read = {0};
    struct error error = {0};
    (void)state;
    assert_int_equal(result_read("/dev/zero", &read, &error), -EFBIG);
    assert_non_null(strstr(error.text, "/dev/zero is no vcost result: it is larger than 32 MiB"));
}

static void what_cannot_be_read_is_told(void **state)
{
    struct result read = {0};
    struct error error = {0};
    (void)state;
    assert_int_equal(result_read("/nonexistent/a.json", &read, &error), -ENOENT);
    assert_string_equal(error.text, "cannot read /nonexistent/a.json: No such file or directory");
    assert_int_equal(result_read("/", &read, &error), -EISDIR);
    assert_int_equal(result_read("/dev/null", &read, &error), -EINVAL);
    assert_string_equal(error.text, "/dev/null is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_comes_back_as_it_was_written),
        cmocka_unit_test(facts_about_machine_and_command_are_kept),
        cmocka_unit_test(fields_that_are_not_known_are_passed_over),
        cmocka_unit_test(every_field_that_is_used_is_checked),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(every_truncated_file_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(findings_are_checked_as_all_else),
        cmocka_unit_test(findings_without_end_are_refused_and_long_ones_cut),
        cmocka_unit_test(a_file_that_never_ends_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
