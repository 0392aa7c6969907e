#include "report/document.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

void document_free(struct document *document)
{
    pool_free(&document->pool);
    *document = (struct document){0};
}

/* A new block at the end; NULL without memory. */
static struct block *add(struct document *document, enum block_kind kind)
{
    struct block *blocks =
        pool_grow(&document->pool, document->blocks, document->count, &document->room, sizeof *blocks);
    if (!blocks)
        return NULL;
    document->blocks = blocks;
    blocks[document->count] = (struct block){.kind = kind, .detail = document->detail};
    return &blocks[document->count++];
}

void document_say(struct document *document, enum block_kind kind, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = pool_vformat(&document->pool, format, list);
    va_end(list);
    struct block *block = add(document, kind);
    if (block)
        block->text = text;
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
    struct block *block = table && copy && (values || !rows) ? add(document, BLOCK_TABLE) : NULL;
    if (!block)
        return NULL;
    memcpy(copy, columns, column_count * sizeof *copy);
    for (size_t i = 0; i < column_count * rows; i++)
        values[i] =
            (struct value){.unit = copy[i % column_count].unit, .number = NAN, .low = NAN, .high = NAN};
    *table = (struct table){.name = name,
        .title = pool_text(&document->pool, title),
        .columns = copy,
        .column_count = column_count,
        .rows = rows,
        .values = values};
    block->table = table;
    return table;
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

/* ---- charts ---- */

struct chart *document_chart(
    struct document *document, enum chart_kind kind, const char *name, const char *title)
{
    struct chart *chart = pool_room(&document->pool, 1, sizeof *chart);
    struct block *block = chart ? add(document, BLOCK_CHART) : NULL;
    if (!block)
        return NULL;
    *chart =
        (struct chart){.name = name, .title = pool_text(&document->pool, title), .kind = kind, .rule = NAN};
    block->chart = chart;
    return chart;
}

/* ---- formats ---- */

int document_write(const struct document *document, const struct format *format, FILE *stream,
    const struct report_style *style, struct error *error)
{
    if (document->pool.failed)
        return error_set(error, ENOMEM, "not enough memory for the report");
    return format->write(document, stream, style, error);
}
