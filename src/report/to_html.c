/* A page that stands alone: no reference to anything outside, and a Content-Security-Policy that allows no
 * more than its own style and script, by their hashes. It is read from top to bottom without the script. */
#include "report/chart_svg.h"
#include "report/format.h"
#include "report/formats.h"
#include "report/markup.h"
#include "report/page_assets.h"
#include "result/tool.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { HEADINGS_FEW = 3 }; /* more get a table of contents */

struct page {
    FILE *stream;
    const struct document *document;
    unsigned charts, headings;
    enum block_kind list; /* which is open: BLOCK_FACT, BLOCK_ITEM; BLOCK_KINDS: none */
    bool folded;          /* an element <details> is open */
};

/* ---- tables ---- */

static const char *const tones[] = {[TONE_PLAIN] = NULL,
    [TONE_FAINT] = "faint",
    [TONE_WARNING] = "warn",
    [TONE_SLOWER] = "slower",
    [TONE_FASTER] = "faster"};

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

static void put_blocks(FILE *stream, const struct table *table)
{
    bool any = false;
    for (size_t i = 0; i < table->column_count; i++)
        any |= table->columns[i].block != NULL;
    if (!any)
        return;
    fputs("<tr>", stream);
    for (size_t i = 0, length; i < table->column_count; i += length) {
        size_t wide = length = block_length(table, i);
        for (size_t k = i; k < i + length; k++)
            wide += table->columns[k].interval;
        const char *block = table->columns[i].block;
        fprintf(stream, block ? "<th scope=colgroup colspan=%zu>" : "<td colspan=%zu>", wide);
        markup_text(stream, block);
        fputs(block ? "</th>" : "</td>", stream);
    }
    fputs("</tr>\n", stream);
}

static void put_heads(FILE *stream, const struct table *table)
{
    put_blocks(stream, table);
    fputs("<tr>", stream);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        fputs(column->unit == UNIT_TEXT ? "<th scope=col class=t>" : "<th scope=col>", stream);
        markup_text(stream, column->head && column->head[0] ? column->head : column->key);
        fputs(column->interval ? "</th><th scope=col>95 % interval</th>" : "</th>", stream);
    }
    fputs("</tr>\n", stream);
}

/* What opens a cell: its classes, its number for sorting, and why it is as it is. */
static void open_cell(
    FILE *stream, const char *element, const char *align, const struct value *value, double number)
{
    const char *tone = tones[value->tone];
    fputs(element, stream);
    if (align && tone)
        fprintf(stream, " class=\"%s %s\"", align, tone);
    else if (align || tone)
        fprintf(stream, " class=%s", align ? align : tone);
    if (isfinite(number) && value->unit != UNIT_TEXT)
        fprintf(stream, " data-v=%.6g", number);
}

static void put_value(
    FILE *stream, struct pool *pool, const struct column *column, const struct value *value, bool first)
{
    open_cell(stream, first ? "<th scope=row" : "<td", column->unit == UNIT_TEXT ? "t" : NULL, value,
        value->number);
    if (value->why && value->why[0]) {
        fputs(" title=\"", stream);
        markup_text(stream, value->why);
        fputc('"', stream);
    }
    fputc('>', stream);
    markup_text(stream, format_value(pool, value, column));
    if (value->mark && value->mark[0]) {
        fputs("<i>", stream);
        markup_text(stream, value->mark);
        fputs("</i>", stream);
    }
    fputs(first ? "</th>" : "</td>", stream);
    if (!column->interval)
        return;
    open_cell(stream, "<td", "low", &(struct value){.unit = value->unit}, value->low);
    fputc('>', stream);
    markup_text(stream, format_interval(pool, value, column));
    fputs("</td>", stream);
}

static int put_table(FILE *stream, const struct table *table, struct error *error)
{
    struct pool pool = {0};
    if (table->readers == TABLE_FOR_FILES || !table->rows || !table->column_count)
        return 0;
    fputs("<div class=table role=region tabindex=0 aria-label=\"", stream);
    markup_text(stream, table->title ? table->title : table->name);
    fputs("\"><table>\n", stream);
    if (table->title) {
        fputs("<caption>", stream);
        markup_text(stream, table->title);
        fputs("</caption>\n", stream);
    }
    fputs("<thead>", stream);
    put_heads(stream, table);
    fputs("</thead>\n<tbody>\n", stream);
    for (size_t row = 0; row < table->rows; row++) {
        fputs("<tr>", stream);
        for (size_t i = 0; i < table->column_count; i++)
            put_value(stream, &pool, &table->columns[i], &table->values[row * table->column_count + i], !i);
        fputs("</tr>\n", stream);
    }
    fputs("</tbody></table></div>\n", stream);
    bool failed = pool.failed;
    pool_free(&pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the page") : 0;
}

/* ---- blocks ---- */

static void put_element(FILE *stream, const char *open, const char *text, const char *close)
{
    fputs(open, stream);
    markup_text(stream, text);
    fputs(close, stream);
}

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
    fprintf(stream, "</main>\n<footer>vcost %s</footer>\n", tool.version);
    if (document->json) {
        fputs("<script type=\"application/json\" id=\"vcost-result\">", stream);
        markup_json(stream, document->json);
        fputs("</script>\n", stream);
    }
    fprintf(stream, "<script>%s</script>\n</body>\n</html>\n", page_script);
    return status;
}
