#include "report/format.h"
#include "report/formats.h"
#include "report/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const struct report_style plain_style = {.utf8 = true};

/* Writes text, cleaned, so that nothing in it has a meaning to Markdown or HTML. */
static void write_text(FILE *stream, struct pool *pool, const char *text)
{
    const char *clean = text_cleaned(pool, text, &plain_style);
    clean += strspn(clean, " ");
    size_t length = strlen(clean), digits = strspn(clean, "0123456789");
    while (length && clean[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < length; i++) {
        bool starts_list = i == 0 ? strchr("-+=", clean[i]) && clean[i + 1] == ' '
                                  : i == digits && strchr(".)", clean[i]) && clean[i + 1] == ' ';
        if (starts_list || strchr("\\`*_{}[]<>#|~&$", clean[i]))
            fputc('\\', stream); /* CommonMark 2.4: any ASCII punctuation may be escaped */
        fputc(clean[i], stream);
    }
}

/* ---- tables ---- */

static void write_cell(FILE *stream, struct pool *pool, const char *text)
{
    fputc(' ', stream);
    write_text(stream, pool, text);
    fputs(" |", stream);
}

/* The block's name stands with its first column. */
static const char *head_of(struct pool *pool, const struct table *table, size_t i)
{
    const struct column *column = &table->columns[i];
    const char *head = column->head && column->head[0] ? column->head : column->key;
    const char *before = i ? table->columns[i - 1].block : NULL;
    if (!column->block || (before && !strcmp(before, column->block)))
        return head;
    return pool_format(pool, "%s (%s)", column->block, head);
}

static void write_row(FILE *stream, struct pool *pool, const struct table *table, size_t row)
{
    fputs("\n|", stream);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const struct value *value = &table->values[row * table->column_count + i];
        const char *figure = format_value(pool, value, column);
        bool marked = value->mark && value->mark[0];
        write_cell(stream, pool, marked ? pool_format(pool, "%s %s", figure, value->mark) : figure);
        if (column->interval)
            write_cell(stream, pool, format_interval(pool, value, column));
    }
}

static void write_table(FILE *stream, struct pool *pool, const struct table *table)
{
    if (table->title) {
        fputs("### ", stream);
        write_text(stream, pool, table->title);
        fputs("\n\n", stream);
    }
    fputc('|', stream);
    for (size_t i = 0; i < table->column_count; i++) {
        write_cell(stream, pool, head_of(pool, table, i));
        if (table->columns[i].interval)
            write_cell(stream, pool, "95 % interval");
    }
    fputs("\n|", stream);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(table->columns[i].unit == UNIT_TEXT || !i ? " :--- |" : " ---: |", stream);
        fputs(table->columns[i].interval ? " ---: |" : "", stream);
    }
    for (size_t row = 0; row < table->rows; row++)
        write_row(stream, pool, table, row);
}

/* ---- the rest ---- */

static bool is_sentence(const struct document *document, size_t i)
{
    return i < document->count && document->blocks[i].kind == BLOCK_SENTENCE;
}

/* The kind as which a block is written: what looks alike is of one kind. BLOCK_KINDS: not at all. */
static enum block_kind written_as(const struct document *document, size_t i)
{
    const struct block *block = &document->blocks[i];
    bool in_row = (i && is_sentence(document, i - 1)) || is_sentence(document, i + 1);
    bool empty =
        block->kind == BLOCK_TABLE && (block->table->readers != TABLE_FOR_PEOPLE || !block->table->rows);
    switch (block->kind) {
    case BLOCK_WARNING:
        return BLOCK_CONCLUSION;
    case BLOCK_NOTE:
        return BLOCK_FACT;
    case BLOCK_SENTENCE:
        return in_row ? BLOCK_FACT : BLOCK_SENTENCE; /* several one after the other are a list */
    case BLOCK_CHART:
        return BLOCK_KINDS;
    default:
        return empty ? BLOCK_KINDS : block->kind;
    }
}

static const char *between(enum block_kind last, enum block_kind next)
{
    if (last == BLOCK_KINDS)
        return "";
    if (next == BLOCK_MORE)
        return " ";
    bool in_list =
        (next == BLOCK_FACT && last == next) || (next == BLOCK_ITEM && (last == next || last == BLOCK_MORE));
    return in_list ? "\n" : "\n\n";
}

int to_markdown(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    static const char *const before[BLOCK_KINDS] = {
        [BLOCK_CONCLUSION] = "**", [BLOCK_FACT] = "- ", [BLOCK_HEADING] = "### "};
    struct pool pool = {0};
    enum block_kind last = BLOCK_KINDS;
    size_t number = 0;
    (void)style;
    for (size_t i = 0; i < document->count; i++) {
        enum block_kind kind = written_as(document, i);
        if (kind == BLOCK_KINDS)
            continue;
        fputs(between(last, kind), stream);
        last = kind;
        number = kind == BLOCK_ITEM ? number + 1 : kind == BLOCK_MORE ? number : 0;
        if (kind == BLOCK_TABLE) {
            write_table(stream, &pool, document->blocks[i].table);
            continue;
        }
        if (kind == BLOCK_ITEM)
            fprintf(stream, "%zu. ", number);
        fputs(before[kind] ? before[kind] : "", stream);
        write_text(stream, &pool, document->blocks[i].text);
        fputs(kind == BLOCK_CONCLUSION ? "**" : "", stream);
    }
    fputs(last == BLOCK_KINDS ? "" : "\n", stream);
    bool failed = pool.failed;
    pool_free(&pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the report") : 0;
}
