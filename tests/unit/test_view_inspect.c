/* report/views.h: what `vcost inspect` found is told whole, with how it is known,
 * and what is not known is never a number. */
#include "read_document.h"
#include "report/views.h"
#include "test_report_synthetic.h"

#include <math.h>

static char *in_format(const struct result *result, const char *format)
{
    struct document document = {0};
    view_inspect(result, &document);
    return written(&document, format, &wide_style);
}

static char *report_of(const struct result *result, const struct report_style *style, bool verbose)
{
    struct report_style asked = *style;
    struct document document = {0};
    asked.verbose = verbose;
    view_inspect(result, &document);
    return written(&document, "terminal", &asked);
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
        "\nSMT ",
        "reported  off\n",
        "mitigation (spectre_v2)",
        "measured  7 % [6 % … 8 %]\n",
        "reported  2,048\n",
        "measured  between 1,024 and 1,536\n",
        "reported  32 KiB\n",
        "reported  512 GiB\n",
        "measured  312 µs [301 µs … 320 µs]\n",
        "reported  yes (dmar0 \"x\" \\ dmar1)\n",
        "this machine is a guest ",
        "judged    partly\n",
        "judged    2.5 times [2.25 times … 2.75 times]\n",
        "reported  cannot tell: only KVM tells\n",
        "measured  cannot tell: too noisy, \"very\"\n",
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = report_of(&result, &wide_style, false);
    assert_has(text, "\n  CPU: AMD EPYC 7B13. Linux 6.18.5.\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_has(text, lines[i]);
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
        snprintf(heading, sizeof heading, "\n%s\n\n", finding_sections[section].title);
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
    static const char judged[] = "\n    one line in each 4 KiB, in pages of 2 MiB; the curve rises";
    static const char told[] = "\n    /sys/devices/system/cpu/smt; as the hypervisor shows it";
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
    assert_has(brief, " details are left out here: --verbose tells all.\n");
    assert_has(verbose, "\nresolution of the clock ");
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
        {"", 0, "reported  no"},
        {"notsupported", 0, "reported  no (notsupported)"},
        {"no: not set up", 0, "reported  no: not set up"},
        {"none", 0, "reported  no (none)"},
        {"Partly, on 2 of 4 nodes", 1, "reported  Partly, on 2 of 4 nodes"},
        {"on", 1, "reported  yes (on)"},
        {"yes", 1, "reported  yes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result = {.experiment = "inspect", .complete = true};
        struct finding finding = {.name = "x", .title = "x", .unit = UNIT_YES_NO, .number = cases[i].number};
        finding.value = fact_known("%s", cases[i].words);
        assert_int_equal(findings_add(&result.findings, &finding, NULL), 0);
        char *text = report_of(&result, &wide_style, false), line[80];
        snprintf(line, sizeof line, "\nx  %s\n", cases[i].line);
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
    } cases[] = {{0, "0 %"}, {0.4187, "41.9 %"}, {0.00793, "0.793 %"}, {0.07, "7 %"}, {1, "100 %"},
        {0.999999, "100 %"}, {-0.0123456, "-1.23 %"}, {1e-9, "0.0000001 %"}};
    struct pool pool = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct finding finding = {
            .unit = UNIT_SHARE, .value = {.known = true}, .number = cases[i].number};
        assert_string_equal(finding_phrase(&finding, &pool), cases[i].text);
    }
    pool_free(&pool);
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
    assert_has(text, "\n  lines  packed  in 4K pages  in 2M pages\n     16 ");
    assert_has(text, "\n262,144 ");
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
    assert_has(table, "\n262,144            -");
    free(text);
    result_free(&result);
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
    char *text = report_of(&result, &wide_style, true);
    char *csv = in_format(&result, "csv"), *markdown = in_format(&result, "markdown");
    assert_has(text, "Nothing that was measured here costs more than it would without its cause.");
    assert_has(text, "What is below this machine this run cannot tell (incomplete: stopped by the user).\n");
    assert_int_equal(times(csv, "\n"), 1);
    assert_has(markdown, "Nothing that was measured");
    free(text);
    free(csv);
    free(markdown);
    result_free(&result);
}

/* ---- the first screen ---- */

/* Changes a finding of a result, or adds it; NAN: it is not known, for that reason. */
static void set(struct result *result, const char *name, enum unit unit, double number, const char *words)
{
    struct finding finding = {.section = FINDING_BELOW,
        .source = FINDING_JUDGED,
        .unit = unit,
        .number = number,
        .low = NAN,
        .high = NAN};
    struct findings one = {.items = &finding, .count = 1};
    snprintf(finding.name, sizeof finding.name, "%s", name);
    finding.value = isnan(number) ? fact_unknown("%s", words) : fact_known("%s", words);
    assert_int_equal(findings_renew(&result->findings, &one, NULL), 0);
}

static void assert_concludes(const struct result *result, const char *conclusion)
{
    char *text = in_format(result, "terminal");
    text[strcspn(text, "\n")] = 0;
    assert_string_equal(text, conclusion);
    free(text);
}

static void the_conclusion_is_true_of_every_kind_of_machine(void **state)
{
    static const struct {
        double guest, leaves, splintered; /* 1, 0, NAN */
        const char *below, *words, *conclusion;
    } cases[] = {
        {1, 1, 1, "kvm", "", "A KVM guest; its large pages are splintered from below."},
        {1, 1, 1, "xen", "partly, on one node",
            "A Xen guest; its large pages are partly splintered from below."},
        {1, NAN, 0, "", "", "A guest of an unnamed hypervisor; its large pages are whole."},
        {1, NAN, NAN, "hyperv", "too busy",
            "A Hyper-V guest; whether its large pages are whole this run cannot tell."},
        {0, 0, 0, "", "",
            "Bare metal: CPUID names no hypervisor, and does not leave this machine; its large pages are "
            "whole."},
        {0, NAN, 0, "", "", "No hypervisor below that CPUID names; its large pages are whole."},
        {0, 1, 0, "", "",
            "A guest whose hypervisor hides itself: CPUID names none, but leaves this machine; its large "
            "pages are "
            "whole."},
        {NAN, NAN, 0, "", "", "What is below this machine this run cannot tell; its large pages are whole."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result = {.experiment = "inspect", .complete = true};
        result.host.is_guest = cases[i].guest == 1;
        result.host.guest_of = fact_known("%s", cases[i].below);
        set(&result, "guest", UNIT_YES_NO, cases[i].guest, "");
        set(&result, "cpuid-exit", UNIT_YES_NO, cases[i].leaves, "");
        set(&result, "splintered", UNIT_YES_NO, cases[i].splintered, cases[i].words);
        assert_concludes(&result, cases[i].conclusion);
        result_free(&result);
    }
}

static void how_much_large_pages_bring_is_told_where_it_is_known(void **state)
{
    struct result result;
    (void)state;
    synthetic_inspect(&result); /* small pages 25.1 ns, large ones 12.8 ns */
    const struct remedy backing = {
        .name = "backing", .with_ns = 12.8, .without_ns = 5, .more_ns = 7.8, .low = 7, .high = 8};
    assert_concludes(&result, "A KVM guest; its large pages are partly splintered from below.");
    assert_int_equal(findings_add_remedy(&result.findings, &backing, NULL), 0);
    assert_concludes(&result,
        "A KVM guest; its large pages are partly splintered from below and bring about 60 % of "
        "what they should.");
    result_free(&result);
}

static void what_is_well_and_what_is_not_are_told_apart(void **state)
{
    struct result result = {.experiment = "inspect", .complete = true};
    (void)state;
    set(&result, "steal", UNIT_SHARE, 0, "");
    set(&result, "clock-slow", UNIT_YES_NO, 0, "no");
    set(&result, "hidden-numa", UNIT_YES_NO, 1, "");
    char *text = in_format(&result, "terminal");
    assert_null(strstr(text, "This machine is")); /* of comparisons that are not shown */
    assert_has(text, "\n  No time is stolen; the clock is read without a system call.\n");
    assert_has(text, "\n  NUMA is hidden: some memory is farther away than this machine knows.\n");
    free(text);
    set(&result, "steal", UNIT_SHARE, 0.07, "");
    set(&result, "clock-slow", UNIT_YES_NO, NAN, "not measured");
    text = in_format(&result, "terminal");
    assert_has(text, "\n  Others take 7 % of this CPU's time; NUMA is hidden");
    assert_null(strstr(text, "system call"));
    free(text);
    result_free(&result);
}

static void what_was_not_decided_is_named_with_its_reason(void **state)
{
    struct result result = {.experiment = "inspect", .complete = true};
    (void)state;
    set(&result, "splintered", UNIT_YES_NO, NAN, "too busy");
    set(&result, "tlb-reach", UNIT_COUNT, NAN, "left out by --quick");
    set(&result, "cache-reach", UNIT_BYTES, NAN, "left out by --quick");
    set(&result, "cpuid-exit", UNIT_YES_NO, 1, "yes, one level or several");
    char *text = in_format(&result, "terminal");
    assert_has(text,
        "\n  Not decided: splintered (too busy); tlb-reach, cache-reach (left out by --quick); whether the "
        "hypervisor is itself a guest (CPUID takes as long as one level or several would).\n");
    free(text);
    result_free(&result);
}

static void no_sentence_has_a_figure_that_is_not_known(void **state)
{
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_inspect(&result);
    for (size_t i = 0; i < result.findings.count; i++)
        result.findings.items[i].number = result.findings.items[i].low = result.findings.items[i].high = NAN;
    for (size_t i = 0; i < result.findings.remedy_count; i++)
        result.findings.remedies[i].with_ns = result.findings.remedies[i].more_ns = NAN;
    view_inspect(&result, &document);
    for (size_t i = 0; i < document.count; i++) {
        const char *text = document.blocks[i].text;
        if (text &&
            (strstr(text, "nan") || strstr(text, "inf ") || strstr(text, " - ") || strstr(text, ": -")))
            fail_msg("%s", text);
    }
    document_free(&document);
    result_free(&result);
}

static void the_picture_has_every_number_of_lines(void **state)
{
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_inspect(&result);
    view_inspect(&result, &document);
    const struct chart *chart = chart_named(&document, "lines");
    assert_true(chart->kind == CHART_LINES && chart->x.scale == SCALE_LOG2 && chart->y.scale == SCALE_LOG);
    assert_int_equal(chart->series_count, 3); /* packed, in 4K pages, in 2M pages */
    for (size_t i = 0; i < chart->series_count; i++) {
        assert_int_equal(chart->series[i].count, 15);
        assert_true(chart->series[i].points[0].x == 16 && chart->series[i].points[14].x == 262144);
        assert_true(chart->series[i].points[0].low < chart->series[i].points[0].y);
    }
    document_free(&document);
    result_free(&result);
}

/* ---- rounds ---- */

static void add_round(struct result *result, const char *started, double steal, const char *splintered)
{
    struct result_round *rounds =
        reallocarray(result->rounds, result->round_count + 1, sizeof *result->rounds);
    struct result round = {0};
    assert_non_null(rounds);
    result->rounds = rounds;
    set(&round, "steal", UNIT_SHARE, steal, "");
    round.findings.items[0].low = steal * 0.9;
    round.findings.items[0].high = steal * 1.1;
    set(&round, "splintered", UNIT_YES_NO, 1, splintered);
    rounds[result->round_count] = (struct result_round){.findings = round.findings};
    snprintf(rounds[result->round_count++].started, sizeof rounds->started, "%s", started);
}

static void what_drifts_is_marked_and_told(void **state)
{
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_inspect(&result); /* steal 7 % (6 to 8), splintered partly */
    add_round(&result, "2025-11-24T06:01:02Z", 0.0702, "partly");
    view_round(&result, &document);
    char *line = written(&document, "terminal", &usual_style);
    assert_true(strncmp(line, "time      splintered ", 21) == 0);
    assert_has(line, "\n06:01:02      partly          -    7.02 %  ");
    assert_null(strchr(line, '*'));
    free(line);
    view_drift(&result, &document);
    line = written(&document, "terminal", &usual_style);
    assert_string_equal(line, "Nothing has drifted beyond its interval since the inspection.\n");
    free(line);
    add_round(&result, "2025-11-24T06:02:03Z", 0.3, "yes");
    view_round(&result, &document);
    line = written(&document, "terminal", &usual_style);
    assert_has(line, "06:02:03         yes*         -      30 %* "); /* without a head */
    free(line);
    char *text = in_format(&result, "terminal");
    assert_has(text, "\nWhat was measured again since\n");
    assert_int_equal(times(text, "\n* steal: "), 1);
    assert_has(text, "\n06:01:02 ");
    assert_has(text, "30 %*");
    assert_has(text, "* steal: 7 % at the inspection, clearly another in 1 of 2 rounds, 30 % in the last.\n");
    assert_has(
        text, "* splintered: partly at the inspection, clearly another in 1 of 2 rounds, yes in the last.\n");
    free(text);
    result_free(&result);
}

/* ---- Markdown and CSV ---- */

static void markdown_has_tables_and_sentences(void **state)
{
    static const char *const parts[] = {
        "### caches and TLBs\n\n| finding | how it is known | value | 95 % interval | how it was found |\n",
        "| size of the cache (L1d) | reported | 32 KiB | - | CPUID leaf 8000\\_0005h |\n",
        "| first touch of a page (2M fresh) | measured | 312 µs | 301 µs … 320 µs | vcost events |\n",
        "| product | reported | a\\|b  \\[31m \\<c\\>",
        "| large pages splintered from below | judged | partly | - | one line in each 4 KiB",
        "| lines | packed | in 4K pages | in 2M pages |\n",
        "\n1. Small pages miss the TLB",
        "1,440 samples",
    };
    struct result result;
    (void)state;
    synthetic_inspect(&result);
    char *text = in_format(&result, "markdown");
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
    char *text = in_format(&result, "csv");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_has(text, lines[i]);
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
        cmocka_unit_test(the_conclusion_is_true_of_every_kind_of_machine),
        cmocka_unit_test(how_much_large_pages_bring_is_told_where_it_is_known),
        cmocka_unit_test(what_is_well_and_what_is_not_are_told_apart),
        cmocka_unit_test(what_was_not_decided_is_named_with_its_reason),
        cmocka_unit_test(no_sentence_has_a_figure_that_is_not_known),
        cmocka_unit_test(the_picture_has_every_number_of_lines),
        cmocka_unit_test(what_drifts_is_marked_and_told),
        cmocka_unit_test(markdown_has_tables_and_sentences),
        cmocka_unit_test(csv_has_a_line_for_each_finding),
    };
    return cmocka_run_group_tests_name("view_inspect", tests, NULL, NULL);
}
