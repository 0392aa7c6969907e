/* report/document.h through its text formats: the layout of tables and paragraphs at any width, and nothing
 * that comes from outside does harm in any of them. */
#include "cmocka_all.h"

#include "base/clean.h"
#include "report/document.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct report_style usual = {.utf8 = true, .columns = 80}, ascii = {.columns = 80};

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *written(
    const struct document *document, const char *format, const struct report_style *style)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    struct error error = {0};
    assert_int_equal(document_write(document, format_named(format), stream, style, &error), 0);
    fclose(stream);
    return text;
}

static void assert_written(
    const struct document *document, const char *format, const struct report_style *style, const char *wanted)
{
    char *text = written(document, format, style);
    assert_string_equal(text, wanted);
    free(text);
}

static void assert_inside(const char *text, unsigned columns)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *one = strndup(line, length);
        if (text_columns(one) > columns)
            fail_msg("%u columns, but: %s", columns, one);
        if (length && one[length - 1] == ' ')
            fail_msg("blanks at the end: '%s'", one);
        free(one);
        line += length + (line[length] != 0);
    }
}

/* ---- tables on a terminal ---- */

/* A table as that of a chase, with so many runners that are compared. */
static void add_curves(struct document *document, size_t runners)
{
    static const char *const names[] = {"kvm (shadow, PVM)", "paravirt", "µs | <hostile>"};
    struct column columns[8] = {{.key = "working_set", .head = "working set", .unit = UNIT_BYTES},
        {.key = "native", .head = "ns", .block = "native", .unit = UNIT_NS, .bare = true}};
    for (size_t i = 0; i < runners; i++) {
        columns[2 + 2 * i] =
            (struct column){.key = "median", .head = "ns", .block = names[i], .unit = UNIT_NS, .bare = true};
        columns[3 + 2 * i] = (struct column){
            .key = "ratio", .head = "slowdown", .block = names[i], .unit = UNIT_CHANGE, .interval = true};
    }
    struct table *table = document_table(document, "slowdown", "ns per access", columns, 2 + 2 * runners, 3);
    for (size_t row = 0; row < 3; row++) {
        table_number(table, row, 0, ldexp(4096, 10 * (int)row));
        table_number(table, row, 1, row == 2 ? NAN : 1.0905 * (double)(1 + 99 * row));
        for (size_t i = 0; i < runners; i++) {
            table_number(table, row, 2 + 2 * i, 1.2 * (double)(1 + 99 * row));
            table_interval(table, row, 3 + 2 * i, 1.1, 0.994, row == 1 ? 2.5 : 1.2);
        }
    }
    table_at(table, 1, 1)->mark = "~";
    table_at(table, 2, 3)->number = NAN;
    table_at(table, 0, 3)->tone = TONE_SLOWER;
}

static void numbers_marks_and_intervals_are_aligned_under_their_heads(void **state)
{
    struct document document = {0};
    (void)state;
    add_curves(&document, 1);
    assert_written(&document, "terminal", &usual,
        "ns per access\n"
        "\n"
        "              native   ───── kvm (shadow, PVM) ──────\n"
        "working set      ns      ns  slowdown   95 % interval\n"
        "      4 KiB    1.09    1.20   +10.0 %  -0.6 … +20.0 %\n"
        "      4 MiB     109~    120   +10.0 %  -0.6 …  +150 %\n"
        "      4 GiB       -     239         -               -\n");
    assert_written(&document, "terminal", &ascii,
        "ns per access\n"
        "\n"
        "              native   ------ kvm (shadow, PVM) -------\n"
        "working set      ns      ns  slowdown     95 % interval\n"
        "      4 KiB    1.09    1.20   +10.0 %  -0.6 ... +20.0 %\n"
        "      4 MiB     109~    120   +10.0 %  -0.6 ...  +150 %\n"
        "      4 GiB       -     239         -                 -\n");
    document_free(&document);
}

static void blocks_that_do_not_fit_follow_below(void **state)
{
    struct document document = {0};
    (void)state;
    add_curves(&document, 3);
    for (unsigned columns = 60; columns <= 200; columns += 10) {
        char *text = written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = columns});
        assert_inside(text, columns);
        size_t tables = 0, rows = 0;
        for (const char *at = text; (at = strstr(at, "working set")); at++)
            tables++;
        for (const char *at = text; (at = strstr(at, "4 GiB")); at++)
            rows++;
        assert_int_equal(tables, rows);
        assert_true(columns > 60 ? columns < 130 || tables == 1 : tables == 3);
        free(text);
    }
    char *text = written(&document, "terminal", &(struct report_style){.utf8 = true});
    assert_null(strstr(strstr(text, "working set") + 1, "working set"));
    free(text);
    document_free(&document);
}

static void only_a_block_with_a_name_has_a_line_above_it(void **state)
{
    static const struct column columns[] = {{.key = "what"}, {.key = "page"},
        {.key = "median", .unit = UNIT_COUNT, .block = "taken"},
        {.key = "most", .unit = UNIT_COUNT, .block = "taken"}, {.key = "at once"}, {.key = "held"}};
    struct document document = {0};
    (void)state;
    struct table *table = document_table(&document, "held", NULL, columns, 6, 1);
    for (size_t i = 0; i < 6; i++)
        table_text(table, 0, i, "data");
    assert_written(&document, "terminal", &usual,
        "             ── taken ───\n"
        "what  page   median  most  at once  held\n"
        "data  data     data  data  data     data\n");
    document_free(&document);
}

static void add_prices(struct document *document)
{
    static const struct column columns[] = {{.key = "event"}, {.key = "each", .head = "for each", .drop = 3},
        {.key = "native", .unit = UNIT_NS, .drop = 1},
        {.key = "more", .head = "over native", .unit = UNIT_NS, .sign = true, .interval = true},
        {.key = "exits", .unit = UNIT_COUNT, .drop = 2}, {.key = "mark", .head = ""}};
    struct table *table = document_table(document, "prices", NULL, columns, 6, 2);
    table_text(table, 0, 0, "halt-wake");
    table_text(table, 1, 0, "code-packed-2m/64M");
    table_text(table, 0, 1, "wake-up");
    table_text(table, 1, 1, "call");
    table_number(table, 0, 2, 1120);
    table_interval(table, 0, 3, 63200, 57500, 74600);
    table_interval(table, 1, 3, -0.04, -0.323, 0.575);
    table_number(table, 0, 4, 0.6);
    table_text(table, 0, 5, "");
    table_text(table, 1, 5, "~");
}

static void columns_go_by_need(void **state)
{
    static const char *const heads[] = {"  exits", "for each", "native  over"};
    struct document document = {0};
    (void)state;
    add_prices(&document);
    assert_written(&document, "terminal", &(struct report_style){.utf8 = true},
        "event               for each   native  over native          95 % interval  exits\n"
        "halt-wake           wake-up   1.12 µs     +63.2 µs   +57.5 µs …  +74.6 µs    0.6\n"
        "code-packed-2m/64M  call            -   -0.0400 ns  -0.323 ns … +0.575 ns      - ~\n");
    for (unsigned columns = 85; columns > 55; columns--) {
        char *text = written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = columns});
        assert_inside(text, columns);
        assert_int_equal(!strstr(text, heads[1]), columns < 82); /* the highest number first */
        assert_int_equal(!strstr(text, heads[0]), columns < 72);
        assert_int_equal(!strstr(text, heads[2]), columns < 65);
        assert_non_null(strstr(text, "halt-wake"));
        free(text);
    }
    document_free(&document);
}

static void names_are_broken_only_when_nothing_else_helps(void **state)
{
    struct document document = {0};
    (void)state;
    add_prices(&document);
    assert_written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = 55},
        "event              over native          95 % interval\n" /* smaller gaps */
        "halt-wake             +63.2 µs   +57.5 µs …  +74.6 µs\n"
        "code-packed-2m/64M  -0.0400 ns  -0.323 ns … +0.575 ns ~\n");
    for (unsigned columns = 60; columns >= 24; columns--) {
        char *text = written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = columns});
        assert_inside(text, columns);
        assert_int_equal(strstr(text, "interval") != NULL, columns >= 55);
        assert_int_equal(strstr(text, "code-packed-2m/64M") != NULL, columns >= 32);
        free(text);
    }
    document_free(&document);
}

/* A section of what was found out: no heads, values of any unit, remarks below. */
static void add_findings(struct document *document)
{
    static const struct column columns[] = {{.key = "finding", .head = ""}, {.key = "known", .head = ""},
        {.key = "value", .head = "", .interval = true}, {.key = "remark", .head = "", .below = true}};
    static const char *const texts[][2] = {
        {"flaws without a mitigation", "told"},
        {"TLB miss (4K)", "measured"},
        {"this machine is a guest", "judged"},
        {"cache reach", "measured"},
    };
    struct table *table = document_table(document, "below", "below this machine", columns, 4, 4);
    for (size_t row = 0; row < 4; row++) {
        table_text(table, row, 0, texts[row][0]);
        table_text(table, row, 1, texts[row][1]);
    }
    table_at(table, 0, 2)->unit = UNIT_COUNT;
    table_number(table, 0, 2, 3072);
    table_at(table, 0, 0)->detail = true;
    table_at(table, 1, 2)->unit = UNIT_NS;
    table_interval(table, 1, 2, 19.5, 16.6, 27.2);
    table_text(table, 1, 3, "a curve over pages");
    table_at(table, 1, 3)->detail = true;
    table_at(table, 2, 2)->unit = UNIT_YES_NO;
    table_number(table, 2, 2, 1);
    table_text(table, 2, 2, "virtio0, and whatever else there is to be said about it");
    table_text(table, 2, 3, "the price of CPUID, against published prices of leaving a guest");
    table_text(table, 3, 2, "cannot tell: left out by --quick");
    for (size_t i = 0; i < 4; i++)
        table_at(table, 3, i)->tone = TONE_FAINT;
}

static void texts_are_wrapped_inside_of_their_columns(void **state)
{
    struct document document = {0};
    (void)state;
    add_findings(&document);
    assert_written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = 60},
        "below this machine\n"
        "\n"
        "TLB miss (4K)            measured  19.5 ns [16.6 ns …\n"
        "                                   27.2 ns]\n"
        "this machine is a guest  judged    yes (virtio0, and\n"
        "                                   whatever else there is to\n"
        "                                   be said about it)\n"
        "    the price of CPUID, against published prices of leaving\n"
        "    a guest\n"
        "cache reach              measured  cannot tell: left out by\n"
        "                                   --quick\n"
        "\n"
        "1 detail is left out here: --verbose tells all.\n");
    for (unsigned columns = 40; columns < 200; columns += 20) {
        char *text = written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = columns});
        assert_inside(text, columns);
        free(text);
    }
    document_free(&document);
}

static void sections_of_a_list_are_aligned(void **state)
{
    static const struct column columns[] = {{.key = "name", .head = ""}, {.key = "what", .head = ""}};
    struct document document = {0};
    (void)state;
    struct table *first = document_table(&document, "a", NULL, columns, 2, 2);
    struct table *second = document_table(&document, "b", NULL, columns, 2, 1);
    table_text(first, 0, 0, "a");
    table_text(first, 1, 0, "a detail with a long name");
    table_at(first, 1, 0)->detail = true;
    table_text(second, 0, 0, "a longer name");
    table_text(first, 0, 1, "one");
    table_text(second, 0, 1, "two");
    char *text = written(&document, "terminal", &usual);
    assert_int_equal(strncmp(text, "a              one\n\na longer name  two\n", 39), 0);
    free(text);
    document_free(&document);
}

static void details_are_told_if_asked_for(void **state)
{
    struct document document = {0};
    (void)state;
    add_findings(&document);
    document_details(&document, true);
    document_say(&document, BLOCK_SENTENCE, "Only the method needs this.");
    document_details(&document, false);
    static const struct column column = {.key = "only-details"};
    struct table *table = document_table(&document, "details", "only details", &column, 1, 2);
    table_at(table, 0, 0)->detail = table_at(table, 1, 0)->detail = true;
    char *text = written(&document, "terminal", &(struct report_style){.utf8 = true, .verbose = true});
    assert_non_null(strstr(text, "only details\n\nonly-details\n-\n-\n"));
    assert_non_null(strstr(text, "flaws without a mitigation  told      3,072\n"));
    assert_non_null(strstr(text, "\n    a curve over pages\n"));
    assert_non_null(strstr(text, "\n\nOnly the method needs this.\n"));
    assert_null(strstr(text, "--verbose"));
    free(text);
    text = written(&document, "terminal", &usual);
    assert_null(strstr(text, "Only the method"));
    assert_null(strstr(text, "a curve over pages"));
    assert_null(strstr(text, "only"));
    assert_non_null(strstr(text, "\n4 details are left out here: --verbose tells all.\n"));
    free(text);
    text = written(&document, "markdown", &usual);
    assert_non_null(strstr(text, "| flaws without a mitigation | told | 3,072 | - | - |\n"));
    assert_non_null(strstr(text, "Only the method needs this."));
    free(text);
    document_free(&document);
}

/* ---- what stands between tables ---- */

static void add_words(struct document *document)
{
    document_say(document, BLOCK_CONCLUSION, "Leaving the guest costs %d µs here.", 25);
    document_say(document, BLOCK_FACT, "A page fault: 19.3 µs in the guest, 1.2 µs native, as measured.");
    document_say(document, BLOCK_FACT, "What to do: fewer exits.");
    document_say(document, BLOCK_WARNING, "WARNING: not all of it is good:");
    document_say(document, BLOCK_FACT, "A: 52 noisy of 74 cells");
    document_say(document, BLOCK_NOTE, "~ noisy");
    document_say(document, BLOCK_FACT, "- not measured");
    document_say(document, BLOCK_HEADING, "What costs most here and what to change");
    document_say(document, BLOCK_ITEM, "Fresh pages cost more than others that were used a moment ago.");
    document_say(document, BLOCK_MORE, "To change: keep memory.");
    document_say(document, BLOCK_ITEM, "Small pages miss the TLB.");
    document_say(document, BLOCK_SENTENCE, "One.");
    document_say(document, BLOCK_SENTENCE, "Two.");
}

/* However long it is, and whatever is in it: so it can be copied. */
static void a_command_is_one_line_everywhere(void **state)
{
    static const char text[] = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=1073741824 "
                               "./prog '<b>' a_b_c *";
    struct document document = {0};
    char expected[512], *page;
    (void)state;
    document_say(&document, BLOCK_SENTENCE, "Use:");
    document_say(&document, BLOCK_COMMAND, "%s", text);
    document_say(&document, BLOCK_FACT, "It took effect.");
    snprintf(expected, sizeof expected, "Use:\n    %s\n\n  It took effect.\n", text);
    assert_written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = 50}, expected);
    snprintf(expected, sizeof expected, "Use:\n\n    %s\n\n- It took effect.\n", text);
    assert_written(&document, "markdown", &usual, expected);
    page = written(&document, "html", &usual);
    assert_non_null(strstr(page, "<pre class=command>GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc."
                                 "trim_threshold=1073741824 ./prog &#39;&lt;b&gt;&#39; a_b_c *</pre>"));
    free(page);
    document_free(&document);
}

static void blocks_of_each_kind_have_their_layout(void **state)
{
    struct document document = {0};
    (void)state;
    add_words(&document);
    assert_written(&document, "terminal", &(struct report_style){.utf8 = true, .columns = 50},
        "Leaving the guest costs 25 µs here.\n"
        "\n"
        "  A page fault: 19.3 µs in the guest, 1.2 µs\n"
        "  native, as measured.\n"
        "  What to do: fewer exits.\n"
        "\n"
        "WARNING: not all of it is good:\n"
        "  A: 52 noisy of 74 cells\n"
        "\n"
        "~ noisy\n"
        "  - not measured\n"
        "\n"
        "What costs most here and what to change\n"
        "\n"
        " 1. Fresh pages cost more than others that were\n"
        "    used a moment ago.\n"
        "    To change: keep memory.\n"
        " 2. Small pages miss the TLB.\n"
        "\n"
        "One.\n"
        "Two.\n");
    assert_written(&document, "markdown", &usual,
        "**Leaving the guest costs 25 µs here.**\n"
        "\n"
        "- A page fault: 19.3 µs in the guest, 1.2 µs native, as measured.\n"
        "- What to do: fewer exits.\n"
        "\n"
        "**WARNING: not all of it is good:**\n"
        "\n"
        "- A: 52 noisy of 74 cells\n"
        "- \\~ noisy\n"
        "- \\- not measured\n"
        "\n"
        "### What costs most here and what to change\n"
        "\n"
        "1. Fresh pages cost more than others that were used a moment ago. To change: keep memory.\n"
        "2. Small pages miss the TLB.\n"
        "\n"
        "- One.\n"
        "- Two.\n");
    assert_written(&document, "csv", &usual, "");
    document_free(&document);
}

static void colour_is_written_only_if_told_and_always_ends(void **state)
{
    struct document document = {0};
    (void)state;
    add_words(&document);
    add_curves(&document, 2);
    add_findings(&document);
    char *plain = written(&document, "terminal", &usual);
    char *coloured = written(&document, "terminal", &(struct report_style){true, true, 80, false});
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[31m+10.0 %\033[0m")); /* slower */
    assert_non_null(strstr(coloured, "\033[33mWARNING: not all of it is good:\n\033[0m"));
    char *kept = coloured;
    bool on = false;
    for (char *at = coloured; *at; at++) {
        if (*at != '\033') {
            *kept++ = *at;
            continue;
        }
        assert_int_equal(!strncmp(at, "\033[0m", 4), on);
        on = !on;
        at = strchr(at, 'm');
    }
    *kept = 0;
    assert_false(on);
    assert_string_equal(coloured, plain);
    free(plain);
    free(coloured);
    document_free(&document);
}

/* ---- what comes from outside ---- */

static const char hostile[] =
    "a|b <b>&amp; \033]0;title\007 \"quoted\", \xff\xc0\x80 \xc2\x9b*_`[x](y)\\ $~\r\n# ";

/* The hostile text wherever there can be one, also so long that nothing has room for it. */
static void add_hostile(struct document *document)
{
    char longest[4000] = "";
    while (strlen(longest) + sizeof hostile + 20 < sizeof longest)
        strcat(strcat(longest, hostile), "averyveryverylongword");
    const char *all = document_text(document, "%s", longest);
    struct column columns[] = {{.key = "name", .head = all}, {.key = "a", .unit = UNIT_NS, .block = hostile},
        {.key = "text", .block = hostile}, {.key = "below", .below = true}};
    for (enum block_kind kind = 0; kind < BLOCK_TABLE; kind++) {
        document_say(document, kind, "%s", hostile);
        document_say(document, kind, "%s", longest);
        document_say(document, kind, "%s", "");
    }
    struct table *table = document_table(document, "hostile", all, columns, 4, 2);
    for (size_t row = 0; row < 2; row++) {
        table_text(table, row, 0, row ? all : hostile);
        *table_at(table, row, 1) =
            (struct value){.unit = UNIT_NS, .number = 1, .text = hostile, .mark = hostile};
        table_text(table, row, 2, row ? all : hostile);
        table_text(table, row, 3, row ? all : hostile);
    }
    struct chart *chart = document_chart(document, CHART_LINES, "hostile", all);
    chart->x.label = chart->y.label = chart->caption = all;
    chart->stamp = hostile;
    struct chart_series *series = chart_series(document, chart, all, 2);
    for (size_t i = 0; i < 2; i++)
        series->points[i] =
            (struct chart_point){.x = (double)i, .y = 1, .low = NAN, .high = NAN, .mark = hostile};
    chart_mark(document, chart, MARK_MEASURED, 0, 0, hostile);
    document->stamp = document->title = hostile;
}

static void assert_harmless(const char *text, bool only_ascii)
{
    size_t size = 3 * strlen(text) + 1;
    char *clean = malloc(size);
    text_clean(text, TEXT_KEEP_CONTROLS, clean, size);
    assert_string_equal(clean, text); /* valid UTF-8 */
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' && *c != '\n')
            fail_msg("a control character, %d", *c);
        assert_true(!only_ascii || (unsigned char)*c < 127);
        assert_false((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0); /* C1 controls */
    }
    free(clean);
}

static size_t unescaped_bars(const char *line)
{
    size_t count = 0;
    for (const char *c = line; *c; c++) {
        if (*c == '\\' && c[1])
            c++;
        else
            count += *c == '|';
    }
    return count;
}

static void hostile_text_is_harmless_in_every_format(void **state)
{
    static const unsigned widths[] = {0, 40, 80, 300};
    struct document document = {0};
    (void)state;
    add_hostile(&document);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (int utf8 = 0; utf8 < 2; utf8++) {
            char *text =
                written(&document, "terminal", &(struct report_style){.utf8 = utf8, .columns = widths[i]});
            assert_harmless(text, !utf8);
            free(text);
        }
    char *text = written(&document, "csv", &usual);
    assert_harmless(text, false);
    free(text);
    text = written(&document, "markdown", &usual);
    assert_harmless(text, false);
    size_t rows = 0;
    char *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "    ", 4) != 0) /* a code block, in which nothing has a meaning */
            assert_null(strstr(line, " <b"));
        if (line[0] != '|')
            continue;
        rows++;
        assert_int_equal(unescaped_bars(line), 5);
    }
    assert_int_equal(rows, 4); /* head, rule and two */
    free(text);
    document_free(&document);
}

static void nothing_in_a_text_has_a_meaning_to_markdown(void **state)
{
    static const struct {
        const char *in, *out;
    } texts[] = {{"plain, text (1.5 %)", "plain, text (1.5 %)\n"}, {"a|b", "a\\|b\n"},
        {"<b>&amp;", "\\<b\\>\\&amp;\n"}, {"*_`[x](y)\\", "\\*\\_\\`\\[x\\](y)\\\\\n"},
        {"two\nlines\033[31m", "two lines \\[31m\n"}, {"- a list", "\\- a list\n"},
        {"12. a list", "12\\. a list\n"}, {"1.5 and -3", "1.5 and -3\n"}, {"     code", "code\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct document document = {0};
        document_say(&document, BLOCK_SENTENCE, "%s", texts[i].in);
        assert_written(&document, "markdown", &usual, texts[i].out);
        document_free(&document);
    }
}

/* ---- Markdown and CSV ---- */

static void markdown_has_every_figure(void **state)
{
    struct document document = {0};
    (void)state;
    add_curves(&document, 1);
    assert_written(&document, "markdown", &usual,
        "### ns per access\n"
        "\n"
        "| working set | native (ns) | kvm (shadow, PVM) (ns) | slowdown | 95 % interval |\n"
        "| :--- | ---: | ---: | ---: | ---: |\n"
        "| 4 KiB | 1.09 | 1.20 | +10.0 % | -0.6 … +20.0 % |\n"
        "| 4 MiB | 109 \\~ | 120 | +10.0 % | -0.6 … +150 % |\n"
        "| 4 GiB | - | 239 | - | - |\n");
    document_free(&document);
}

static void csv_has_the_figures_unrounded_and_quotes_by_need(void **state)
{
    static const struct column columns[] = {{.key = "id"}, {.key = "bytes", .unit = UNIT_BYTES},
        {.key = "ratio", .unit = UNIT_CHANGE, .interval = true}, {.key = "write", .unit = UNIT_YES_NO},
        {.key = "reason", .below = true}};
    struct document document = {0};
    (void)state;
    struct table *table = document_table(&document, "cells", "of no interest", columns, 5, 3);
    table_text(table, 0, 0, "plain text");
    table_number(table, 0, 1, 17179869184);
    table_interval(table, 0, 2, 1.0009850430001, 1.000292208, NAN);
    table_number(table, 0, 3, 0);
    table_text(table, 1, 0, "a,b");
    table_text(table, 1, 4, "killed, \"so to speak\"");
    table_number(table, 1, 3, 1);
    table_text(table, 2, 0, "say \"x\"");
    table_at(table, 2, 1)->why = "why";
    assert_written(&document, "csv", &usual,
        "id,bytes,ratio,ratio_low,ratio_high,write,reason\n"
        "plain text,17179869184,1.000985043,1.000292208,,false,\n"
        "\"a,b\",,,,,true,\"killed, \"\"so to speak\"\"\"\n"
        "\"say \"\"x\"\"\",,,,,,\n");
    document_free(&document);
}

static void csv_prefers_the_tables_for_files(void **state)
{
    static const struct column column = {.key = "a", .unit = UNIT_COUNT};
    struct document document = {0};
    (void)state;
    for (int i = 0; i < 3; i++)
        table_number(document_table(&document, "a", NULL, &column, 1, 1), 0, 0, i);
    assert_written(&document, "csv", &usual, "a\n0\n\na\n1\n\na\n2\n");
    document.blocks[1].table->readers = TABLE_FOR_FILES;
    assert_written(&document, "csv", &usual, "a\n1\n");
    assert_written(&document, "terminal", &usual, "a\n0\n\na\n2\n");
    assert_written(&document, "markdown", &usual, "| a |\n| :--- |\n| 0 |\n\n| a |\n| :--- |\n| 2 |\n");
    document_free(&document);
}

/* ---- nothing ---- */

static void nothing_is_said_of_empty_tables_and_charts(void **state)
{
    static const struct column columns[] = {{.key = "a"}, {.key = "b", .unit = UNIT_NS}};
    struct document document = {0};
    (void)state;
    assert_written(&document, "terminal", &usual, "");
    assert_written(&document, "markdown", &usual, "");
    document_table(&document, "none", "no rows", columns, 2, 0);
    struct chart *chart = document_chart(&document, CHART_LINES, "none", "no points");
    chart_series(&document, chart, "unknown", 3);
    assert_written(&document, "terminal", &usual, "");
    assert_written(&document, "markdown", &usual, "");
    assert_written(&document, "csv", &usual, "a,b\n");
    document_free(&document);
}

static void a_lack_of_memory_is_told_at_the_end(void **state)
{
    struct document document = {0};
    (void)state;
    document.pool.failed = true;
    for (size_t i = 0; format_at(i); i++) {
        struct error error = {0};
        assert_int_equal(document_write(&document, format_at(i), stderr, &usual, &error), -ENOMEM);
        assert_non_null(strstr(error.text, "memory"));
    }
    table_number(NULL, 3, 4, 5); /* what is written to no table is lost */
    document_free(&document);
}

static void formats_are_found_by_name_and_extension(void **state)
{
    (void)state;
    for (size_t i = 0; format_at(i); i++)
        assert_ptr_equal(format_named(format_at(i)->name), format_at(i));
    assert_null(format_named("pdf"));
    assert_string_equal(format_of_path("a.b/report.md")->name, "markdown");
    assert_string_equal(format_of_path("x.csv")->name, "csv");
    assert_null(format_of_path("report"));
    assert_null(format_of_path(".csv")); /* a hidden file's name */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_marks_and_intervals_are_aligned_under_their_heads),
        cmocka_unit_test(blocks_that_do_not_fit_follow_below),
        cmocka_unit_test(only_a_block_with_a_name_has_a_line_above_it),
        cmocka_unit_test(columns_go_by_need),
        cmocka_unit_test(names_are_broken_only_when_nothing_else_helps),
        cmocka_unit_test(texts_are_wrapped_inside_of_their_columns),
        cmocka_unit_test(sections_of_a_list_are_aligned),
        cmocka_unit_test(details_are_told_if_asked_for),
        cmocka_unit_test(a_command_is_one_line_everywhere),
        cmocka_unit_test(blocks_of_each_kind_have_their_layout),
        cmocka_unit_test(colour_is_written_only_if_told_and_always_ends),
        cmocka_unit_test(hostile_text_is_harmless_in_every_format),
        cmocka_unit_test(nothing_in_a_text_has_a_meaning_to_markdown),
        cmocka_unit_test(markdown_has_every_figure),
        cmocka_unit_test(csv_has_the_figures_unrounded_and_quotes_by_need),
        cmocka_unit_test(csv_prefers_the_tables_for_files),
        cmocka_unit_test(nothing_is_said_of_empty_tables_and_charts),
        cmocka_unit_test(a_lack_of_memory_is_told_at_the_end),
        cmocka_unit_test(formats_are_found_by_name_and_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
