/* The table for a terminal: a line for each cell, for each file its figure and how it changed. Files that do
 * not fit the width follow in a table below. */
#include "report/compare_report.h"

#include "report/compare_names.h"
#include "report/format.h"
#include "report/grid.h"
#include "report/text.h"
#include "result/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of the first file (FIRST_COLUMNS of them), and of each other. */
enum { VALUE, MARK, CHANGE, LOW, HIGH, COLUMNS, FIRST_COLUMNS = CHANGE };
static const unsigned gaps[COLUMNS] = {[VALUE] = 3, [CHANGE] = 2, [LOW] = 2, [HIGH] = 1};

struct table {
    const struct compare *compare;
    const struct compared_rows *rows;
    enum metric metric;
    const struct report_style *style;
    struct compare_names names;
    bool one_unit;
    struct grid grid;
    struct grid_span titles[COMPARE_FILES_MAX], heads[1 + 3 * COMPARE_FILES_MAX];
    size_t head_count;
};

static size_t first_column(size_t file)
{
    return file ? 1 + FIRST_COLUMNS + (file - 1) * COLUMNS : 1;
}

static size_t last_column(size_t file)
{
    return first_column(file) + (file ? (size_t)COLUMNS : (size_t)FIRST_COLUMNS);
}

static void put(struct grid_cell *cell, const char *text, enum ink ink)
{
    snprintf(cell->text, sizeof cell->text, "%.47s", text);
    cell->ink = ink;
}

static void fill_change(const struct table *table, const struct compared *compared, struct grid_cell *cells)
{
    static const enum ink inks[VERDICTS] = {[VERDICT_SLOWER] = INK_SLOWER, [VERDICT_FASTER] = INK_FASTER};
    put(&cells[CHANGE], format_slowdown(compared->change).text,
        inks[verdict_of(compared->low, compared->high)]);
    if (!isfinite(compared->low)) {
        put(&cells[HIGH], "-", INK_PLAIN);
        return;
    }
    snprintf(cells[LOW].text, sizeof cells[LOW].text, "%.30s %s", format_slowdown_number(compared->low).text,
        style_ellipsis(table->style));
    put(&cells[HIGH], format_slowdown(compared->high).text, INK_PLAIN);
}

static void fill_file(const struct table *table, size_t row, size_t file)
{
    static const char *const marks[] = {
        [QUALITY_GOOD] = "", [QUALITY_NOISY] = "~", [QUALITY_INTERRUPTED] = "!", [QUALITY_MISSING] = ""};
    const struct compared *compared = &table->rows->rows[row].files[file];
    struct grid_cell *cells = grid_at(&table->grid, row, first_column(file));
    bool time = table->metric == METRIC_TIME;
    put(&cells[VALUE], (time ? format_ns(compared->value) : format_slowdown(compared->value)).text,
        INK_PLAIN);
    put(&cells[MARK], compared->cell ? marks[compared->cell->quality] : "", INK_WARNING);
    if (file)
        fill_change(table, compared, cells);
}

/* Names are aligned to the left: padded with blanks to the longest. */
static void fill_names(const struct table *table)
{
    char name[NAME_BYTES], clean[3 * NAME_BYTES];
    size_t longest = 0;
    for (size_t row = 0; row < table->rows->count; row++) {
        const struct compared_row *each = &table->rows->rows[row];
        struct grid_cell *cell = grid_at(&table->grid, row, 0);
        compare_name(&table->names, each->id, name);
        if (!table->one_unit && strlen(name) + strlen(each->unit) + 3 < sizeof name)
            sprintf(name + strlen(name), ", %s", each->unit);
        text_clean(name, TEXT_ASCII, clean, sizeof clean);
        text_cut(clean, GRID_TEXT_BYTES - 1, &(struct report_style){.utf8 = false});
        put(cell, clean, INK_PLAIN);
        longest = strlen(clean) > longest ? strlen(clean) : longest;
    }
    for (size_t row = 0; row < table->rows->count; row++) {
        char *text = grid_at(&table->grid, row, 0)->text;
        size_t length = strlen(text);
        memset(text + length, ' ', longest - length);
        text[longest] = 0;
    }
}

static void add_head(struct table *table, size_t first, size_t last, const char *text)
{
    struct grid_span *head = &table->heads[table->head_count++];
    *head = (struct grid_span){.first = first, .last = last};
    text_clean(text, TEXT_ASCII, head->text, sizeof head->text);
}

/* "B: after.json" */
static void add_title(struct table *table, size_t file)
{
    const char *path = table->compare->files[file].name, *slash = strrchr(path, '/');
    char name[64], clean[192];
    snprintf(name, sizeof name, "%.60s", slash && slash[1] ? slash + 1 : path);
    text_clean(name, table->style->utf8 ? TEXT_UTF8 : TEXT_ASCII, clean, sizeof clean);
    text_cut(clean, file ? 24 : 12, table->style);
    struct grid_span *title = &table->titles[file];
    *title = (struct grid_span){.first = first_column(file), .last = last_column(file), .ruled = true};
    snprintf(title->text, sizeof title->text, "%c: %.70s", compare_letter(file), clean);
}

static void add_heads(struct table *table, size_t file)
{
    size_t first = first_column(file);
    bool time = table->metric == METRIC_TIME;
    add_title(table, file);
    add_head(table, first, first + CHANGE,
        !time             ? "slowdown"
        : table->one_unit ? table->rows->rows[0].unit
                          : "median");
    if (!file)
        return;
    add_head(table, first + CHANGE, first + LOW, "change");
    add_head(table, first + LOW, first + COLUMNS, "95 % interval");
}

static void fill(struct table *table)
{
    fill_names(table);
    add_head(table, 0, 1, "cell");
    for (size_t file = 0; file < table->compare->file_count; file++) {
        for (size_t column = first_column(file); column < last_column(file); column++)
            table->grid.gaps[column] = gaps[column - first_column(file)];
        for (size_t row = 0; row < table->rows->count; row++)
            fill_file(table, row, file);
        add_heads(table, file);
    }
    grid_measure(&table->grid);
    for (size_t i = 0; i < table->head_count; i++)
        grid_span_fit(&table->grid, &table->heads[i]);
    for (size_t file = 0; file < table->compare->file_count; file++)
        grid_span_fit(&table->grid, &table->titles[file]);
}

/* How many files from `from` on fit side by side: one at least. */
static size_t files_that_fit(const struct table *table, size_t from)
{
    unsigned used = table->grid.widths[0];
    size_t to = from;
    for (; to < table->compare->file_count; to++) {
        size_t first = first_column(to);
        used += table->grid.gaps[first] + grid_width(&table->grid, first, last_column(to));
        if (to > from && table->style->columns && used > table->style->columns)
            break;
    }
    return to - from;
}

static void write_part(const struct table *table, size_t from, size_t to, FILE *stream)
{
    size_t first = first_column(from), last = last_column(to - 1);
    grid_spans_write(
        &table->grid, table->titles, table->compare->file_count, first, last, stream, table->style);
    grid_spans_write(&table->grid, table->heads, table->head_count, first, last, stream, table->style);
    for (size_t row = 0; row < table->grid.rows; row++)
        grid_row_write(&table->grid, row, first, last, stream, table->style);
    fputc('\n', stream);
}

static void write_heading(const struct table *table, FILE *stream)
{
    char frame[NAME_BYTES], title[NAME_BYTES + 80];
    compare_names_frame(&table->names, table->rows->rows[0].id, frame);
    snprintf(title, sizeof title, "%s%s%s",
        table->metric == METRIC_TIME ? "medians, and how they changed from A"
                                     : "slowdowns over their baseline, and how these changed from A",
        frame[0] ? ": cells " : "", frame);
    fputs(style_on(table->style, INK_HEADING), stream);
    text_paragraph(stream, "", title, table->style);
    fprintf(stream, "%s\n", style_off(table->style, INK_HEADING));
}

/* What the marks mean, if there are any. */
static void write_legend(const struct table *table, FILE *stream)
{
    bool seen[4] = {false};
    for (size_t row = 0; row < table->rows->count; row++)
        for (size_t file = 0; file < table->compare->file_count; file++) {
            const struct result_cell *cell = table->rows->rows[row].files[file].cell;
            if (cell)
                seen[cell->quality] = true;
        }
    if (seen[QUALITY_NOISY] || seen[QUALITY_INTERRUPTED])
        fprintf(stream, "%s%s%s%s%s\n\n", style_on(table->style, INK_FAINT),
            seen[QUALITY_NOISY] ? "~ noisy" : "",
            seen[QUALITY_NOISY] && seen[QUALITY_INTERRUPTED] ? ";  " : "",
            seen[QUALITY_INTERRUPTED] ? "! interrupted" : "", style_off(table->style, INK_FAINT));
}

static bool one_unit(const struct compared_rows *rows)
{
    for (size_t i = 1; i < rows->count; i++)
        if (strcmp(rows->rows[i].unit, rows->rows[0].unit) != 0)
            return false;
    return true;
}

int compare_table(const struct compare *compare, enum metric metric, FILE *stream,
    const struct report_style *style, struct error *error)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct table table = {.compare = compare, .rows = rows, .metric = metric, .style = style};
    if (!rows->count)
        return 0;
    if (grid_create(&table.grid, last_column(compare->file_count - 1), rows->count))
        return error_set(error, ENOMEM, "not enough memory to write the table");
    table.names = compare_names_of(rows);
    table.one_unit = one_unit(rows);
    fill(&table);
    write_heading(&table, stream);
    for (size_t from = 0; from < compare->file_count;) {
        size_t count = files_that_fit(&table, from);
        write_part(&table, from, from + count, stream);
        from += count;
    }
    write_legend(&table, stream);
    grid_free(&table.grid);
    return 0;
}
