/* report/openmetrics.h: what `vcost inspect` found as metrics that any reader takes; what is not known is
 * none. */
#include "cmocka_all.h"

#include "base/clean.h"
#include "report/openmetrics.h"
#include "test_report_synthetic.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *metrics_of(const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(openmetrics_write(result, stream, NULL), 0);
    fclose(stream);
    return text;
}

/* A strict reader of what formats 0.0.4 and OpenMetrics 1.0 have in common. */
enum { SAMPLES_MAX = 256, FAMILIES_MAX = 256 };

struct reader {
    char families[FAMILIES_MAX][100],
        samples[SAMPLES_MAX][2048]; /* a sample: name and labels as they stand */
    double values[SAMPLES_MAX];
    size_t family_count, sample_count;
};

static const char *read_name(const char *at)
{
    assert_true(islower((unsigned char)*at));
    while (islower((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '_')
        at++;
    return at;
}

static bool is_utf8(const char *text)
{
    char clean[4096];
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    return !strcmp(text, clean); /* no control character either */
}

static const char *read_labels(const char *at)
{
    if (*at != '{')
        return at;
    do {
        const char *name = ++at;
        at = read_name(at);
        assert_true(at > name && at[0] == '=' && at[1] == '"');
        for (at += 2; *at != '"'; at++) {
            assert_true(*at && *at != '\n');
            if (*at == '\\') {
                at++;
                assert_true(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
    } while (*at == ',');
    assert_true(*at == '}');
    return at + 1;
}

static void read_sample(const char *line, struct reader *reader)
{
    const char *name_end = read_name(line), *end = read_labels(name_end);
    char *sample = reader->samples[reader->sample_count], *rest;
    assert_true(reader->sample_count < SAMPLES_MAX && end - line < 2000);
    sprintf(sample, "%.*s", (int)(end - line), line);
    /* Only of the family that is open, and never twice. */
    assert_true(reader->family_count > 0);
    const char *family = reader->families[reader->family_count - 1];
    assert_true(strlen(family) == (size_t)(name_end - line) && !strncmp(family, line, strlen(family)));
    for (size_t i = 0; i < reader->sample_count; i++)
        assert_string_not_equal(reader->samples[i], sample);
    assert_true(end[0] == ' ' && (isdigit((unsigned char)end[1]) || end[1] == '-'));
    reader->values[reader->sample_count++] = strtod(end + 1, &rest);
    assert_true(!*rest); /* no timestamp */
}

/* HELP and then TYPE of the same family, once. */
static void read_family(const char *help, const char *type, struct reader *reader)
{
    const char *end = read_name(help + 7);
    size_t length = (size_t)(end - help - 7);
    char *family = reader->families[reader->family_count], expected[200];
    assert_true(reader->family_count < FAMILIES_MAX && length < 100 && *end == ' ' && end[1]);
    assert_null(strpbrk(end, "\"\\"));
    sprintf(family, "%.*s", (int)length, help + 7);
    snprintf(expected, sizeof expected, "# TYPE %s gauge", family);
    assert_non_null(type);
    assert_string_equal(type, expected);
    for (size_t i = 0; i < reader->family_count; i++)
        assert_string_not_equal(reader->families[i], family);
    reader->family_count++;
}

/* By promtool's rules: no suffix that other types of metrics have, no abbreviated units. */
static void check_family(const char *family)
{
    static const char *const reserved[] = {
        "_count", "_total", "_sum", "_bucket", "_ns", "_us", "_ms", "_percent"};
    assert_true(strncmp(family, "vcost_", 6) == 0);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        size_t length = strlen(family), tail = strlen(reserved[i]);
        if (length > tail)
            assert_string_not_equal(family + length - tail, reserved[i]);
    }
}

static struct reader *read_metrics(char *text)
{
    struct reader *reader = calloc(1, sizeof *reader);
    char *rest, *line;
    size_t length = strlen(text);
    assert_true(length > 6 && !strcmp(text + length - 6, "# EOF\n"));
    assert_null(strstr(text, "\n\n"));
    text[length - 6] = 0;
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        assert_true(is_utf8(line));
        if (!strncmp(line, "# HELP ", 7))
            read_family(line, strtok_r(NULL, "\n", &rest), reader);
        else
            read_sample(line, reader);
    }
    for (size_t i = 0; i < reader->family_count; i++)
        check_family(reader->families[i]);
    return reader;
}

static double value_of(const struct reader *reader, const char *sample)
{
    for (size_t i = 0; i < reader->sample_count; i++)
        if (!strcmp(reader->samples[i], sample))
            return reader->values[i];
    return NAN;
}

static void metrics_are_in_base_units_and_hold_a_strict_reader(void **state)
{
    static const struct {
        const char *sample;
        double value;
    } samples[] = {
        {"vcost_inspect_timestamp_seconds", 1763964000},
        {"vcost_inspect_duration_seconds", 41.2},
        {"vcost_inspect_complete", 1},
        {"vcost_inspect_unknown_findings", 2},
        {"vcost_steal_ratio", 0.07},
        {"vcost_steal_low_ratio", 0.06},
        {"vcost_steal_high_ratio", 0.08},
        {"vcost_tlb_entries{of=\"L2 4K\"}", 2048},
        {"vcost_cache_bytes{of=\"L1d\"}", 32768}, /* not …_bytes_bytes */
        {"vcost_memory_bytes", 549755813889},     /* all digits */
        {"vcost_first_touch_seconds{of=\"2M fresh\"}", 312345e-9},
        {"vcost_first_touch_low_seconds{of=\"2M fresh\"}", 301e-6},
        {"vcost_guest", 1},
        {"vcost_splintered", 1},
        {"vcost_finding_info{name=\"splintered\",value=\"partly\"}", 1},
        {"vcost_finding_info{name=\"smt\",value=\"off\"}", 1},
        {"vcost_finding_info{name=\"iommu\",value=\"dmar0 \\\"x\\\" \\\\ dmar1\"}", 1},
        {"vcost_remedy_cost_seconds{name=\"large-pages\"}", 12.3e-9},
        {"vcost_remedy_cost_seconds{name=\"prefault\"}", 1100e-9},
        {"vcost_build_info{version=\"" VCOST_VERSION "\"}", 1},
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = metrics_of(&result);
    struct reader *reader = read_metrics(text);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        print_message("# %s\n", samples[i].sample);
        double value = value_of(reader, samples[i].sample);
        assert_true(fabs(value - samples[i].value) <= 1e-12 * fabs(samples[i].value));
    }
    free(reader);
    free(text);
    result_free(&result);
}

static void what_is_not_known_is_no_metric(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = metrics_of(&result);
    assert_null(strstr(text, "dedicated"));
    assert_null(strstr(text, "vcost_exit_price"));
    assert_null(strstr(text, "nan"));
    free(text);
    for (size_t i = 0; i < result.findings.count; i++)
        result.findings.items[i].value.known = false;
    text = metrics_of(&result);
    struct reader *reader = read_metrics(text);
    assert_true(value_of(reader, "vcost_inspect_unknown_findings") == (double)result.findings.count);
    assert_int_equal(reader->family_count, 5 + 3); /* of the run, and of the remedies */
    free(reader);
    free(text);
    result_free(&result);
}

/* The same family from two findings that do not lie side by side, the same sample twice, and hostile texts.
 */
static void families_stay_together_and_nothing_is_there_twice(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    struct finding again = *findings_find(&result.findings, "first-touch", NULL);
    assert_int_equal(findings_add(&result.findings, &again, NULL), 0);
    strcpy(again.key, "a \"b\" \\ \xff\n\033[1m c");
    again.number = 5;
    again.title = "another \"title\" \\ \n of it";
    assert_int_equal(findings_add(&result.findings, &again, NULL), 0);
    strcpy(again.name, "Odd.Name{}"); /* no such is made here; the file would stay whole */
    assert_int_equal(findings_add(&result.findings, &again, NULL), 0);
    char *text = metrics_of(&result);
    char *odd = strstr(text, "Odd_Name"); /* which the reader rightly refuses: capitals */
    for (; odd; odd = strstr(odd, "Odd_Name"))
        odd[0] = 'o', odd[4] = 'n';
    struct reader *reader = read_metrics(text);
    assert_true(
        value_of(reader, "vcost_first_touch_seconds{of=\"a \\\"b\\\" \\\\ \xef\xbf\xbd  [1m c\"}") > 0);
    free(reader);
    free(text);
    result_free(&result);
}

static double timestamp_of(const char *started)
{
    struct result result = {.experiment = "inspect"};
    snprintf(result.started, sizeof result.started, "%s", started);
    char *text = metrics_of(&result);
    struct reader *reader = read_metrics(text);
    double value = value_of(reader, "vcost_inspect_timestamp_seconds");
    free(reader);
    free(text);
    return value;
}

static void the_time_is_read_with_its_zone(void **state)
{
    (void)state;
    assert_true(timestamp_of("2025-11-24T06:00:00Z") == 1763964000);
    assert_true(timestamp_of("2025-11-24T07:00:00+01:00") == 1763964000);
    assert_true(timestamp_of("2025-11-23T22:30:00.5-07:30") == 1763964000.5);
    assert_true(isnan(timestamp_of("")));
    assert_true(isnan(timestamp_of("yesterday")));
    assert_true(isnan(timestamp_of("2025-11-24T06:00:00")));
}

static int promtool(const char *path, const char *text)
{
    char *arguments[] = {(char *)path, "check", "metrics", NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status, file = memfd_create("metrics", 0);
    assert_true(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    lseek(file, 0, SEEK_SET);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file, 0);
    assert_int_equal(posix_spawn(&child, path, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Debian's prometheus has it, which is too large to be installed for this alone. */
static void promtool_accepts_the_metrics(void **state)
{
    static const char path[] = "/usr/bin/promtool";
    struct result result;
    (void)state;
    if (access(path, X_OK) != 0) {
        print_message("# no %s (package prometheus)\n", path);
        skip();
    }
    synthetic_inspect(&result);
    char *text = metrics_of(&result);
    assert_int_equal(promtool(path, text), 0);
    free(text);
    result_free(&result);
}

static void a_run_that_found_nothing_says_so(void **state)
{
    struct result result = {.experiment = "inspect", .seconds = 0.1};
    (void)state;
    char *metrics = metrics_of(&result);
    assert_non_null(strstr(metrics, "\nvcost_inspect_complete 0\n"));
    assert_null(strstr(metrics, "timestamp")); /* nobody told when it started */
    free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_in_base_units_and_hold_a_strict_reader),
        cmocka_unit_test(what_is_not_known_is_no_metric),
        cmocka_unit_test(a_run_that_found_nothing_says_so),
        cmocka_unit_test(families_stay_together_and_nothing_is_there_twice),
        cmocka_unit_test(the_time_is_read_with_its_zone),
        cmocka_unit_test(promtool_accepts_the_metrics),
    };
    return cmocka_run_group_tests_name("openmetrics", tests, NULL, NULL);
}
