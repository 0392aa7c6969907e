/* Accounts of programs of several files side by side: what changed most comes first. */
#include "report/format.h"
#include "report/view_compare.h"
#include "report/view_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *title_of(const struct compared_line *line)
{
    for (int i = 0; i < CAUSES; i++)
        if (!strcmp(ran_causes[i].name, line->name))
            return ran_causes[i].title;
    return line->name;
}

static bool is_sum(const struct compared_line *line)
{
    return !isfinite(line->values[0].count) && title_of(line) == line->name;
}

static double size_of_change(const struct compared_line *line)
{
    double change = compare_amount_change(line, 1).cpu_ns;
    return isfinite(change) ? fabs(change) : -1;
}

/* Lines by how much they changed, the sums behind them. */
static int by_change(const void *a, const void *b)
{
    const struct compared_line *x = a, *y = b;
    double of_x = size_of_change(x), of_y = size_of_change(y);
    if (is_sum(x) != is_sum(y))
        return is_sum(x) ? 1 : -1;
    if (is_sum(x) || of_x == of_y)
        return strcmp(x->name, y->name);
    return of_x < of_y ? 1 : -1;
}

static const char *amount_text(double ns, struct document *doc)
{
    return document_text(doc, "%s%s", ns < 0 ? "-" : "+", format_figure(UNIT_NS, fabs(ns), 0).text);
}

/* "exits by system calls -40 ms (5,429 to 3,000, at 29 µs to 28 µs each)" */
static void say_most(const struct compared_line *lines, size_t count, struct document *doc)
{
    enum { NAMED = 3 };
    struct listing told = {.doc = doc, .between = "; "};
    for (size_t i = 0; i < count && told.count < NAMED; i++) {
        const struct compared_amount change = compare_amount_change(&lines[i], 1);
        const struct compared_amount *a = &lines[i].values[0], *b = &lines[i].values[1];
        if (is_sum(&lines[i]) || !(change.low_ns > 0 || change.high_ns < 0))
            continue;
        listing_add(&told, "%s %s (%s to %s, at %s to %s each)", title_of(&lines[i]),
            amount_text(change.cpu_ns, doc), format_figure(UNIT_COUNT, a->count, 0).text,
            format_figure(UNIT_COUNT, b->count, 0).text, format_figure(UNIT_NS, a->price_ns, 0).text,
            format_figure(UNIT_NS, b->price_ns, 0).text);
    }
    document_say(doc, BLOCK_SENTENCE, "%s: %s%s.", lines[0].id,
        told.count ? "of what a run takes more CPU time for, there changed most from A to B: "
                   : "no line of its account changed significantly from A to B",
        told.count ? listing_text(&told) : "");
}

static void add_table(
    const struct compare *compare, const struct compared_line *lines, size_t count, struct document *doc)
{
    enum { WHAT, CHANGE, FIXED, OF_FILE = 3, COLUMNS = FIXED + OF_FILE * COMPARE_FILES_MAX };
    struct column columns[COLUMNS] = {{.key = "what", .head = "", .unit = UNIT_TEXT},
        {.key = "change", .head = "B less A", .unit = UNIT_NS, .interval = true, .sign = true}};
    static const struct column of_file[OF_FILE] = {{.head = "CPU time", .unit = UNIT_NS, .sign = true},
        {.head = "count", .unit = UNIT_COUNT}, {.head = "price", .unit = UNIT_NS}};
    static const char *const keys[OF_FILE] = {"cpu", "count", "price"};
    for (size_t file = 0; file < compare->file_count; file++)
        for (size_t i = 0; i < OF_FILE; i++) {
            struct column *column = &columns[FIXED + OF_FILE * file + i];
            *column = of_file[i];
            column->key = document_text(doc, "%s_%c", keys[i], compare_letter(file));
            column->block = document_text(doc, "%c", compare_letter(file));
        }
    struct table *table =
        document_table(doc, "accounts", document_text(doc, "What %s takes longer for, a run", lines[0].id),
            columns, FIXED + OF_FILE * compare->file_count, count);
    for (size_t row = 0; row < count; row++) {
        const struct compared_amount change = compare_amount_change(&lines[row], 1);
        table_text(table, row, WHAT, title_of(&lines[row]));
        table_interval(table, row, CHANGE, change.cpu_ns, change.low_ns, change.high_ns);
        for (size_t file = 0; file < compare->file_count; file++) {
            const struct compared_amount *amount = &lines[row].values[file];
            table_number(table, row, FIXED + OF_FILE * file, amount->cpu_ns);
            table_number(table, row, FIXED + OF_FILE * file + 1, round(amount->count));
            table_number(table, row, FIXED + OF_FILE * file + 2, amount->price_ns);
        }
    }
}

void view_compare_accounts(const struct compare *compare, struct document *doc)
{
    struct compared_line *lines = pool_room(&doc->pool, compare->line_count, sizeof *lines);
    for (size_t i = 0; lines && i < compare->line_count; i++)
        lines[i] = compare->lines[i];
    for (size_t from = 0, to; lines && from < compare->line_count; from = to) {
        for (to = from + 1; to < compare->line_count && !strcmp(lines[to].id, lines[from].id);)
            to++;
        qsort(lines + from, to - from, sizeof *lines, by_change);
        say_most(lines + from, to - from, doc);
        add_table(compare, lines + from, to - from, doc);
    }
}

void view_compare_account_files(const struct compare *compare, struct document *doc)
{
    struct table *table = NULL;
    for (size_t i = 0; i < compare->line_count * compare->file_count; i++) {
        const struct compared_line *line = &compare->lines[i / compare->file_count];
        const size_t file = i % compare->file_count;
        const struct compared_amount *amount = &line->values[file],
                                     change = file ? compare_amount_change(line, file)
                                                   : (struct compared_amount){NAN, NAN, NAN, NAN, NAN};
        const struct file_value values[] = {
            FILE_WORDS("id", line->id),
            FILE_WORDS("cause", line->name),
            FILE_WORDS("file", compare->files[file].name),
            FILE_FIGURE("count", UNIT_COUNT, amount->count),
            FILE_FIGURE("price_cpu_ns", UNIT_NS, amount->price_ns),
            FILE_FIGURE("cpu_ns", UNIT_NS, amount->cpu_ns),
            FILE_FIGURE("cpu_low_ns", UNIT_NS, amount->low_ns),
            FILE_FIGURE("cpu_high_ns", UNIT_NS, amount->high_ns),
            FILE_FIGURE("change_ns", UNIT_NS, change.cpu_ns),
            FILE_FIGURE("change_low_ns", UNIT_NS, change.low_ns),
            FILE_FIGURE("change_high_ns", UNIT_NS, change.high_ns),
        };
        enum { COLUMNS = sizeof values / sizeof *values };
        if (!table)
            table = view_file_table(
                doc, "account-changes", values, COLUMNS, compare->line_count * compare->file_count);
        view_file_row(table, i, values, COLUMNS);
    }
}
