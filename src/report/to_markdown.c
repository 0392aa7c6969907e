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

/* The kind as which a block is written: what looks alike is of one kind. BLOCK_KINDS: not at all. */
static enum block_kind written_as(const struct document *document, size_t i)
{
    const struct block *block = &document->blocks[i];
    bool in_row = (i && block[-1].kind == BLOCK_SENTENCE) ||
                  (i + 1 < document->count && block[1].kind == BLOCK_SENTENCE);
    switch (block->kind) {
    case BLOCK_WARNING:
        return BLOCK_CONCLUSION;
    case BLOCK_NOTE:
        return BLOCK_FACT;
    case BLOCK_SENTENCE:
        return in_row ? BLOCK_FACT : BLOCK_SENTENCE; /* several one after the other are a list */
    case BLOCK_TABLE:
        return table_is_for_people(block->table) ? BLOCK_TABLE : BLOCK_KINDS;
    case BLOCK_CHART:
        return BLOCK_KINDS;
    default:
        return block->kind;
    }
}

int to_markdown(struct writing *writing, struct error *error)
{
    static const char *const before[BLOCK_KINDS] = {[BLOCK_CONCLUSION] = "**",
        [BLOCK_FACT] = "- ",
        [BLOCK_HEADING] = "### ",
        [BLOCK_SENTENCE] = "",
        [BLOCK_MORE] = ""};
    enum block_kind last = BLOCK_KINDS;
    size_t number = 0;
    (void)error;
    for (size_t i = 0; i < writing->document->count; i++) {
        const struct block *block = &writing->document->blocks[i];
        enum block_kind kind = written_as(writing->document, i);
        if (kind == BLOCK_KINDS)
            continue;
        bool in_list = last == kind ? kind == BLOCK_FACT || kind == BLOCK_ITEM
                                    : kind == BLOCK_ITEM && last == BLOCK_MORE;
        const char *between = kind == BLOCK_MORE ? " " : in_list ? "\n" : "\n\n";
        fputs(last == BLOCK_KINDS ? "" : between, writing->stream);
        last = kind;
        number = kind == BLOCK_ITEM ? number + 1 : kind == BLOCK_MORE ? number : 0;
        if (kind == BLOCK_TABLE)
            write_table(writing, block->table);
        else if (kind == BLOCK_ITEM)
            write_text(writing, pool_format(&writing->pool, "%zu. ", number), block->text, "");
        else
            write_text(writing, before[kind], block->text, kind == BLOCK_CONCLUSION ? "**" : "");
    }
    fputs(last == BLOCK_KINDS ? "" : "\n", writing->stream);
    return 0;
}
