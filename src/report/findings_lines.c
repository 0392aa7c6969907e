#include "report/findings_lines.h"

#include "report/format.h"
#include "report/grid.h"
#include "report/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char lines_title[] = "lines packed, scattered, and one in each page of 4 KiB: ns per access";

static const struct {
    const char *head;
    enum chase_order order;
    uint64_t page_bytes;
} curves[LINES_COLUMNS_MAX] = {
    {"packed", CHASE_PACKED, 2 << 20},
    {"scattered", CHASE_SCATTERED, 2 << 20},
    {"in 4K pages", CHASE_LINE_PER_PAGE, 4096},
    {"in 2M pages", CHASE_LINE_PER_PAGE, 2 << 20},
};

static bool is_native(const struct cell *cell, enum chase_order order)
{
    return !cell->event.name && !strcmp(cell->monitor, "native") && cell->chase.order == order;
}

static double figure(const struct result *result, size_t curve, uint64_t bytes)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct cell *cell = &result->cells[i].cell;
        if (is_native(cell, curves[curve].order) && cell->host_page_bytes == curves[curve].page_bytes &&
            cell->chase.working_set_bytes == bytes)
            return result->cells[i].median;
    }
    return NAN;
}

static int compare_sizes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The working sets of line-per-page, ascending, each once. Returns how many. */
static size_t working_sets(const struct result *result, uint64_t *bytes)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < result->cell_count; i++)
        if (is_native(&result->cells[i].cell, CHASE_LINE_PER_PAGE))
            bytes[count++] = result->cells[i].cell.chase.working_set_bytes;
    qsort(bytes, count, sizeof *bytes, compare_sizes);
    for (size_t i = 0; i < count; i++)
        if (!kept || bytes[kept - 1] != bytes[i])
            bytes[kept++] = bytes[i];
    return kept;
}

/* Every so many, so that they fit and the last is one of them. */
static void choose_rows(
    const struct result *result, const uint64_t *bytes, size_t count, struct lines_table *table)
{
    size_t step = (count + LINES_ROWS_MAX - 1) / LINES_ROWS_MAX;
    for (size_t i = step ? (count - 1) % step : 0; i < count; i += step) {
        table->lines[table->rows] = bytes[i] / CHASE_PAGE_BYTES;
        for (size_t curve = 0; curve < LINES_COLUMNS_MAX; curve++)
            table->ns[table->rows][curve] = figure(result, curve, bytes[i]);
        table->rows++;
    }
}

static void drop_empty_columns(struct lines_table *table)
{
    for (size_t curve = 0; curve < LINES_COLUMNS_MAX; curve++) {
        bool any = false;
        for (size_t row = 0; row < table->rows; row++) {
            any |= isfinite(table->ns[row][curve]) != 0;
            table->ns[row][table->columns] = table->ns[row][curve];
        }
        table->heads[table->columns] = curves[curve].head;
        table->columns += any;
    }
    if (!table->columns)
        table->rows = 0;
}

int lines_table_make(const struct result *result, struct lines_table *table, struct error *error)
{
    uint64_t *bytes = calloc(result->cell_count + 1, sizeof *bytes);
    if (!bytes)
        return error_set(error, ENOMEM, "not enough memory to write the table of lines");
    *table = (struct lines_table){0};
    choose_rows(result, bytes, working_sets(result, bytes), table);
    drop_empty_columns(table);
    free(bytes);
    return 0;
}

static void put(struct grid_cell *cell, const char *text, enum ink ink)
{
    snprintf(cell->text, sizeof cell->text, "%s", text);
    cell->ink = ink;
}

static void fill(struct grid *grid, const struct lines_table *table)
{
    put(grid_at(grid, 0, 0), "lines", INK_FAINT);
    for (size_t column = 0; column < table->columns; column++)
        put(grid_at(grid, 0, column + 1), table->heads[column], INK_FAINT);
    for (size_t row = 0; row < table->rows; row++) {
        put(grid_at(grid, row + 1, 0), format_count(table->lines[row]).text, INK_PLAIN);
        for (size_t column = 0; column < table->columns; column++)
            put(grid_at(grid, row + 1, column + 1), format_ns(table->ns[row][column]).text, INK_PLAIN);
    }
    grid->gaps[0] = 2;
    grid_measure(grid);
}

int findings_lines_write(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error)
{
    struct lines_table table;
    struct grid grid;
    int rc = lines_table_make(result, &table, error);
    if (rc < 0 || !table.rows)
        return rc;
    if (grid_create(&grid, table.columns + 1, table.rows + 1))
        return error_set(error, ENOMEM, "not enough memory to write the table of lines");
    fill(&grid, &table);
    fputs(style_on(style, INK_HEADING), stream);
    text_paragraph(stream, "", lines_title, style);
    fprintf(stream, "%s\n", style_off(style, INK_HEADING));
    for (size_t row = 0; row < grid.rows; row++)
        grid_row_write(&grid, row, 1, grid.columns, stream, style);
    fputc('\n', stream);
    grid_free(&grid);
    return 0;
}
