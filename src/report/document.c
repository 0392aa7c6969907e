#include "report/formats.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

void document_free(struct document *document)
{
    pool_free(&document->pool);
    *document = (struct document){0};
}

/* At the end; false without memory. */
static bool add_block(struct document *document, struct block block)
{
    struct block *blocks =
        pool_grow(&document->pool, document->blocks, document->count, &document->room, sizeof *blocks);
    if (!blocks)
        return false;
    document->blocks = blocks;
    blocks[document->count] = block;
    blocks[document->count++].detail = document->detail;
    return true;
}

void document_say(struct document *document, enum block_kind kind, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add_block(document, (struct block){.kind = kind, .text = pool_vformat(&document->pool, format, list)});
    va_end(list);
}

void document_details(struct document *document, bool details)
{
    document->detail = details;
}

const char *document_text(struct document *document, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = pool_vformat(&document->pool, format, list);
    va_end(list);
    return text;
}

/* ---- tables ---- */

struct table *document_table(struct document *document, const char *name, const char *title,
    const struct column *columns, size_t column_count, size_t rows)
{
    struct table *table = pool_room(&document->pool, 1, sizeof *table);
    struct column *copy = pool_room(&document->pool, column_count, sizeof *copy);
    struct value *values = pool_room(&document->pool, column_count * rows, sizeof *values);
    if (!table || !copy || (!values && rows))
        return NULL;
    memcpy(copy, columns, column_count * sizeof *copy);
    for (size_t i = 0; i < column_count * rows; i++)
        values[i] = (struct value){copy[i % column_count].unit, NAN, NAN, NAN, .text = NULL};
    *table = (struct table){.name = name,
        .title = pool_text(&document->pool, title),
        .columns = copy,
        .column_count = column_count,
        .rows = rows,
        .values = values};
    return add_block(document, (struct block){BLOCK_TABLE, .table = table}) ? table : NULL;
}

struct value *table_at(struct table *table, size_t row, size_t column)
{
    static struct value lost;
    return table ? &table->values[row * table->column_count + column] : &lost;
}

void table_number(struct table *table, size_t row, size_t column, double number)
{
    table_at(table, row, column)->number = number;
}

void table_interval(struct table *table, size_t row, size_t column, double number, double low, double high)
{
    struct value *value = table_at(table, row, column);
    value->number = number;
    value->low = low;
    value->high = high;
}

void table_text(struct table *table, size_t row, size_t column, const char *text)
{
    table_at(table, row, column)->text = text;
}

bool table_is_for_people(const struct table *table)
{
    return table->readers == TABLE_FOR_PEOPLE && table->rows && table->column_count;
}

/* ---- charts ---- */

struct chart *document_chart(
    struct document *document, enum chart_kind kind, const char *name, const char *title)
{
    struct chart *chart = pool_room(&document->pool, 1, sizeof *chart);
    if (!chart)
        return NULL;
    *chart = (struct chart){name, pool_text(&document->pool, title), kind, .rule = NAN};
    return add_block(document, (struct block){BLOCK_CHART, .chart = chart}) ? chart : NULL;
}

struct chart_series *chart_series(
    struct document *document, struct chart *chart, const char *name, size_t count)
{
    struct chart_point *points = pool_room(&document->pool, count, sizeof *points);
    struct chart_series *all = NULL;
    if (chart && (points || !count))
        all =
            pool_grow(&document->pool, chart->series, chart->series_count, &chart->series_room, sizeof *all);
    if (!all)
        return NULL;
    for (size_t i = 0; i < count; i++)
        points[i] = (struct chart_point){NAN, NAN, NAN, NAN, NULL};
    chart->series = all;
    all[chart->series_count] =
        (struct chart_series){.name = pool_text(&document->pool, name), .points = points, .count = count};
    return &all[chart->series_count++];
}

void chart_mark(struct document *document, struct chart *chart, enum chart_mark_kind kind, double from,
    double to, const char *label)
{
    struct chart_mark *all = NULL;
    if (chart)
        all = pool_grow(&document->pool, chart->marks, chart->mark_count, &chart->mark_room, sizeof *all);
    if (!all)
        return;
    size_t at = chart->mark_count++;
    for (; at && all[at - 1].from > from; at--)
        all[at] = all[at - 1];
    all[at] = (struct chart_mark){from, to, pool_text(&document->pool, label), kind};
    chart->marks = all;
}

/* ---- formats ---- */

static const struct format formats[] = {
    {"terminal", NULL, "for people, as the commands write it", to_terminal, NULL},
    {"markdown", ".md", "for GitHub and its kin", to_markdown, NULL},
    {"csv", ".csv", "the figures, comma-separated", to_csv, NULL},
    {"html", ".html", "one page for a browser, with pictures and data", to_html, NULL},
    {"svg", ".svg", "the pictures", to_svg, NULL},
    {"png", ".png", "the pictures in dots", to_png, to_png_check},
};

const struct format *format_at(size_t index)
{
    return index < sizeof formats / sizeof *formats ? &formats[index] : NULL;
}

const struct format *format_named(const char *name)
{
    const struct format *format = formats;
    while (format && strcmp(format->name, name) != 0)
        format = format_at((size_t)(format - formats) + 1);
    return format;
}

const struct format *format_of_path(const char *path)
{
    for (size_t i = 0; format_at(i); i++) {
        const char *extension = formats[i].extension, *end = path + strlen(path);
        if (extension && strlen(path) > strlen(extension) && !strcmp(end - strlen(extension), extension))
            return &formats[i];
    }
    return NULL;
}

int document_write(const struct document *document, const struct format *format, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct writing writing = {document, stream, style, {.failed = document->pool.failed}};
    int status = writing.pool.failed ? 0 : format->write(&writing, error);
    if (!status && writing.pool.failed)
        status = error_set(error, ENOMEM, "not enough memory for the report");
    pool_free(&writing.pool);
    return status;
}
