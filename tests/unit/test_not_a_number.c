/* What is no number reaches no reader: results with NaN and infinities in every figure, in every view and
 * format, and no "nan" or "inf" in any. */
#include "read_document.h"
#include "read_result.h"
#include "experiment/internal.h"
#include "report/openmetrics.h"
#include "report/view_compare.h"
#include "report/views.h"
#include "result/json.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

/* What figures become; the last keeps every other one. */
static const struct poison {
    double value;
    unsigned every;
} poisons[] = {{NAN, 1}, {INFINITY, 1}, {-INFINITY, 1}, {NAN, 2}, {INFINITY, 3}, {2.3e20, 1}, {-2.3e20, 2}};

struct poisoning {
    struct poison poison;
    unsigned turn;
};

static void spoil(struct poisoning *poisoning, double *figure)
{
    if (poisoning->turn++ % poisoning->poison.every == 0)
        *figure = poisoning->poison.value;
}

static void spoil_cell(struct poisoning *poisoning, struct result_cell *cell)
{
    double *const figures[] = {&cell->median, &cell->low, &cell->high, &cell->min, &cell->modes.low,
        &cell->modes.high, &cell->modes.share_high, &cell->trend_percent, &cell->drift_percent,
        &cell->pages.host_share_2m};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        spoil(poisoning, figures[i]);
    for (size_t i = 0; i < cell->sample_count; i++)
        spoil(poisoning, &cell->samples[i].ns);
    for (size_t i = 0; i < cell->metric_count; i++)
        spoil(poisoning, &cell->metrics[i].value);
    cell->modes.two = poisoning->turn % 3 == 0;
}

static void spoil_findings(struct poisoning *poisoning, struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        spoil(poisoning, &findings->items[i].number);
        spoil(poisoning, &findings->items[i].low);
        spoil(poisoning, &findings->items[i].high);
    }
    for (size_t i = 0; i < findings->remedy_count; i++) {
        struct remedy *remedy = &findings->remedies[i];
        double *const figures[] = {
            &remedy->with_ns, &remedy->without_ns, &remedy->more_ns, &remedy->low, &remedy->high};
        for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
            spoil(poisoning, figures[k]);
    }
}

static void spoil_result(const struct poison *poison, struct result *result)
{
    struct poisoning poisoning = {*poison, 0};
    for (size_t i = 0; i < result->cell_count; i++)
        spoil_cell(&poisoning, &result->cells[i]);
    for (size_t i = 0; i < result->comparison_count; i++) {
        struct result_comparison *each = &result->comparisons[i];
        double *const figures[] = {
            &each->ratio, &each->low, &each->high, &each->more_ns, &each->more_low_ns, &each->more_high_ns};
        for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
            spoil(&poisoning, figures[k]);
    }
    for (size_t i = 0; i < result->reach_count; i++) {
        spoil(&poisoning, &result->reaches[i].below_ns);
        spoil(&poisoning, &result->reaches[i].above_ns);
        spoil(&poisoning, &result->reaches[i].sureness);
    }
    spoil_findings(&poisoning, &result->findings);
    for (size_t i = 0; i < result->round_count; i++)
        spoil_findings(&poisoning, &result->rounds[i].findings);
    spoil(&poisoning, &result->seconds);
    spoil(&poisoning, &result->tsc_ghz);
}

/* ---- looking for it ---- */

/* Of a page, its script and its style. */
static const char *behind_code(const char *text)
{
    static const char *const open[] = {"<script", "<style"}, *const close[] = {"</script>", "</style>"};
    for (size_t i = 0; i < 2; i++)
        if (!strncmp(text, open[i], strlen(open[i]))) {
            const char *end = strstr(text, close[i]);
            return end ? end : text;
        }
    return text;
}

/* As a word or behind a sign: "info" and "nanoseconds" are none. */
static bool starts_none(const char *text, const char *before)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (!strncasecmp(text, words[i], length) && !isalnum((unsigned char)text[length]) &&
            text[length] != '_' && (before == text || !isalnum((unsigned char)text[-1])))
            return true;
    }
    return false;
}

static void assert_numbers(const char *text, const char *what, const char *format, double poison)
{
    for (const char *at = text; *at; at++) {
        at = behind_code(at);
        if (starts_none(at, text))
            fail_msg("%s as %s with %f everywhere says: …%.60s", what, format, poison,
                at - text > 30 ? at - 30 : text);
    }
}

/* In each format, which the document outlives not. */
static void assert_document(struct document *document, const char *what, double poison)
{
    static const char *const formats[] = {"terminal", "markdown", "csv", "html", "svg"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char *text = NULL;
        size_t size = 0;
        struct error error;
        const struct report_style style = {.utf8 = true, .columns = 100, .verbose = true};
        FILE *stream = open_memstream(&text, &size);
        int rc = document_write(document, format_named(formats[i]), stream, &style, &error);
        fclose(stream);
        if (rc != -ENODATA) { /* no picture without anything in it */
            assert_int_equal(rc, 0);
            assert_numbers(text, what, formats[i], poison);
        }
        free(text);
    }
    document_free(document);
}

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static void assert_file(const struct result *result, const char *what,
    const char *format, int (*write)(const struct result *, FILE *, struct error *), double poison)
{
    char *text = NULL;
    size_t size = 0;
    struct error error;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(write(result, stream, &error), 0);
    fclose(stream);
    assert_numbers(text, what, format, poison);
    free(text);
}

static int write_json(const struct result *result, FILE *stream, struct error *error)
{
    return json_write(result, stream, error);
}

/* ---- the saved results of tests/fixtures ---- */

static struct result saved(const char *name)
{
    char path[512];
    struct result result;
    struct error error;
    const char *root = getenv("VCOST_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/fixtures/%s.json", root ? root : ".", name);
    if (result_read(path, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result;
}

static void assert_alone(const char *name, const struct poison *poison)
{
    struct result result = saved(name);
    struct document document = {0}, round = {0};
    struct compare_input input = {.name = name, .result = &result};
    spoil_result(poison, &result);
    view_results(&input, 1, NULL, &document);
    assert_document(&document, name, poison->value);
    if (result.round_count) {
        view_round(&result, &round);
        assert_document(&round, name, poison->value);
    }
    assert_file(&result, name, "JSON", write_json, poison->value);
    assert_file(&result, name, "OpenMetrics", openmetrics_write, poison->value);
    result_free(&result);
}

static void no_view_of_a_result_says_it(void **state)
{
    static const char *const names[] = {
        "amd/chase2", "amd/native", "amd/orders", "amd/events-quick", "amd/watch", "intel/agent"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof poisons / sizeof *poisons; k++)
            assert_alone(names[i], &poisons[k]);
}

static void no_comparison_says_it(void **state)
{
    static const char *const names[] = {"amd/chase2", "amd/events-quick", "amd/watch"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < 2 * (sizeof poisons / sizeof *poisons); k++) {
            const struct poison *poison = &poisons[k / 2];
            struct result results[] = {saved(names[i]), saved(names[i])};
            const struct compare_input inputs[] = {
                {.name = "a", .result = &results[0]}, {.name = "b", .result = &results[1]}};
            struct document document = {0};
            spoil_result(poison, &results[1]);
            if (k % 2) /* both */
                spoil_result(poison, &results[0]);
            view_results(inputs, 2, NULL, &document);
            assert_document(&document, names[i], poison->value);
            result_free(&results[0]);
            result_free(&results[1]);
        }
}

/* An interval of two runs that differ by far has an end that no reader would take. */
static void what_is_beyond_all_measure_is_not_known_in_a_file(void **state)
{
    struct result result = saved("amd/chase2"), again;
    char *text = NULL;
    size_t size = 0;
    struct error error;
    FILE *stream = open_memstream(&text, &size);
    (void)state;
    result.cells[0].high = result.comparisons[0].high = 2.3e20;
    assert_int_equal(write_json(&result, stream, &error), 0);
    fclose(stream);
    assert_int_equal(result_parse("a", text, size, &again, &error), 0);
    assert_true(isnan(again.cells[0].high) && isnan(again.comparisons[0].high));
    assert_float_equal(again.cells[0].low, result.cells[0].low, 1e-6);
    free(text);
    result_free(&again);
    result_free(&result);
}

/* Where it can come from: times of nothing. */
static void no_reason_of_a_cell_says_it(void **state)
{
    struct result_cell cell = {.pages.as_asked = true};
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++)
        assert_int_equal(
            figures_add_sample(&cell, &(struct result_sample){.ns = 0, .placement = placement}), 0);
    assert_int_equal(analyse_cell(&cell, 3, "", NULL), 0);
    assert_string_not_equal(cell.reason, "");
    assert_numbers(cell.reason, "a cell", "a reason", 0);
    free(cell.samples);
}

/* That this test would see it. */
static void it_would_be_seen(void **state)
{
    static const struct {
        const char *text;
        bool none;
    } texts[] = {{"up to nan %", true}, {"-nan", true}, {"costs inf ns", true}, {"+INF", true},
        {"nanoseconds", false}, {"more info", false}, {"infinitely", false}, {"finding_info", false}};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool seen = false;
        for (const char *at = texts[i].text; *at; at++)
            seen |= starts_none(at, texts[i].text);
        assert_int_equal(seen, texts[i].none);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_would_be_seen),
        cmocka_unit_test(no_view_of_a_result_says_it),
        cmocka_unit_test(no_comparison_says_it),
        cmocka_unit_test(what_is_beyond_all_measure_is_not_known_in_a_file),
        cmocka_unit_test(no_reason_of_a_cell_says_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
