#include "report/formats.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

/* Cleaned; in quotes where RFC 4180 wants them. */
static void write_text(struct writing *writing, const char *text)
{
    const char *clean = text_cleaned(&writing->pool, text, &(struct report_style){.utf8 = true});
    const char *quote = clean[strcspn(clean, ",\"")] ? "\"" : "";
    fputs(quote, writing->stream);
    for (; *clean; clean++)
        fprintf(writing->stream, *clean == '"' ? "\"%c" : "%c", *clean);
    fputs(quote, writing->stream);
}

/* Nothing for what is not known. Whole numbers of bytes and of things are written with all their digits. */
static void write_number(FILE *stream, enum unit unit, double number, const char *before)
{
    bool whole = (unit == UNIT_BYTES || unit == UNIT_COUNT) && number == floor(number) && fabs(number) < 1e18;
    fputs(before, stream);
    if (isfinite(number) && unit == UNIT_YES_NO)
        fputs(number > 0 ? "true" : "false", stream);
    else if (isfinite(number))
        fprintf(stream, whole ? "%.0f" : "%.10g", number);
}

static void write_table(struct writing *writing, const struct table *table)
{
    FILE *stream = writing->stream;
    const struct column *columns = table->columns;
    for (size_t i = 0; i < table->column_count; i++) {
        fprintf(stream, "%s%s", i ? "," : "", columns[i].key);
        if (columns[i].interval)
            fprintf(stream, ",%s_low,%s_high", columns[i].key, columns[i].key);
    }
    for (size_t k = 0; k < table->column_count * table->rows; k++) {
        const struct value *value = &table->values[k];
        size_t i = k % table->column_count;
        fputc(i ? ',' : '\n', stream);
        if (value->unit == UNIT_TEXT)
            write_text(writing, value->text);
        else
            write_number(stream, value->unit, value->number, "");
        if (columns[i].interval) {
            write_number(stream, value->unit, value->low, ",");
            write_number(stream, value->unit, value->high, ",");
        }
    }
    fputc('\n', stream);
}

int to_csv(struct writing *writing, struct error *error)
{
    const struct document *document = writing->document;
    enum table_readers readers = TABLE_FOR_PEOPLE;
    const char *between = "";
    (void)error;
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].table && document->blocks[i].table->readers == TABLE_FOR_FILES)
            readers = TABLE_FOR_FILES;
    for (size_t i = 0; i < document->count; i++) {
        const struct table *table = document->blocks[i].table;
        if (!table || table->readers != readers)
            continue;
        fputs(between, writing->stream);
        between = "\n";
        write_table(writing, table);
    }
    return 0;
}
