/* A page that stands alone: no reference to anything outside, and a Content-Security-Policy that allows no
 * more than its own style and script, by their hashes. It is read from top to bottom without the script. */
#include "base/packed.h"
#include "report/format.h"
#include "report/formats.h"
#include "result/read.h"

#include <math.h>
#include <string.h>

enum {
    HEADINGS_FEW = 3,     /* more get a table of contents */
    PLAIN_MOST = 1 << 20, /* bytes of JSON that stand in the page as they are */
};

/* ---- tables ---- */

/* Neighbouring columns of the same block stand under its heading, which may be none. Those of numbers that
 * have any interval have a column for it behind them (beside words it stands in the same cell). */
static void put_heads(FILE *stream, const struct table *table, const bool *interval)
{
    const struct column *end = table->columns + table->column_count, *last;
    bool blocks = false;
    for (const struct column *column = table->columns; column < end; column++)
        blocks |= column->block != NULL;
    markup(stream, blocks ? "<thead><tr>" : "<thead>");
    for (const struct column *column = table->columns; blocks && column < end; column = last) {
        const char *block = column->block ? column->block : "";
        size_t wide = 0;
        for (last = column; last < end && !strcmp(block, last->block ? last->block : ""); last++)
            wide += 1 + interval[last - table->columns];
        if (block[0])
            markup(stream, "<th scope=colgroup colspan=%zu>%s</th>", wide, block);
        else
            markup(stream, "<td colspan=%zu></td>", wide);
    }
    markup(stream, blocks ? "</tr>\n<tr>" : "<tr>");
    for (const struct column *column = table->columns; column < end; column++) {
        markup(
            stream, column->below || column->unit == UNIT_TEXT ? "<th scope=col class=t>" : "<th scope=col>");
        markup(stream, "%s</th>", column->head && column->head[0] ? column->head : column->key);
        if (interval[column - table->columns])
            markup(stream, "<th scope=col>95 %% interval</th>");
    }
    markup(stream, "</tr></thead>\n<tbody>\n");
}

/* A cell with its number for sorting, and why it is as it is; and that of its interval. */
static void put_cell(struct writing *writing, const struct column *column, bool first, bool interval,
    const struct value *value)
{
    static const char *const tones[] = {[TONE_PLAIN] = "",
        [TONE_FAINT] = " faint",
        [TONE_WARNING] = " warn",
        [TONE_SLOWER] = " slower",
        [TONE_FASTER] = " faster"};
    FILE *stream = writing->stream;
    const char *align = column->below ? "t below" : column->unit == UNIT_TEXT ? "t" : "";
    struct formatted low, high;
    markup(stream, first ? "<th scope=row" : "<td");
    if (align[0] || value->tone)
        markup(stream, " class=\"%s%s\"", align, tones[value->tone]);
    if (isfinite(value->number) && value->unit != UNIT_TEXT)
        fprintf(stream, " data-v=%.6g", value->number);
    if (value->why && value->why[0])
        markup(stream, " title=\"%s\"", value->why);
    markup(stream, ">%s", column->below && !value->text ? NULL : format_value(&writing->pool, value, column));
    if (value->mark && value->mark[0])
        markup(stream, "<i>%s</i>", value->mark);
    if (column->interval && column->unit == UNIT_TEXT && format_ends(value, column, &low, &high))
        markup(stream, " <i>[%s … %s]</i>", low.text, high.text);
    markup(stream, first ? "</th>" : "</td>");
    if (interval && isfinite(value->low) && value->unit != UNIT_TEXT)
        fprintf(stream, "<td class=low data-v=%.6g>", value->low);
    else if (interval)
        markup(stream, "<td class=low>");
    if (interval)
        markup(stream, "%s</td>", format_interval(&writing->pool, value, column));
}

/* The rows that are details, or those that are not, with what stands around the table. */
static void put_rows(struct writing *writing, const struct table *table, const bool *interval, size_t details)
{
    const char *name = table->title ? table->title : table->name;
    FILE *stream = writing->stream;
    if (details)
        markup(
            stream, "<details><summary>%s: %zu detail%s</summary>\n", name, details, details == 1 ? "" : "s");
    markup(stream, "<div class=table role=region tabindex=0 aria-label=\"%s\">", name);
    if (table->title && !details)
        markup(stream, "<table>\n<caption>%s</caption>\n", name);
    else
        markup(stream, "<table aria-label=\"%s%s\">\n", name, details ? ", details" : "");
    put_heads(stream, table, interval);
    for (size_t row = 0; row < table->rows; row++) {
        const struct value *values = &table->values[row * table->column_count];
        if (values->detail != (details > 0))
            continue;
        markup(stream, "<tr>");
        for (size_t i = 0; i < table->column_count; i++)
            put_cell(writing, &table->columns[i], i == 0, interval[i], &values[i]);
        markup(stream, "</tr>\n");
    }
    markup(stream, details ? "</tbody></table></div>\n</details>\n" : "</tbody></table></div>\n");
}

static void put_table(struct writing *writing, const struct table *table)
{
    bool *interval = pool_room(&writing->pool, table->column_count, sizeof *interval);
    size_t details = 0;
    if (!interval || !table_is_for_people(table))
        return;
    for (size_t k = 0; k < table->rows * table->column_count; k++) {
        size_t i = k % table->column_count;
        const struct column *column = &table->columns[i];
        struct formatted low, high;
        details += !i && table->values[k].detail;
        interval[i] |= column->interval && column->unit != UNIT_TEXT &&
                       format_ends(&table->values[k], column, &low, &high);
    }
    if (details < table->rows)
        put_rows(writing, table, interval, 0);
    if (details)
        put_rows(writing, table, interval, details);
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
    [BLOCK_COMMAND] = {"", "", "", "<pre class=command>", "</pre>\n"},
};

static void put_chart(const struct writing *writing, const struct chart *chart, size_t number)
{
    markup(writing->stream, "<figure>\n<figcaption>");
    if (chart->title)
        markup(writing->stream, "<b>%s</b>", chart->title);
    if (chart->caption)
        markup(writing->stream, "<p>%s</p>", chart->caption);
    markup(writing->stream, "</figcaption>\n<div class=plot>");
    chart_svg(chart, number, 0, writing->document->stamp, writing->stream);
    markup(writing->stream, "</div>\n</figure>\n");
}

/* Details are folded; a heading among them is what they are unfolded by. */
static void put_blocks(struct writing *writing)
{
    FILE *stream = writing->stream;
    enum block_kind list = BLOCK_SENTENCE; /* whose is open; that: none */
    size_t charts = 0, headings = 0;
    bool folded = false;
    for (size_t i = 0; i < writing->document->count; i++) {
        const struct block *block = &writing->document->blocks[i];
        bool text = texts[block->kind].open != NULL, heading = block->kind == BLOCK_HEADING;
        bool unfold = folded && (heading || !block->detail), fold = block->detail && (!folded || unfold);
        bool more = block->kind == BLOCK_MORE && list == BLOCK_ITEM;
        folded = block->detail;
        if (!text || fold || unfold || (block->kind != list && !more)) {
            fputs(texts[list].last, stream);
            fputs(unfold ? "</details>\n" : "", stream);
            fputs(fold ? "<details><summary>" : "", stream);
            if (heading)
                markup(stream, "<h2 id=part-%zu>%s</h2>", ++headings, block->text);
            else if (fold)
                fputs("Details", stream);
            fputs(fold ? "</summary>\n" : "", stream);
            list = text ? block->kind : BLOCK_SENTENCE;
            fputs(texts[list].first, stream);
        } else if (!more) {
            fputs(texts[list].next, stream);
        }
        if (block->table)
            put_table(writing, block->table);
        else if (block->chart)
            put_chart(writing, block->chart, ++charts);
        if (!text)
            continue;
        fputs(texts[block->kind].open, stream);
        markup(stream, "%s", block->text);
        fputs(texts[block->kind].close, stream);
    }
    fputs(texts[list].last, stream);
    fputs(folded ? "</details>\n" : "", stream);
}

/* ---- the page ---- */

static void put_head(const struct writing *writing)
{
    const struct document *document = writing->document;
    const char *title = document->title ? document->title : "vcost";
    FILE *stream = writing->stream;
    size_t headings = 0, number = 0;
    markup(stream,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '%s'; "
        "script-src '%s'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n",
        page_style_hash, page_script_hash, title);
    fprintf(stream, "<style>%s</style>\n", page_style);
    markup(stream, "</head>\n<body>\n<main>\n<h1>%s</h1>\n", title);
    if (document->stamp)
        markup(stream, "<p class=stamp role=note>%s</p>\n", document->stamp);
    for (size_t i = 0; i < document->count; i++)
        headings += document->blocks[i].kind == BLOCK_HEADING;
    if (headings <= HEADINGS_FEW)
        return;
    markup(stream, "<nav aria-label=Contents><ul>\n");
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_HEADING)
            markup(stream, "<li><a href=\"#part-%zu\">%s</a></li>\n", ++number, document->blocks[i].text);
    markup(stream, "</ul></nav>\n");
}

/* JSON without blanks between its parts. No "<" is left that could end the element, nor the line ends of
 * Unicode that old readers of JavaScript trip over. */
static void put_json(FILE *stream, const char *json)
{
    bool inside = false; /* of a string */
    for (; *json; json++) {
        if (!inside && strchr(" \t\r\n", *json))
            continue;
        inside ^= *json == '"';
        if (*json == '<') {
            fputs("\\u003c", stream);
        } else if (!strncmp(json, "\u2028", 3) || !strncmp(json, "\u2029", 3)) {
            fprintf(stream, "\\u202%c", json[2] == '\xa8' ? '8' : '9');
            json += 2;
        } else {
            fputc(*json, stream);
            if (*json == '\\' && json[1])
                fputc(*++json, stream);
        }
    }
}

int to_html(struct writing *writing, struct error *error)
{
    const char *json = writing->document->json;
    FILE *stream = writing->stream;
    int status = 0;
    put_head(writing);
    put_blocks(writing);
    markup(stream, "</main>\n<footer>vcost %s</footer>\n", this_tool.version);
    if (json) { /* to be read back (result/read.h) */
        bool packed = strlen(json) > PLAIN_MOST;
        fputs(packed ? RESULT_SCRIPT("zlib") : RESULT_SCRIPT("json"), stream);
        if (packed)
            status = packed_write(stream, json, strlen(json), error);
        else
            put_json(stream, json);
        fputs("</script>\n", stream);
    }
    fprintf(stream, "<script>%s</script>\n</body>\n</html>\n", page_script);
    return status;
}
