#include "report/formats.h"
#include "report/text.h"

#define AFTER(kind) (1u << (kind))

/* How a kind is written, and after which ones no empty line stands in front of it: sentences of one kind, and
 * the parts of a list, stand together. */
static const struct {
    const char *first;
    enum ink ink;
    unsigned joins;
    bool unbroken;
} kinds[BLOCK_KINDS] = {
    [BLOCK_CONCLUSION] = {"", INK_HEADING, AFTER(BLOCK_CONCLUSION)},
    [BLOCK_FACT] = {"  ", INK_PLAIN,
        AFTER(BLOCK_FACT) | AFTER(BLOCK_SENTENCE) | AFTER(BLOCK_WARNING) | AFTER(BLOCK_NOTE)},
    [BLOCK_HEADING] = {"", INK_HEADING, 0},
    [BLOCK_SENTENCE] = {"", INK_PLAIN, AFTER(BLOCK_SENTENCE)},
    [BLOCK_WARNING] = {"", INK_WARNING, AFTER(BLOCK_WARNING)},
    [BLOCK_NOTE] = {"", INK_FAINT, AFTER(BLOCK_NOTE)},
    [BLOCK_ITEM] = {"", INK_PLAIN, AFTER(BLOCK_ITEM) | AFTER(BLOCK_MORE)},
    [BLOCK_MORE] = {"    ", INK_PLAIN, ~0u},
    [BLOCK_COMMAND] = {"    ", INK_PLAIN, AFTER(BLOCK_SENTENCE), .unbroken = true},
};

void paragraph_terminal(
    struct writing *writing, unsigned columns, const char *first, const char *text, enum ink ink)
{
    fputs(style_on(writing->style, ink), writing->stream);
    text_wrap(writing->stream, first, text_cleaned(&writing->pool, text, writing->style), columns);
    fputs(style_off(writing->style, ink), writing->stream);
}

/* Whether anything of a block is to be written; details that are left out are counted. */
static bool is_shown(const struct writing *writing, const struct block *block, size_t *left_out)
{
    const struct table *table = block->table;
    struct span span;
    if (table ? !table_is_for_people(table)
              : block->chart && !chart_ranges(block->chart, false, &span, &span))
        return false;
    bool shown = writing->style->verbose || (!block->detail && !table);
    for (size_t row = 0; !shown && !block->detail && row < table->rows; row++)
        shown = !table->values[row * table->column_count].detail;
    if (!shown)
        *left_out += block->detail ? 1 : table->rows;
    return shown;
}

int to_terminal(struct writing *writing, struct error *error)
{
    const struct block *last = NULL;
    enum block_kind bearing = BLOCK_KINDS; /* what facts stand under */
    size_t item = 0, left_out = 0;
    (void)error;
    for (size_t i = 0; i < writing->document->count; i++) {
        const struct block *block = &writing->document->blocks[i];
        const char *first = kinds[block->kind].first;
        enum ink ink = kinds[block->kind].ink;
        if (!is_shown(writing, block, &left_out))
            continue;
        if (last && !(kinds[block->kind].joins & AFTER(last->kind)))
            fputc('\n', writing->stream);
        last = block;
        if (block->kind != BLOCK_FACT)
            bearing = block->kind;
        else if (bearing == BLOCK_WARNING || bearing == BLOCK_NOTE)
            ink = kinds[bearing].ink;
        if (block->kind == BLOCK_ITEM)
            first = pool_format(&writing->pool, "%2zu. ", ++item);
        else if (block->kind != BLOCK_MORE)
            item = 0;
        if (block->table)
            left_out += table_terminal(writing, block->table);
        else if (block->chart)
            chart_terminal(writing, block->chart, writing->document->stamp);
        else
            paragraph_terminal(
                writing, kinds[block->kind].unbroken ? 0 : writing->style->columns, first, block->text, ink);
    }
    fputs(left_out && last ? "\n" : "", writing->stream);
    if (left_out)
        paragraph_terminal(writing, writing->style->columns, "",
            pool_format(&writing->pool, "%zu detail%s left out here: --verbose tells all.", left_out,
                left_out == 1 ? " is" : "s are"),
            INK_FAINT);
    return 0;
}
