#include "report/table.h"

#include "report/format.h"
#include "report/grid.h"
#include "report/notes.h"
#include "report/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A kind of column that a curve can have. */
struct column_kind {
    void (*cell)(const struct curve_point *point, const struct report_style *style, struct grid_cell *cell);
    unsigned gap;
};

static void put(struct grid_cell *cell, const char *text, enum ink ink)
{
    snprintf(cell->text, sizeof cell->text, "%s", text);
    cell->ink = ink;
}

static void ns_cell(const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    (void)style;
    put(cell, point_measured(point) ? format_ns(point->cell->median).text : "-", INK_PLAIN);
}

static void mark_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    (void)style;
    put(cell, point_measured(point) ? note_mark(point) : "", INK_WARNING);
}

static void slowdown_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    static const enum ink inks[] = {[VERDICT_SLOWER] = INK_SLOWER, [VERDICT_FASTER] = INK_FASTER};
    (void)style;
    put(cell, point_compared(point) ? format_slowdown(point->against->ratio).text : "-",
        inks[point_verdict(point)]);
}

static void slowdown_low_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    if (point_interval(point))
        snprintf(cell->text, sizeof cell->text, "%.30s %s", format_slowdown_number(point->against->low).text,
            style_ellipsis(style));
}

static void slowdown_high_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    (void)style;
    put(cell, point_interval(point) ? format_slowdown(point->against->high).text : "-", INK_PLAIN);
}

static void ns_low_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    if (point->cell && isfinite(point->cell->low) && isfinite(point->cell->high))
        snprintf(cell->text, sizeof cell->text, "%.30s %s", format_ns(point->cell->low).text,
            style_ellipsis(style));
}

static void ns_high_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    (void)style;
    put(cell, point->cell && isfinite(point->cell->low) ? format_ns(point->cell->high).text : "-", INK_PLAIN);
}

static void fastest_cell(
    const struct curve_point *point, const struct report_style *style, struct grid_cell *cell)
{
    (void)style;
    put(cell, point->cell ? format_ns(point->cell->min).text : "-", INK_PLAIN);
}

enum { BLOCK_COLUMNS_MAX = 5, BLOCK_HEADS_MAX = 3 };

/* What one curve gets: its columns and what is written over them. */
struct block_kind {
    struct column_kind columns[BLOCK_COLUMNS_MAX];
    size_t column_count;
    struct {
        size_t first, last;
        const char *text;
    } heads[BLOCK_HEADS_MAX];
    size_t head_count;
};

/* A curve that others are compared with, one that is compared, and one where nothing is compared. */
static const struct block_kind baseline_block = {{{ns_cell, 3}, {mark_cell, 0}}, 2, {{0, 1, "ns"}}, 1},
                               compared_block =
                                   {
                                       {{ns_cell, 3}, {mark_cell, 0}, {slowdown_cell, 2},
                                           {slowdown_low_cell, 2}, {slowdown_high_cell, 1}},
                                       5,
                                       {{0, 1, "ns"}, {2, 3, "slowdown"}, {3, 5, "95 % interval"}},
                                       3,
},
                               alone_block = {
                                   {{ns_cell, 3}, {mark_cell, 0}, {ns_low_cell, 2}, {ns_high_cell, 1},
                                       {fastest_cell, 2}},
                                   5,
                                   {{0, 1, "ns"}, {2, 4, "95 % interval"}, {4, 5, "fastest"}},
                                   3,
};

struct table {
    const struct curve_group *group;
    const struct report_style *style;
    struct grid grid;
    struct {
        const struct block_kind *kind;
        size_t first, last; /* its columns in the grid */
    } * blocks;             /* one for each curve */
    struct grid_span *titles, *heads;
    size_t head_count;
};

static const struct block_kind *block_kind_of(const struct curve_group *group, const struct curve *curve)
{
    bool any = false;
    for (size_t i = 0; i < group->curve_count; i++)
        any |= group->curves[i].compared;
    if (curve->compared)
        return &compared_block;
    return any ? &baseline_block : &alone_block;
}

static void table_free(struct table *table)
{
    grid_free(&table->grid);
    free(table->blocks);
    free(table->titles);
    free(table->heads);
}

static int table_create(struct table *table)
{
    size_t curves = table->group->curve_count, columns = 1;
    table->blocks = calloc(curves, sizeof *table->blocks);
    table->titles = calloc(curves, sizeof *table->titles);
    table->heads = calloc(1 + curves * BLOCK_HEADS_MAX, sizeof *table->heads);
    if (!table->blocks || !table->titles || !table->heads)
        return -ENOMEM;
    for (size_t i = 0; i < curves; i++) {
        table->blocks[i].kind = block_kind_of(table->group, &table->group->curves[i]);
        table->blocks[i].first = columns;
        columns += table->blocks[i].kind->column_count;
        table->blocks[i].last = columns;
    }
    return grid_create(&table->grid, columns, table->group->working_set_count);
}

static void fill_block(struct table *table, size_t index)
{
    const struct curve *curve = &table->group->curves[index];
    const struct block_kind *kind = table->blocks[index].kind;
    for (size_t i = 0; i < kind->column_count; i++) {
        size_t column = table->blocks[index].first + i;
        table->grid.gaps[column] = kind->columns[i].gap;
        for (size_t row = 0; row < table->grid.rows; row++)
            kind->columns[i].cell(&curve->points[row], table->style, grid_at(&table->grid, row, column));
    }
}

static void add_heads(struct table *table, size_t index)
{
    const struct block_kind *kind = table->blocks[index].kind;
    size_t first = table->blocks[index].first;
    for (size_t i = 0; i < kind->head_count; i++) {
        struct grid_span *head = &table->heads[table->head_count++];
        *head =
            (struct grid_span){.first = first + kind->heads[i].first, .last = first + kind->heads[i].last};
        snprintf(head->text, sizeof head->text, "%s", kind->heads[i].text);
    }
    table->titles[index] =
        (struct grid_span){.first = first, .last = table->blocks[index].last, .ruled = true};
    text_clean(table->group->curves[index].title, table->style->utf8 ? TEXT_UTF8 : TEXT_ASCII,
        table->titles[index].text, sizeof table->titles[index].text);
}

static void fill(struct table *table)
{
    for (size_t row = 0; row < table->grid.rows; row++)
        put(grid_at(&table->grid, row, 0), format_size(table->group->working_sets[row]).text, INK_PLAIN);
    table->heads[table->head_count++] = (struct grid_span){.first = 0, .last = 1, .text = "working set"};
    for (size_t i = 0; i < table->group->curve_count; i++) {
        fill_block(table, i);
        add_heads(table, i);
    }
    grid_measure(&table->grid);
    for (size_t i = 0; i < table->head_count; i++)
        grid_span_fit(&table->grid, &table->heads[i]);
    for (size_t i = 0; i < table->group->curve_count; i++)
        grid_span_fit(&table->grid, &table->titles[i]);
}

/* How many curves from `from` on fit side by side: one at least. */
static size_t curves_that_fit(const struct table *table, size_t from)
{
    const struct grid *grid = &table->grid;
    unsigned used = grid->widths[0];
    size_t to = from;
    for (; to < table->group->curve_count; to++) {
        size_t first = table->blocks[to].first;
        used += grid->gaps[first] + grid_width(grid, first, table->blocks[to].last);
        if (to > from && table->style->columns && used > table->style->columns)
            break;
    }
    return to - from;
}

static void write_part(const struct table *table, size_t from, size_t to, FILE *stream)
{
    size_t first = table->blocks[from].first, last = table->blocks[to - 1].last;
    grid_spans_write(
        &table->grid, table->titles, table->group->curve_count, first, last, stream, table->style);
    grid_spans_write(&table->grid, table->heads, table->head_count, first, last, stream, table->style);
    for (size_t row = 0; row < table->grid.rows; row++)
        grid_row_write(&table->grid, row, first, last, stream, table->style);
    fputc('\n', stream);
}

static void write_group(const struct table *table, FILE *stream)
{
    char title[160];
    snprintf(title, sizeof title, "pointer chase, %s: ns per access", table->group->name);
    fputs(style_on(table->style, INK_HEADING), stream);
    text_paragraph(stream, "", title, table->style);
    fprintf(stream, "%s\n", style_off(table->style, INK_HEADING));
    for (size_t from = 0; from < table->group->curve_count;) {
        size_t count = curves_that_fit(table, from);
        write_part(table, from, from + count, stream);
        from += count;
    }
}

int table_write(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error)
{
    for (size_t i = 0; i < curves->group_count; i++) {
        struct table table = {.group = &curves->groups[i], .style = style};
        int status = table_create(&table);
        if (!status) {
            fill(&table);
            write_group(&table, stream);
            notes_write(result, table.group, stream, style);
        }
        table_free(&table);
        if (status)
            return error_set(error, -status, "not enough memory to write the table");
    }
    return 0;
}
