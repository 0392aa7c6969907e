/* All charts of a document below each other in one picture, and what must be known to read them: the title,
 * what is said before the first heading, table or chart, and each chart's heading and caption. */
#include "report/chart_svg.h"
#include "report/formats.h"
#include "report/markup.h"
#include "report/page_assets.h"
#include "result/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE = 16, COLUMNS = 116, BOLD_COLUMNS = 90, HEAD_COLUMNS = 70, GAP = 14 };

static const char *class_of(enum block_kind kind)
{
    return kind == BLOCK_WARNING ? "warning" : kind == BLOCK_CONCLUSION ? "conclusion" : "sentence";
}

static double put_head(FILE *stream, const struct document *document)
{
    double y = chart_svg_lines(
        stream, document->title ? document->title : "vcost", "head", EDGE, EDGE, HEAD_COLUMNS);
    y += GAP / 2.0;
    if (document->stamp)
        y = chart_svg_lines(stream, document->stamp, "warning", EDGE, y, BOLD_COLUMNS);
    for (size_t i = 0; i < document->count; i++) {
        const struct block *block = &document->blocks[i];
        if (block->kind == BLOCK_HEADING || block->kind == BLOCK_TABLE || block->kind == BLOCK_CHART)
            break;
        if (!block->detail)
            y = chart_svg_lines(stream, block->text, class_of(block->kind), EDGE, y,
                block->kind == BLOCK_SENTENCE || block->kind == BLOCK_FACT ? COLUMNS : BOLD_COLUMNS);
    }
    return y + GAP;
}

/* Everything but the element around it; returns where it ends. */
static double put_all(FILE *stream, const struct document *document)
{
    double y = put_head(stream, document);
    const char *heading = NULL;
    unsigned charts = 0;
    for (size_t i = 0; i < document->count; i++) {
        const struct block *block = &document->blocks[i];
        if (block->kind == BLOCK_HEADING)
            heading = block->text;
        if (block->kind != BLOCK_CHART)
            continue;
        if (heading)
            y = chart_svg_lines(stream, heading, "head", EDGE, y, HEAD_COLUMNS);
        heading = NULL;
        struct chart_place place = {++charts, y, true, document->stamp};
        chart_svg(block->chart, &place, stream);
        y += chart_svg_height(block->chart, &place);
        if (block->chart->caption)
            y = chart_svg_lines(stream, block->chart->caption, "caption", EDGE, y, COLUMNS);
        y += GAP;
    }
    char made[64];
    snprintf(made, sizeof made, "vcost %.40s", this_tool.version);
    return chart_svg_lines(stream, made, "caption", EDGE, y, COLUMNS);
}

static bool has_chart(const struct document *document)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].kind == BLOCK_CHART)
            return true;
    return false;
}

int to_svg(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    char *body = NULL;
    size_t size;
    (void)style;
    if (!has_chart(document))
        return error_set(error, ENODATA, "nothing was measured that a picture could show");
    FILE *memory = open_memstream(&body, &size);
    double height = memory ? put_all(memory, document) + EDGE / 2.0 : 0;
    if (!memory || fclose(memory)) {
        free(body);
        return error_set(error, ENOMEM, "not enough memory to draw the picture");
    }
    fprintf(stream,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
        "height=\"%.0f\" viewBox=\"0 0 %d %.0f\" class=\"picture\">\n<title>",
        CHART_SVG_WIDTH, height, CHART_SVG_WIDTH, height);
    markup_text(stream, document->title ? document->title : "vcost");
    fprintf(stream,
        "</title>\n<style>\n%s</style>\n<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n",
        chart_style);
    fwrite(body, 1, size, stream);
    fputs("</svg>\n", stream);
    free(body);
    return 0;
}
