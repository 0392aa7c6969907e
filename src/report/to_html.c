/* A page that stands alone: no reference to anything outside, and a Content-Security-Policy that allows no
 * more than its own style and script, by their hashes. It is read from top to bottom without the script. */
#include "base/packed.h"
#include "report/chart_svg.h"
#include "report/format.h"
#include "report/formats.h"
#include "report/markup.h"
#include "report/page_assets.h"
#include "result/read.h"
#include "result/result.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADINGS_FEW = 3,     /* more get a table of contents */
    PLAIN_MOST = 1 << 20, /* bytes of JSON that stand in the page as they are */
};

struct page {
    FILE *stream;
    const struct document *document;
    unsigned charts, headings;
    enum block_kind list; /* which is open: BLOCK_FACT, BLOCK_ITEM; BLOCK_KINDS: none */
    bool folded;          /* an element <details> is open */
};

static void put_element(FILE *stream, const char *open, const char *text, const char *close)
{
    fputs(open, stream);
    markup_text(stream, text);
    fputs(close, stream);
}

/* ---- tables ---- */

static const char *const tones[] = {[TONE_PLAIN] = NULL,
    [TONE_FAINT] = "faint",
    [TONE_WARNING] = "warn",
    [TONE_SLOWER] = "slower",
    [TONE_FASTER] = "faster"};

/* A table, and which of its columns have one for their interval behind them: those of numbers that have any
 * (beside words the interval stands in the same cell). */
struct grid {
    const struct table *table;
    bool *interval;
    FILE *stream;
    struct pool pool; /* of what is needed meanwhile */
};

static const struct value *value_at(const struct grid *grid, size_t row, size_t column)
{
    return &grid->table->values[row * grid->table->column_count + column];
}

static void find_intervals(struct grid *grid)
{
    struct formatted low, high;
    for (size_t i = 0; i < grid->table->column_count; i++) {
        const struct column *column = &grid->table->columns[i];
        for (size_t row = 0; column->interval && column->unit != UNIT_TEXT && row < grid->table->rows; row++)
            grid->interval[i] |= format_ends(value_at(grid, row, i), column, &low, &high);
    }
}

/* How many columns from this one on stand under the same heading, which may be none. */
static size_t block_length(const struct table *table, size_t from)
{
    const char *block = table->columns[from].block;
    size_t to = from + 1;
    for (; to < table->column_count; to++) {
        const char *next = table->columns[to].block;
        if (!block != !next || (block && strcmp(block, next) != 0))
            break;
    }
    return to - from;
}

static void put_blocks(const struct grid *grid)
{
    const struct table *table = grid->table;
    bool any = false;
    for (size_t i = 0; i < table->column_count; i++)
        any |= table->columns[i].block != NULL;
    if (!any)
        return;
    fputs("<tr>", grid->stream);
    for (size_t i = 0, length; i < table->column_count; i += length) {
        size_t wide = length = block_length(table, i);
        for (size_t k = i; k < i + length; k++)
            wide += grid->interval[k];
        const char *block = table->columns[i].block;
        fprintf(grid->stream, block ? "<th scope=colgroup colspan=%zu>" : "<td colspan=%zu>", wide);
        markup_text(grid->stream, block);
        fputs(block ? "</th>" : "</td>", grid->stream);
    }
    fputs("</tr>\n", grid->stream);
}

static const char *align_of(const struct column *column)
{
    return column->below ? "t below" : column->unit == UNIT_TEXT ? "t" : NULL;
}

static void put_heads(const struct grid *grid)
{
    put_blocks(grid);
    fputs("<tr>", grid->stream);
    for (size_t i = 0; i < grid->table->column_count; i++) {
        const struct column *column = &grid->table->columns[i];
        fputs(align_of(column) ? "<th scope=col class=t>" : "<th scope=col>", grid->stream);
        markup_text(grid->stream, column->head && column->head[0] ? column->head : column->key);
        fputs(grid->interval[i] ? "</th><th scope=col>95 % interval</th>" : "</th>", grid->stream);
    }
    fputs("</tr>\n", grid->stream);
}

/* What opens a cell: its classes, its number for sorting, and why it is as it is. */
static void open_cell(
    FILE *stream, const char *element, const char *align, const struct value *value, double number)
{
    const char *tone = tones[value->tone];
    fputs(element, stream);
    if (align || tone)
        fprintf(stream, " class=\"%s%s%s\"", align ? align : "", align && tone ? " " : "", tone ? tone : "");
    if (isfinite(number) && value->unit != UNIT_TEXT)
        fprintf(stream, " data-v=%.6g", number);
    if (value->why && value->why[0]) {
        fputs(" title=\"", stream);
        markup_text(stream, value->why);
        fputc('"', stream);
    }
    fputc('>', stream);
}

static void put_value(struct grid *grid, size_t row, size_t i)
{
    const struct column *column = &grid->table->columns[i];
    const struct value *value = value_at(grid, row, i);
    struct formatted low, high;
    open_cell(grid->stream, i ? "<td" : "<th scope=row", align_of(column), value, value->number);
    if (!column->below || value->text)
        markup_text(grid->stream, format_value(&grid->pool, value, column));
    if (value->mark && value->mark[0]) {
        fputs("<i>", grid->stream);
        markup_text(grid->stream, value->mark);
        fputs("</i>", grid->stream);
    }
    if (column->interval && column->unit == UNIT_TEXT && format_ends(value, column, &low, &high))
        fprintf(grid->stream, " <i>[%s … %s]</i>", low.text, high.text);
    fputs(i ? "</td>" : "</th>", grid->stream);
    if (!grid->interval[i])
        return;
    open_cell(grid->stream, "<td", "low", &(struct value){.unit = value->unit}, value->low);
    markup_text(grid->stream, format_interval(&grid->pool, value, column));
    fputs("</td>", grid->stream);
}

/* The rows that are details, or those that are not. */
static void put_rows(struct grid *grid, bool details)
{
    const struct table *table = grid->table;
    const char *name = table->title ? table->title : table->name;
    put_element(grid->stream, "<div class=table role=region tabindex=0 aria-label=\"", name, "\">");
    if (table->title && !details)
        put_element(grid->stream, "<table>\n<caption>", table->title, "</caption>\n");
    else
        put_element(grid->stream, "<table aria-label=\"", name, details ? ", details\">\n" : "\">\n");
    fputs("<thead>", grid->stream);
    put_heads(grid);
    fputs("</thead>\n<tbody>\n", grid->stream);
    for (size_t row = 0; row < table->rows; row++) {
        if (value_at(grid, row, 0)->detail != details)
            continue;
        fputs("<tr>", grid->stream);
        for (size_t i = 0; i < table->column_count; i++)
            put_value(grid, row, i);
        fputs("</tr>\n", grid->stream);
    }
    fputs("</tbody></table></div>\n", grid->stream);
}

static int put_table(FILE *stream, const struct table *table, struct error *error)
{
    struct grid grid = {.table = table, .stream = stream};
    size_t details = 0;
    if (table->readers == TABLE_FOR_FILES || !table->rows || !table->column_count)
        return 0;
    grid.interval = pool_room(&grid.pool, table->column_count, sizeof *grid.interval);
    if (grid.interval) {
        find_intervals(&grid);
        for (size_t row = 0; row < table->rows; row++)
            details += value_at(&grid, row, 0)->detail;
        if (details < table->rows)
            put_rows(&grid, false);
        if (details) {
            put_element(stream, "<details><summary>", table->title ? table->title : table->name, "");
            fprintf(stream, ": %zu detail%s</summary>\n", details, details == 1 ? "" : "s");
            put_rows(&grid, true);
            fputs("</details>\n", stream);
        }
    }
    bool failed = grid.pool.failed;
    pool_free(&grid.pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the page") : 0;
}

/* ---- blocks ---- */

static void put_figure(struct page *page, const struct chart *chart)
{
    struct chart_place place = {.number = ++page->charts, .stamp = page->document->stamp};
    fputs("<figure>\n<figcaption>", page->stream);
    if (chart->title)
        put_element(page->stream, "<b>", chart->title, "</b>");
    if (chart->caption)
        put_element(page->stream, "<p>", chart->caption, "</p>");
    fputs("</figcaption>\n<div class=plot>", page->stream);
    chart_svg(chart, &place, page->stream);
    fputs("</div>\n</figure>\n", page->stream);
}

static void put_heading(struct page *page, const char *text)
{
    fprintf(page->stream, "<h2 id=part-%u>", ++page->headings);
    put_element(page->stream, "", text, "</h2>");
}

static void close_list(struct page *page)
{
    fputs(page->list == BLOCK_FACT   ? "</ul>\n"
          : page->list == BLOCK_ITEM ? "</li></ol>\n"
                                     : "",
        page->stream);
    page->list = BLOCK_KINDS;
}

static void close_folded(struct page *page)
{
    close_list(page);
    if (page->folded)
        fputs("</details>\n", page->stream);
    page->folded = false;
}

/* A detail's heading is what it is unfolded by. True if the block was written with that. */
static bool fold(struct page *page, const struct block *block)
{
    bool heads = block->kind == BLOCK_HEADING;
    if (page->folded && (heads || !block->detail))
        close_folded(page);
    if (!block->detail || page->folded)
        return false;
    close_list(page);
    page->folded = true;
    fputs("<details><summary>", page->stream);
    if (heads)
        put_heading(page, block->text);
    else
        fputs("Details", page->stream);
    fputs("</summary>\n", page->stream);
    return heads;
}

static void put_list_text(struct page *page, const struct block *block)
{
    if (block->kind == BLOCK_FACT) {
        fputs(page->list == BLOCK_FACT ? "" : "<ul class=facts>\n", page->stream);
        page->list = BLOCK_FACT;
        put_element(page->stream, "<li>", block->text, "</li>\n");
    } else if (block->kind == BLOCK_ITEM) {
        fputs(page->list == BLOCK_ITEM ? "</li>\n" : "<ol>\n", page->stream);
        page->list = BLOCK_ITEM;
        put_element(page->stream, "<li><p>", block->text, "</p>");
    } else {
        put_element(page->stream, "<p>", block->text, "</p>\n");
    }
}

static int put_block(struct page *page, const struct block *block, struct error *error)
{
    static const char *const paragraphs[BLOCK_KINDS] = {[BLOCK_CONCLUSION] = "<p class=conclusion>",
        [BLOCK_SENTENCE] = "<p>",
        [BLOCK_WARNING] = "<p class=warning role=note>",
        [BLOCK_NOTE] = "<p class=note>"};
    bool goes_on = block->kind == page->list || (block->kind == BLOCK_MORE && page->list == BLOCK_ITEM);
    if (fold(page, block))
        return 0;
    if (!goes_on)
        close_list(page);
    if (block->kind == BLOCK_TABLE)
        return put_table(page->stream, block->table, error);
    if (block->kind == BLOCK_CHART)
        put_figure(page, block->chart);
    else if (block->kind == BLOCK_HEADING)
        put_heading(page, block->text);
    else if (paragraphs[block->kind])
        put_element(page->stream, paragraphs[block->kind], block->text, "</p>\n");
    else
        put_list_text(page, block);
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
    fputs("<nav aria-label=Contents><ul>\n", page->stream);
    for (size_t i = 0, number = 0; i < document->count; i++) {
        if (document->blocks[i].kind != BLOCK_HEADING)
            continue;
        fprintf(page->stream, "<li><a href=\"#part-%zu\">", ++number);
        put_element(page->stream, "", document->blocks[i].text, "</a></li>\n");
    }
    fputs("</ul></nav>\n", page->stream);
}

static void put_head(const struct page *page)
{
    const char *title = page->document->title ? page->document->title : "vcost";
    fprintf(page->stream,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '%s'; "
        "script-src '%s'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n",
        page_style_hash, page_script_hash);
    put_element(page->stream, "<title>", title, "</title>\n");
    fprintf(page->stream, "<style>%s</style>\n</head>\n<body>\n<main>\n", page_style);
    put_element(page->stream, "<h1>", title, "</h1>\n");
    if (page->document->stamp)
        put_element(page->stream, "<p class=stamp role=note>", page->document->stamp, "</p>\n");
    put_contents(page);
}

/* The result, to be read back (result/read.h): as it is, or packed where it is long. */
static int put_result(FILE *stream, const char *json, struct error *error)
{
    char *text = NULL;
    size_t size;
    int status = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory)
        markup_json(memory, json);
    if (!memory || fclose(memory)) {
        free(text);
        return error_set(error, ENOMEM, "not enough memory to write the page");
    }
    fputs(size > PLAIN_MOST ? RESULT_SCRIPT("zlib") : RESULT_SCRIPT("json"), stream);
    if (size > PLAIN_MOST)
        status = packed_write(stream, text, size, error);
    else
        fwrite(text, 1, size, stream);
    fputs("</script>\n", stream);
    free(text);
    return status;
}

int to_html(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    struct page page = {.stream = stream, .document = document, .list = BLOCK_KINDS};
    int status = 0;
    (void)style;
    put_head(&page);
    for (size_t i = 0; i < document->count && !status; i++)
        status = put_block(&page, &document->blocks[i], error);
    close_folded(&page);
    fprintf(stream, "</main>\n<footer>vcost %s</footer>\n", this_tool.version);
    if (document->json && !status)
        status = put_result(stream, document->json, error);
    fprintf(stream, "<script>%s</script>\n</body>\n</html>\n", page_script);
    return status;
}
