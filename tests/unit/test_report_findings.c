/* report/findings_report.h, openmetrics.h and findings_csv.h: what `vcost inspect` found is told whole, with
 * how it is known, and what is not known is never a number. */
#include "cmocka_all.h"

#include "report/csv.h"
#include "report/finding_text.h"
#include "report/findings_report.h"
#include "report/markdown.h"
#include "report/openmetrics.h"
#include "report/terminal.h"
#include "report/text.h"
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

static const struct report_style usual_style = {.utf8 = true, .columns = 80}, wide_style = {.utf8 = true};

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *report_of(
    const struct result *result, const struct report_style *style, bool verbose)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(findings_report_write(result, stream, style, verbose, NULL), 0);
    fclose(stream);
    return text;
}

typedef int writer(const struct result *result, FILE *stream, struct error *error);

__attribute__((noinline)) static char *written(writer *write, const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(write(result, stream, NULL), 0);
    fclose(stream);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not there: %s", part);
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

/* ---- for a terminal ---- */

static void every_finding_is_told_with_its_source(void **state)
{
    static const char *const lines[] = {
        "\n  SMT ",
        "told      off\n",
        "mitigation (spectre_v2)",
        "measured  7 % [6 % … 8 %]\n",
        "told      2,048\n",
        "measured  1,024 [1,024 … 1,536]\n",
        "told      32 KiB\n",
        "told      512 GiB\n",
        "measured  312 µs [301 µs … 320 µs]\n",
        "told      yes (dmar0 \"x\" \\ dmar1)\n",
        "this machine is a guest ",
        "judged    partly\n",
        "judged    2.5 times [2.25 times … 2.75 times]\n",
        "told      cannot tell: only KVM tells\n",
        "measured  cannot tell: too noisy, \"very\"\n",
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = report_of(&result, &wide_style, false);
    assert_true(strncmp(text, "AMD EPYC 7B13, Linux 6.18.5", 27) == 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_has(text, lines[i]);
    assert_has(text, "1,440 samples");
    free(text);
    result_free(&result);
}

static void sections_come_in_order_and_empty_ones_not_at_all(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    for (size_t i = 0; i < result.findings.count; i++)
        if (result.findings.items[i].section == FINDING_CLOCK)
            result.findings.items[i].section = FINDING_CPU;
    char *text = report_of(&result, &usual_style, false), *at = text;
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++) {
        char heading[80];
        snprintf(heading, sizeof heading, "\n%s\n\n", finding_section_title(section));
        assert_int_equal(times(text, heading), section != FINDING_CLOCK);
        if (section == FINDING_CLOCK)
            continue;
        at = strstr(at, heading);
        assert_non_null(at);
    }
    free(text);
    result_free(&result);
}

static void judgements_are_explained_and_the_rest_if_asked(void **state)
{
    static const char judged[] = "\n      one line in each 4 KiB, in pages of 2 MiB; the curve rises";
    static const char told[] = "\n      /sys/devices/system/cpu/smt; as the hypervisor shows it";
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *brief = report_of(&result, &wide_style, false), *verbose = report_of(&result, &wide_style, true);
    assert_has(brief, judged);
    assert_has(verbose, judged);
    assert_null(strstr(brief, told));
    assert_has(verbose, told);
    free(brief);
    free(verbose);
    result_free(&result);
}

static void details_are_told_only_if_asked(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *brief = report_of(&result, &wide_style, false), *verbose = report_of(&result, &wide_style, true);
    assert_null(strstr(brief, "resolution of the clock"));
    assert_has(brief, "\n1 detail is left out here: --verbose tells all.\n");
    assert_has(verbose, "  resolution of the clock ");
    assert_null(strstr(verbose, "left out"));
    free(brief);
    free(verbose);
    result_free(&result);
}

static void words_do_not_hide_a_yes_or_no(void **state)
{
    static const struct {
        const char *words;
        double number;
        const char *line;
    } cases[] = {
        {"", 0, "told      no"},
        {"notsupported", 0, "told      no (notsupported)"},
        {"no: not set up", 0, "told      no: not set up"},
        {"none", 0, "told      no (none)"},
        {"Partly, on 2 of 4 nodes", 1, "told      Partly, on 2 of 4 nodes"},
        {"on", 1, "told      yes (on)"},
        {"yes", 1, "told      yes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result = {.experiment = "inspect", .complete = true};
        struct finding finding = {.name = "x", .title = "x", .unit = UNIT_YES_NO, .number = cases[i].number};
        finding.value = fact_known("%s", cases[i].words);
        assert_int_equal(findings_add(&result.findings, &finding, NULL), 0);
        char *text = report_of(&result, &wide_style, false), line[80];
        snprintf(line, sizeof line, "\n  x  %s\n", cases[i].line);
        assert_has(text, line);
        free(text);
        result_free(&result);
    }
}

static void shares_have_three_digits(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0, "0 %"}, {0.4187, "41.9 %"}, {0.007925, "0.793 %"}, {0.07, "7 %"}, {1, "100 %"},
        {0.999999, "100 %"}, {-0.0123456, "-1.23 %"}, {1e-9, "1e-07 %"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FINDING_VALUE_BYTES];
        finding_number(UNIT_SHARE, cases[i].number, &wide_style, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void remedies_tell_both_figures_and_what_to_do(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = report_of(&result, &wide_style, false);
    char *title = strstr(text, "\nWhat costs most here and what to change\n\n");
    assert_non_null(title);
    assert_has(title, "\n 1. Small pages miss the TLB where large ones do not.\n");
    assert_has(title, "An access to one of 4096 lines, one in each page of 4 KiB: 25.1 ns; the same in pages "
                      "of 2 MiB: 12.8 ns; a difference of +12.3 ns (95 % interval +11.0 ns … +13.5 ns).\n");
    assert_has(title, "\n    To change: use large pages: madvise(MADV_HUGEPAGE) for large data.\n");
    assert_has(title, "\n 2. Each first touch");
    assert_has(title, "a difference of +1.10 µs (without an interval, which may be chance).");
    free(text);
    result_free(&result);
}

static void curves_of_lines_are_a_small_table(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = report_of(&result, &wide_style, false);
    assert_has(text, "\n    lines  packed  in 4K pages  in 2M pages\n       16 ");
    assert_has(text, "\n  262,144 ");
    free(text);
    for (size_t i = 0; i < result.cell_count; i++)
        result.cells[i].cell.monitor = "kvm"; /* another machine's curve is not this one's */
    text = report_of(&result, &wide_style, false);
    assert_null(strstr(text, "in 4K pages"));
    free(text);
    result_free(&result);
}

static void a_fine_curve_is_thinned_and_keeps_its_end(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.monitors[1] = NULL;
    recipe.orders[0] = CHASE_LINE_PER_PAGE;
    recipe.blemishes = true; /* the last cell is missing */
    synthetic_result(&recipe, &result);
    result.experiment = "inspect";
    char *text = report_of(&result, &wide_style, false), *table = strstr(text, "  lines ");
    assert_non_null(table);
    char *end = strstr(table, "\n\n");
    assert_non_null(end);
    *end = 0;
    assert_in_range(times(table, "\n"), 8, 14);
    assert_has(table, "\n  262,144            -");
    free(text);
    result_free(&result);
}

static void assert_inside(const char *text, unsigned columns, bool ascii)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *one = strndup(line, length);
        if (text_columns(one) > columns)
            fail_msg("%u columns, but: %s", columns, one);
        for (size_t i = 0; i < length; i++)
            assert_true((unsigned char)one[i] >= ' ' && (!ascii || one[i] < 127));
        assert_true(!length || one[length - 1] != ' ');
        free(one);
        line += length + (line[length] != 0);
    }
}

static void the_report_stays_inside_the_width_in_any_codeset(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    for (unsigned columns = 50; columns <= 200; columns += 10)
        for (int ascii = 0; ascii < 2; ascii++)
            for (int verbose = 0; verbose < 2; verbose++) {
                const struct report_style style = {.utf8 = !ascii, .columns = columns};
                char *text = report_of(&result, &style, verbose);
                assert_inside(text, columns, ascii);
                free(text);
            }
    result_free(&result);
}

static void colour_adds_sequences_and_nothing_else(void **state)
{
    const struct report_style coloured = {.color = true, .utf8 = true, .columns = 80};
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *plain = report_of(&result, &usual_style, true), *text = report_of(&result, &coloured, true);
    char *to = text;
    assert_non_null(strstr(text, "\033[1m"));
    for (const char *from = text; *from; from++)
        if (*from == '\033')
            from = strchr(from, 'm');
        else
            *to++ = *from;
    *to = 0;
    assert_string_equal(text, plain);
    free(text);
    free(plain);
    result_free(&result);
}

static void nothing_found_is_a_report_too(void **state)
{
    struct result result = {.experiment = "inspect", .seconds = 0.1};
    (void)state;
    strcpy(result.incomplete_reason, "stopped by the user");
    char *text = report_of(&result, &wide_style, true), *metrics = written(openmetrics_write, &result);
    char *csv = written(csv_write, &result), *markdown = written(markdown_write, &result);
    assert_has(text, "Nothing that was measured here costs more than it would without its cause.");
    assert_has(text, "The measurement is incomplete: stopped by the user.");
    assert_has(metrics, "\nvcost_inspect_complete 0\n");
    assert_null(strstr(metrics, "timestamp")); /* nobody told when it started */
    assert_int_equal(times(csv, "\n"), 1);
    assert_has(markdown, "Nothing that was measured");
    free(text);
    free(metrics);
    free(csv);
    free(markdown);
    result_free(&result);
}

static void the_usual_writer_knows_the_experiment(void **state)
{
    struct result result;
    char *text = NULL;
    size_t size = 0;
    (void)state;
    synthetic_inspect(&result);
    for (int verbose = 0; verbose < 2; verbose++) {
        const struct report_style style = {.utf8 = true, .columns = 80, .verbose = verbose};
        char *expected = report_of(&result, &style, verbose);
        FILE *stream = open_memstream(&text, &size);
        assert_int_equal(terminal_write(&result, stream, &style, NULL), 0);
        fclose(stream);
        assert_string_equal(text, expected);
        free(expected);
        free(text);
    }
    result_free(&result);
}

/* ---- Markdown and CSV ---- */

static void markdown_has_tables_and_sentences(void **state)
{
    static const char *const parts[] = {
        "### caches and TLBs\n\n| finding | value | interval | how it is known |\n",
        "| size of the cache (L1d) | 32 KiB |  | told |\n",
        "| first touch of a page (2M fresh) | 312 µs | 301 µs … 320 µs | measured |\n",
        "| product | a\\|b  \\[31m \\<c\\>",
        "\n- large pages splintered from below: one line in each 4 KiB",
        "| lines | packed | in 4K pages | in 2M pages |\n",
        "\n1. Small pages miss the TLB",
        "\n- 1,440 samples",
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = written(markdown_write, &result);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(text, parts[i]);
    assert_null(strchr(text, '\033'));
    free(text);
    result_free(&result);
}

static void csv_has_a_line_for_each_finding(void **state)
{
    static const char *const lines[] = {
        "name,key,section,source,unit,value,low,high,reason,text\n",
        "\nsteal,,cpu,measured,share,0.07,0.06,0.08,,\n",
        "\nmemory,,memory,told,bytes,549755813889,,,,\n",
        "\nsplintered,,below,judged,yes-no,true,,,,partly\n",
        "\ndedicated-cpus,,below,told,yes-no,,,,only KVM tells,\n",
        "\nexit-price,,below,measured,ns,,,,\"too noisy, \"\"very\"\"\",\n",
        "\niommu,,kvm,told,yes-no,true,,,,\"dmar0 \"\"x\"\" \\ dmar1\"\n",
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = written(csv_write, &result);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_has(text, lines[i]);
    free(text);
    result_free(&result);
}

/* ---- metrics: a strict reader of what formats 0.0.4 and OpenMetrics 1.0 have in common ---- */

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
    char *text = written(openmetrics_write, &result);
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
    char *text = written(openmetrics_write, &result);
    assert_null(strstr(text, "dedicated"));
    assert_null(strstr(text, "vcost_exit_price"));
    assert_null(strstr(text, "nan"));
    free(text);
    for (size_t i = 0; i < result.findings.count; i++)
        result.findings.items[i].value.known = false;
    text = written(openmetrics_write, &result);
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
    char *text = written(openmetrics_write, &result);
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
    char *text = written(openmetrics_write, &result);
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
    char *text = written(openmetrics_write, &result);
    assert_int_equal(promtool(path, text), 0);
    free(text);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finding_is_told_with_its_source),
        cmocka_unit_test(sections_come_in_order_and_empty_ones_not_at_all),
        cmocka_unit_test(judgements_are_explained_and_the_rest_if_asked),
        cmocka_unit_test(details_are_told_only_if_asked),
        cmocka_unit_test(words_do_not_hide_a_yes_or_no),
        cmocka_unit_test(shares_have_three_digits),
        cmocka_unit_test(remedies_tell_both_figures_and_what_to_do),
        cmocka_unit_test(curves_of_lines_are_a_small_table),
        cmocka_unit_test(a_fine_curve_is_thinned_and_keeps_its_end),
        cmocka_unit_test(the_report_stays_inside_the_width_in_any_codeset),
        cmocka_unit_test(colour_adds_sequences_and_nothing_else),
        cmocka_unit_test(nothing_found_is_a_report_too),
        cmocka_unit_test(the_usual_writer_knows_the_experiment),
        cmocka_unit_test(markdown_has_tables_and_sentences),
        cmocka_unit_test(csv_has_a_line_for_each_finding),
        cmocka_unit_test(metrics_are_in_base_units_and_hold_a_strict_reader),
        cmocka_unit_test(what_is_not_known_is_no_metric),
        cmocka_unit_test(families_stay_together_and_nothing_is_there_twice),
        cmocka_unit_test(the_time_is_read_with_its_zone),
        cmocka_unit_test(promtool_accepts_the_metrics),
    };
    return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
