/* A page that stands alone: no reference to anything outside, and a Content-Security-Policy that allows no
 * more than its own style and script, by their hashes. It is read from top to bottom without the script. */
#include "base/packed.h"
#include "report/chart_svg.h"
#include "report/format.h"
#include "report/formats.h"
#include "report/markup.h"
#include "report/page_assets.h"
#include "result/read.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    HEADINGS_FEW = 3,     /* more get a table of contents */
    PLAIN_MOST = 1 << 20, /* bytes of JSON that stand in the page as they are */
};

struct page {
    FILE *stream;
    const struct document *document;
    size_t charts, headings;
    enum block_kind list; /* whose is open; BLOCK_SENTENCE: none */
    bool folded;          /* an element <details> is open */
};

/* ---- tables ---- */

static const char *const tones[] = {[TONE_PLAIN] = "",
    [TONE_FAINT] = " faint",
    [TONE_WARNING] = " warn",
    [TONE_SLOWER] = " slower",
    [TONE_FASTER] = " faster"};

/* A table, and which of its columns have one for their interval behind them: those of numbers that have any
 * (beside words the interval stands in the same cell). */
struct grid {
    const struct table *table;
    const char *name;
    bool *interval;
    FILE *stream;
    struct pool pool; /* of what is needed meanwhile */
};

static const struct value *value_at(const struct grid *grid, size_t row, size_t column)
{
    return &grid->table->values[row * grid->table->column_count + column];
}

static bool find_intervals(struct grid *grid)
{
    struct formatted low, high;
    grid->interval = pool_room(&grid->pool, grid->table->column_count, sizeof *grid->interval);
    for (size_t i = 0; grid->interval && i < grid->table->column_count; i++) {
        const struct column *column = &grid->table->columns[i];
        for (size_t row = 0; column->interval && column->unit != UNIT_TEXT && row < grid->table->rows; row++)
            grid->interval[i] |= format_ends(value_at(grid, row, i), column, &low, &high);
    }
    return grid->interval;
}

/* Neighbouring columns of the same block stand under its heading, which may be none. */
static void put_blocks(const struct grid *grid)
{
    const struct column *columns = grid->table->columns;
    size_t count = grid->table->column_count, next = 0;
    while (next < count && !columns[next].block)
        next++;
    if (next == count)
        return;
    markup(grid->stream, "<tr>");
    for (size_t i = 0; i < count; i = next) {
        const char *block = columns[i].block ? columns[i].block : "";
        size_t wide = 0;
        for (next = i; next < count && !strcmp(block, columns[next].block ? columns[next].block : ""); next++)
            wide += 1 + grid->interval[next];
        if (block[0])
            markup(grid->stream, "<th scope=colgroup colspan=%zu>%s</th>", wide, block);
        else
            markup(grid->stream, "<td colspan=%zu></td>", wide);
    }
    markup(grid->stream, "</tr>\n");
}

static const char *align_of(const struct column *column)
{
    return column->below ? "t below" : column->unit == UNIT_TEXT ? "t" : "";
}

static void put_heads(const struct grid *grid)
{
    put_blocks(grid);
    markup(grid->stream, "<tr>");
    for (size_t i = 0; i < grid->table->column_count; i++) {
        const struct column *column = &grid->table->columns[i];
        markup(grid->stream, align_of(column)[0] ? "<th scope=col class=t>" : "<th scope=col>");
        markup(grid->stream, "%s</th>", column->head && column->head[0] ? column->head : column->key);
        if (grid->interval[i])
            markup(grid->stream, "<th scope=col>95 %% interval</th>");
    }
    markup(grid->stream, "</tr>\n");
}

/* What opens a cell: its classes, its number for sorting, and why it is as it is. */
static void open_cell(
    FILE *stream, const char *element, const char *align, const struct value *value, double number)
{
    const char *tone = tones[value->tone];
    fputs(element, stream);
    if (align[0] || tone[0])
        markup(stream, " class=\"%s%s\"", align, tone);
    if (isfinite(number) && value->unit != UNIT_TEXT)
        fprintf(stream, " data-v=%.6g", number);
    if (value->why && value->why[0])
        markup(stream, " title=\"%s\"", value->why);
    fputc('>', stream);
}

static void put_value(struct grid *grid, size_t row, size_t i)
{
    const struct column *column = &grid->table->columns[i];
    const struct value *value = value_at(grid, row, i);
    struct formatted low, high;
    open_cell(grid->stream, i ? "<td" : "<th scope=row", align_of(column), value, value->number);
    if (!column->below || value->text)
        markup(grid->stream, "%s", format_value(&grid->pool, value, column));
    if (value->mark && value->mark[0])
        markup(grid->stream, "<i>%s</i>", value->mark);
    if (column->interval && column->unit == UNIT_TEXT && format_ends(value, column, &low, &high))
        markup(grid->stream, " <i>[%s … %s]</i>", low.text, high.text);
    fputs(i ? "</td>" : "</th>", grid->stream);
    if (!grid->interval[i])
        return;
    open_cell(grid->stream, "<td", "low", &(struct value){.unit = value->unit}, value->low);
    markup(grid->stream, "%s</td>", format_interval(&grid->pool, value, column));
}

/* The rows that are details, or those that are not. */
static void put_rows(struct grid *grid, bool details)
{
    const struct table *table = grid->table;
    markup(grid->stream, "<div class=table role=region tabindex=0 aria-label=\"%s\">", grid->name);
    if (table->title && !details)
        markup(grid->stream, "<table>\n<caption>%s</caption>\n", grid->name);
    else
        markup(grid->stream, "<table aria-label=\"%s%s\">\n", grid->name, details ? ", details" : "");
    markup(grid->stream, "<thead>");
    put_heads(grid);
    markup(grid->stream, "</thead>\n<tbody>\n");
    for (size_t row = 0; row < table->rows; row++) {
        if (value_at(grid, row, 0)->detail != details)
            continue;
        markup(grid->stream, "<tr>");
        for (size_t i = 0; i < table->column_count; i++)
            put_value(grid, row, i);
        markup(grid->stream, "</tr>\n");
    }
    markup(grid->stream, "</tbody></table></div>\n");
}

static int put_table(FILE *stream, const struct table *table, struct error *error)
{
    struct grid grid = {.table = table, .name = table->title ? table->title : table->name, .stream = stream};
    size_t details = 0;
    if (table->readers == TABLE_FOR_FILES || !table->rows || !table->column_count)
        return 0;
    if (!find_intervals(&grid))
        return error_set(error, ENOMEM, "not enough memory to write the page");
    for (size_t row = 0; row < table->rows; row++)
        details += value_at(&grid, row, 0)->detail;
    if (details < table->rows)
        put_rows(&grid, false);
    if (details) {
        markup(stream, "<details><summary>%s: %zu detail%s</summary>\n", grid.name, details,
            details == 1 ? "" : "s");
        put_rows(&grid, true);
        markup(stream, "</details>\n");
    }
    bool failed = grid.pool.failed;
    pool_free(&grid.pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the page") : 0;
}

/* ---- blocks ---- */

/* What stands around a text: of a list in front of the first item, between two and behind the last, and of
 * the text itself. */
static const struct {
    const char *first, *next, *last, *open, *close;
} texts[BLOCK_KINDS] = {
    [BLOCK_CONCLUSION] = {"", "", "", "<p class=conclusion>", "</p>\n"},
    [BLOCK_FACT] = {"<ul class=facts>\n", "", "</ul>\n", "<li>", "</li>\n"},
    [BLOCK_SENTENCE] = {"", "", "", "<p>", "</p>\n"},
    [BLOCK_WARNING] = {"", "", "", "<p class=warning role=note>", "</p>\n"},
    [BLOCK_NOTE] = {"", "", "", "<p class=note>", "</p>\n"},
    [BLOCK_ITEM] = {"<ol>\n", "</li>\n", "</li></ol>\n", "<li><p>", "</p>"},
    [BLOCK_MORE] = {"", "", "", "<p>", "</p>\n"},
};

static void close_list(struct page *page)
{
    fputs(texts[page->list].last, page->stream);
    page->list = BLOCK_SENTENCE;
}

static void put_text(struct page *page, const struct block *block)
{
    if (block->kind == page->list) {
        fputs(texts[block->kind].next, page->stream);
    } else if (block->kind != BLOCK_MORE || page->list != BLOCK_ITEM) {
        close_list(page);
        fputs(texts[block->kind].first, page->stream);
        page->list = block->kind;
    }
    fputs(texts[block->kind].open, page->stream);
    markup(page->stream, "%s", block->text);
    fputs(texts[block->kind].close, page->stream);
}

static void put_chart(struct page *page, const struct chart *chart)
{
    markup(page->stream, "<figure>\n<figcaption>");
    if (chart->title)
        markup(page->stream, "<b>%s</b>", chart->title);
    if (chart->caption)
        markup(page->stream, "<p>%s</p>", chart->caption);
    markup(page->stream, "</figcaption>\n<div class=plot>");
    chart_svg(chart, ++page->charts, 0, page->document->stamp, page->stream);
    markup(page->stream, "</div>\n</figure>\n");
}

static void put_heading(struct page *page, const struct block *block)
{
    markup(page->stream, "<h2 id=part-%zu>%s</h2>", ++page->headings, block->text);
}

static void close_folded(struct page *page)
{
    close_list(page);
    if (page->folded)
        markup(page->stream, "</details>\n");
    page->folded = false;
}

/* Begins details. True if the block is written with that: a heading is what they are unfolded by. */
static bool fold(struct page *page, const struct block *block)
{
    close_list(page);
    page->folded = true;
    markup(page->stream, "<details><summary>");
    if (block->kind == BLOCK_HEADING)
        put_heading(page, block);
    else
        markup(page->stream, "Details");
    markup(page->stream, "</summary>\n");
    return block->kind == BLOCK_HEADING;
}

static int put_block(struct page *page, const struct block *block, struct error *error)
{
    if (page->folded && (block->kind == BLOCK_HEADING || !block->detail))
        close_folded(page);
    if (block->detail && !page->folded && fold(page, block))
        return 0;
    if (texts[block->kind].open) {
        put_text(page, block);
        return 0;
    }
    close_list(page);
    if (block->kind == BLOCK_TABLE)
        return put_table(page->stream, block->table, error);
    if (block->kind == BLOCK_CHART)
        put_chart(page, block->chart);
    else
        put_heading(page, block);
    return 0;
}

/* ---- the page ---- */

static void put_contents(const struct page *page)
{
    const struct document *document = page->document;
    size_t headings = 0;
    for (size_t i = 0; i < document->count; i++)
        headings += document->blocks[i].kind == BLOCK_HEADING;
    if (headings <= HEADINGS_FEW)
        return;
    markup(page->stream, "<nav aria-label=Contents><ul>\n");
    for (size_t i = 0, number = 0; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_HEADING)
            markup(
                page->stream, "<li><a href=\"#part-%zu\">%s</a></li>\n", ++number, document->blocks[i].text);
    markup(page->stream, "</ul></nav>\n");
}

static void put_head(const struct page *page)
{
    const char *title = page->document->title ? page->document->title : "vcost";
    markup(page->stream,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '%s'; "
        "script-src '%s'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n",
        page_style_hash, page_script_hash, title);
    fprintf(page->stream, "<style>%s</style>\n", page_style);
    markup(page->stream, "</head>\n<body>\n<main>\n<h1>%s</h1>\n", title);
    if (page->document->stamp)
        markup(page->stream, "<p class=stamp role=note>%s</p>\n", page->document->stamp);
    put_contents(page);
}

/* The result, to be read back (result/read.h): as it is, or packed where it is long. */
static int put_result(FILE *stream, const char *json, struct error *error)
{
    size_t size = strlen(json);
    int status = 0;
    fputs(size > PLAIN_MOST ? RESULT_SCRIPT("zlib") : RESULT_SCRIPT("json"), stream);
    if (size > PLAIN_MOST)
        status = packed_write(stream, json, size, error);
    else
        markup_json(stream, json);
    fputs("</script>\n", stream);
    return status;
}

int to_html(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    struct page page = {.stream = stream, .document = document, .list = BLOCK_SENTENCE};
    int status = 0;
    (void)style;
    put_head(&page);
    for (size_t i = 0; i < document->count && !status; i++)
        status = put_block(&page, &document->blocks[i], error);
    close_folded(&page);
    markup(stream, "</main>\n<footer>vcost %s</footer>\n", this_tool.version);
    if (document->json && !status)
        status = put_result(stream, document->json, error);
    fprintf(stream, "<script>%s</script>\n</body>\n</html>\n", page_script);
    return status;
}
