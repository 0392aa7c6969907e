#include "report/format.h"
#include "report/formats.h"
#include "report/text.h"

#include <string.h>

/* Cleaned, between two strings of ours, so that nothing in it has a meaning to Markdown or HTML. */
static void write_text(struct writing *writing, const char *before, const char *text, const char *after)
{
    const char *clean = text_cleaned(&writing->pool, text, &(struct report_style){.utf8 = true});
    clean += strspn(clean, " ");
    size_t length = strlen(clean), digits = strspn(clean, "0123456789");
    while (length && clean[length - 1] == ' ')
        length--;
    fputs(before, writing->stream);
    for (size_t i = 0; i < length; i++) {
        bool starts_list = i == 0 ? strchr("-+=", clean[i]) && clean[i + 1] == ' '
                                  : i == digits && strchr(".)", clean[i]) && clean[i + 1] == ' ';
        if (starts_list || strchr("\\`*_{}[]<>#|~&$", clean[i]))
            fputc('\\', writing->stream); /* CommonMark 2.4: any ASCII punctuation may be escaped */
        fputc(clean[i], writing->stream);
    }
    fputs(after, writing->stream);
}

/* A code block, in which nothing has a meaning. */
static void write_command(struct writing *writing, const char *text)
{
    fprintf(
        writing->stream, "    %s", text_cleaned(&writing->pool, text, &(struct report_style){.utf8 = true}));
}

/* A block's name stands with its first column. */
static void write_table(struct writing *writing, const struct table *table)
{
    const char *last = NULL;
    if (table->title)
        write_text(writing, "### ", table->title, "\n\n");
    fputc('|', writing->stream);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const char *head = column->head && column->head[0] ? column->head : column->key;
        if (column->block && (!last || strcmp(last, column->block) != 0))
            head = pool_format(&writing->pool, "%s (%s)", column->block, head);
        write_text(writing, " ", head, column->interval ? " | 95 % interval |" : " |");
        last = column->block;
    }
    fputs("\n|", writing->stream);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(table->columns[i].unit == UNIT_TEXT || !i ? " :--- |" : " ---: |", writing->stream);
        fputs(table->columns[i].interval ? " ---: |" : "", writing->stream);
    }
    for (size_t k = 0; k < table->column_count * table->rows; k++) {
        const struct value *value = &table->values[k];
        const struct column *column = &table->columns[k % table->column_count];
        const char *figure = format_value(&writing->pool, value, column);
        if (value->mark && value->mark[0])
            figure = pool_format(&writing->pool, "%s %s", figure, value->mark);
        write_text(writing, column == table->columns ? "\n| " : " ", figure, " |");
        if (column->interval)
            write_text(writing, " ", format_interval(&writing->pool, value, column), " |");
    }
}

/* The kind as which a block is written, since what looks alike is of one, and what stands around its text. */
static const struct {
    enum block_kind as;
    const char *before, *after;
} kinds[BLOCK_KINDS] = {
    [BLOCK_CONCLUSION] = {BLOCK_CONCLUSION, "**", "**"},
    [BLOCK_FACT] = {BLOCK_FACT, "- ", ""},
    [BLOCK_HEADING] = {BLOCK_HEADING, "### ", ""},
    [BLOCK_SENTENCE] = {BLOCK_SENTENCE, "", ""},
    [BLOCK_WARNING] = {BLOCK_CONCLUSION, "**", "**"},
    [BLOCK_NOTE] = {BLOCK_FACT, "- ", ""},
    [BLOCK_ITEM] = {BLOCK_ITEM, "", ""},
    [BLOCK_MORE] = {BLOCK_MORE, "", ""},
    [BLOCK_COMMAND] = {BLOCK_COMMAND, "", ""},
    [BLOCK_TABLE] = {BLOCK_TABLE, "", ""},
};

int to_markdown(struct writing *writing, struct error *error)
{
    const struct block *first = writing->document->blocks, *end = first + writing->document->count;
    enum block_kind last = BLOCK_KINDS;
    size_t number = 0;
    (void)error;
    for (const struct block *block = first; block < end; block++) {
        enum block_kind kind = kinds[block->kind].as;
        bool in_row = (block > first && block[-1].kind == BLOCK_SENTENCE) ||
                      (block + 1 < end && block[1].kind == BLOCK_SENTENCE);
        if (block->chart || (block->table && !table_is_for_people(block->table)))
            continue;
        if (kind == BLOCK_SENTENCE && in_row)
            kind = BLOCK_FACT; /* several one after the other are a list */
        bool in_list = last == kind ? kind == BLOCK_FACT || kind == BLOCK_ITEM
                                    : kind == BLOCK_ITEM && last == BLOCK_MORE;
        const char *between = kind == BLOCK_MORE ? " " : in_list ? "\n" : "\n\n";
        fputs(last == BLOCK_KINDS ? "" : between, writing->stream);
        last = kind;
        number = kind == BLOCK_ITEM ? number + 1 : kind == BLOCK_MORE ? number : 0;
        if (kind == BLOCK_ITEM)
            fprintf(writing->stream, "%zu. ", number);
        if (block->table)
            write_table(writing, block->table);
        else if (kind == BLOCK_COMMAND)
            write_command(writing, block->text);
        else
            write_text(writing, kinds[kind].before, block->text, kinds[kind].after);
    }
    fputs(last == BLOCK_KINDS ? "" : "\n", writing->stream);
    return 0;
}
