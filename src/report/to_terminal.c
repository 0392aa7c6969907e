#include "report/chart_terminal.h"
#include "report/formats.h"
#include "report/table_terminal.h"
#include "report/text.h"

#include <errno.h>
#include <string.h>

struct terminal {
    const struct document *document;
    FILE *stream;
    const struct report_style *style;
    struct pool pool;         /* what is needed meanwhile */
    const struct block *last; /* what was written before; NULL: nothing */
    enum block_kind bearing;  /* of facts: what they stand under */
    size_t item;              /* number of the last one */
    size_t left_out;
};

#define AFTER(kind) (1u << (kind))

/* How a kind is written, and after which ones no empty line stands in front of it: sentences of one kind, and
 * the parts of a list, stand together. */
static const struct {
    const char *first;
    enum ink ink;
    unsigned joins;
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
};

static void write_paragraph(struct terminal *terminal, const char *first, const char *text, enum ink ink)
{
    fputs(style_on(terminal->style, ink), terminal->stream);
    text_wrap(terminal->stream, first, text_cleaned(&terminal->pool, text, terminal->style),
        terminal->style->columns);
    fputs(style_off(terminal->style, ink), terminal->stream);
}

static void write_text(struct terminal *terminal, const struct block *block)
{
    enum ink ink = kinds[block->kind].ink;
    const char *first = kinds[block->kind].first;
    if (block->kind == BLOCK_FACT && (terminal->bearing == BLOCK_WARNING || terminal->bearing == BLOCK_NOTE))
        ink = kinds[terminal->bearing].ink;
    if (block->kind == BLOCK_ITEM)
        first = pool_format(&terminal->pool, "%2zu. ", ++terminal->item);
    write_paragraph(terminal, first, block->text, ink);
}

static void write_block(struct terminal *terminal, const struct block *block)
{
    if (terminal->last && !(kinds[block->kind].joins & AFTER(terminal->last->kind)))
        fputc('\n', terminal->stream);
    if (block->kind != BLOCK_FACT)
        terminal->bearing = block->kind;
    if (block->kind != BLOCK_ITEM && block->kind != BLOCK_MORE)
        terminal->item = 0;
    if (block->kind == BLOCK_TABLE) {
        if (block->table->title) {
            write_paragraph(terminal, "", block->table->title, INK_HEADING);
            fputc('\n', terminal->stream);
        }
        table_terminal(terminal->document, block->table, terminal->stream, terminal->style, &terminal->pool,
            &terminal->left_out);
    } else if (block->kind == BLOCK_CHART)
        chart_terminal(
            block->chart, terminal->document->stamp, terminal->stream, terminal->style, &terminal->pool);
    else
        write_text(terminal, block);
    terminal->last = block;
}

/* Whether anything of a block is to be written; what is left out is counted. */
static bool is_shown(struct terminal *terminal, const struct block *block)
{
    const struct table *table = block->table;
    if (block->kind == BLOCK_CHART && !chart_terminal_has(block->chart))
        return false;
    if (block->kind == BLOCK_TABLE &&
        (table->readers != TABLE_FOR_PEOPLE || !table->rows || !table->column_count))
        return false;
    if (block->detail && !terminal->style->verbose) {
        terminal->left_out++;
        return false;
    }
    bool any = block->kind != BLOCK_TABLE || terminal->style->verbose;
    for (size_t row = 0; !any && row < table->rows; row++)
        any = !table->values[row * table->column_count].detail;
    terminal->left_out += any ? 0 : table->rows;
    return any;
}

int to_terminal(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    struct terminal terminal = {.document = document, .stream = stream, .style = style};
    for (size_t i = 0; i < document->count; i++) {
        const struct block *block = &document->blocks[i];
        if (is_shown(&terminal, block))
            write_block(&terminal, block);
    }
    if (terminal.left_out) {
        if (terminal.last)
            fputc('\n', stream);
        write_paragraph(&terminal, "",
            pool_format(&terminal.pool, "%zu detail%s left out here: --verbose tells all.", terminal.left_out,
                terminal.left_out == 1 ? " is" : "s are"),
            INK_FAINT);
    }
    bool failed = terminal.pool.failed;
    pool_free(&terminal.pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the report") : 0;
}
