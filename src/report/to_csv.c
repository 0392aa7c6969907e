#include "report/formats.h"
#include "report/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A field, cleaned; in quotes where RFC 4180 wants them. */
static void write_field(FILE *stream, struct pool *pool, const char *text)
{
    const char *clean = text_cleaned(pool, text, &(struct report_style){.utf8 = true});
    const char *quote = clean[strcspn(clean, ",\"")] ? "\"" : "";
    fputs(quote, stream);
    for (; *clean; clean++)
        fprintf(stream, *clean == '"' ? "\"%c" : "%c", *clean);
    fputs(quote, stream);
}

/* Nothing for what is not known. Whole numbers of bytes and of things are written with all their digits. */
static void write_number(FILE *stream, enum unit unit, double number, const char *before)
{
    fputs(before, stream);
    if (!isfinite(number))
        return;
    if (unit == UNIT_YES_NO)
        fputs(number > 0 ? "true" : "false", stream);
    else if ((unit == UNIT_BYTES || unit == UNIT_COUNT) && number == floor(number) && fabs(number) < 1e18)
        fprintf(stream, "%.0f", number);
    else
        fprintf(stream, "%.10g", number);
}

static void write_head(FILE *stream, const struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *key = table->columns[i].key;
        fprintf(stream, "%s%s", i ? "," : "", key);
        if (table->columns[i].interval)
            fprintf(stream, ",%s_low,%s_high", key, key);
    }
    fputc('\n', stream);
}

static void write_row(FILE *stream, struct pool *pool, const struct table *table, size_t row)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct value *value = &table->values[row * table->column_count + i];
        if (i)
            fputc(',', stream);
        if (value->unit == UNIT_TEXT)
            write_field(stream, pool, value->text);
        else
            write_number(stream, value->unit, value->number, "");
        if (table->columns[i].interval) {
            write_number(stream, value->unit, value->low, ",");
            write_number(stream, value->unit, value->high, ",");
        }
    }
    fputc('\n', stream);
}

int to_csv(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    enum table_readers readers = TABLE_FOR_PEOPLE;
    struct pool pool = {0};
    bool any = false;
    (void)style;
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_TABLE && document->blocks[i].table->readers == TABLE_FOR_FILES)
            readers = TABLE_FOR_FILES;
    for (size_t i = 0; i < document->count; i++) {
        const struct table *table = document->blocks[i].table;
        if (document->blocks[i].kind != BLOCK_TABLE || table->readers != readers)
            continue;
        if (any)
            fputc('\n', stream);
        any = true;
        write_head(stream, table);
        for (size_t row = 0; row < table->rows; row++)
            write_row(stream, &pool, table, row);
    }
    bool failed = pool.failed;
    pool_free(&pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the table") : 0;
}
