#include "report/format.h"
#include "report/formats.h"
#include "report/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* How a block is written. */
enum shape {
    SHAPE_NOTHING,
    SHAPE_HEADING,
    SHAPE_PARAGRAPH,
    SHAPE_STRONG,
    SHAPE_BULLET,
    SHAPE_NUMBER,
    SHAPE_MORE,
    SHAPE_TABLE
};

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
        fputs(table->columns[i].unit == UNIT_TEXT && i ? " :--- |" : i ? " ---: |" : " :--- |", stream);
        if (table->columns[i].interval)
            fputs(" ---: |", stream);
    }
    for (size_t row = 0; row < table->rows; row++)
        write_row(stream, pool, table, row);
}

/* ---- the rest ---- */

static bool is_sentence(const struct document *document, size_t i)
{
    return i < document->count && document->blocks[i].kind == BLOCK_SENTENCE;
}

static enum shape shape_of(const struct document *document, size_t i)
{
    static const enum shape shapes[BLOCK_KINDS] = {
        [BLOCK_CONCLUSION] = SHAPE_STRONG,
        [BLOCK_FACT] = SHAPE_BULLET,
        [BLOCK_HEADING] = SHAPE_HEADING,
        [BLOCK_SENTENCE] = SHAPE_PARAGRAPH,
        [BLOCK_WARNING] = SHAPE_STRONG,
        [BLOCK_NOTE] = SHAPE_BULLET,
        [BLOCK_ITEM] = SHAPE_NUMBER,
        [BLOCK_MORE] = SHAPE_MORE,
        [BLOCK_TABLE] = SHAPE_TABLE,
    };
    const struct block *block = &document->blocks[i];
    if (block->kind == BLOCK_CHART ||
        (block->kind == BLOCK_TABLE && (block->table->readers != TABLE_FOR_PEOPLE || !block->table->rows)))
        return SHAPE_NOTHING;
    if (block->kind == BLOCK_SENTENCE &&
        ((i && is_sentence(document, i - 1)) || is_sentence(document, i + 1)))
        return SHAPE_BULLET; /* several one after the other are a list */
    return shapes[block->kind];
}

static const char *between(enum shape last, enum shape next)
{
    if (last == SHAPE_NOTHING)
        return "";
    if (next == SHAPE_MORE)
        return " ";
    bool in_list = (next == SHAPE_BULLET && last == SHAPE_BULLET) ||
                   (next == SHAPE_NUMBER && (last == SHAPE_NUMBER || last == SHAPE_MORE));
    return in_list ? "\n" : "\n\n";
}

int to_markdown(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    static const char *const before[] = {
        [SHAPE_HEADING] = "### ", [SHAPE_STRONG] = "**", [SHAPE_BULLET] = "- "};
    struct pool pool = {0};
    enum shape last = SHAPE_NOTHING;
    size_t number = 0;
    (void)style;
    for (size_t i = 0; i < document->count; i++) {
        enum shape shape = shape_of(document, i);
        if (shape == SHAPE_NOTHING)
            continue;
        fputs(between(last, shape), stream);
        number = shape == SHAPE_NUMBER ? number + 1 : shape == SHAPE_MORE ? number : 0;
        last = shape;
        if (shape == SHAPE_TABLE) {
            write_table(stream, &pool, document->blocks[i].table);
            continue;
        }
        if (shape == SHAPE_NUMBER)
            fprintf(stream, "%zu. ", number);
        else if (shape < SHAPE_NUMBER && before[shape])
            fputs(before[shape], stream);
        write_text(stream, &pool, document->blocks[i].text);
        if (shape == SHAPE_STRONG)
            fputs("**", stream);
    }
    if (last != SHAPE_NOTHING)
        fputc('\n', stream);
    bool failed = pool.failed;
    pool_free(&pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the report") : 0;
}
