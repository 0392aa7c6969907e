/* All charts of a document below each other in one picture, and what must be known to read them: the title,
 * what is said before the first heading, table or chart, and each chart's heading and caption. */
#include "report/chart_svg.h"
#include "report/formats.h"
#include "report/markup.h"
#include "report/page_assets.h"
#include "result/result.h"

#include <errno.h>
#include <stdlib.h>

enum { EDGE = 16, COLUMNS = 116, BOLD_COLUMNS = 90, HEAD_COLUMNS = 70, GAP = 14 };

static const char *class_of(enum block_kind kind)
{
    return kind == BLOCK_WARNING ? "warning" : kind == BLOCK_CONCLUSION ? "conclusion" : "sentence";
}

/* The title, and what is said before the first heading, table or chart. */
static double put_head(FILE *stream, const struct document *document, const char *title)
{
    double y = chart_svg_lines(stream, title, "head", EDGE, EDGE, HEAD_COLUMNS) + GAP / 2.0;
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

/* All charts, from y downwards; returns where they end, y itself if there are none. */
static double put_charts(FILE *stream, const struct document *document, double y)
{
    const char *heading = NULL;
    size_t charts = 0;
    for (size_t i = 0; i < document->count; i++) {
        const struct chart *chart = document->blocks[i].chart;
        if (document->blocks[i].kind == BLOCK_HEADING)
            heading = document->blocks[i].text;
        if (!chart)
            continue;
        y = chart_svg_lines(stream, heading, "head", EDGE, y, HEAD_COLUMNS);
        y = chart_svg_lines(stream, chart->title, "title", EDGE, y, HEAD_COLUMNS);
        y = chart_svg(chart, ++charts, y, document->stamp, stream);
        y = chart_svg_lines(stream, chart->caption, "caption", EDGE, y, COLUMNS) + GAP;
        heading = NULL;
    }
    return y;
}

int to_svg(
    const struct document *document, FILE *stream, const struct report_style *style, struct error *error)
{
    const char *title = document->title ? document->title : "vcost";
    char *body = NULL, made[64];
    size_t size;
    (void)style;
    FILE *memory = open_memstream(&body, &size);
    if (!memory)
        return error_set(error, ENOMEM, "not enough memory to draw the picture");
    double head = put_head(memory, document, title), end = put_charts(memory, document, head);
    snprintf(made, sizeof made, "vcost %.40s", this_tool.version);
    double height = chart_svg_lines(memory, made, "caption", EDGE, end, COLUMNS) + EDGE / 2.0;
    int status = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to draw the picture") : 0;
    if (!status && end <= head)
        status = error_set(error, ENODATA, "nothing was measured that a picture could show");
    if (!status) {
        markup(stream,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
            "width=\"%d\" "
            "height=\"%f\" viewBox=\"0 0 %d %f\" class=\"picture\">\n<title>%s</title>\n",
            CHART_SVG_WIDTH, height, CHART_SVG_WIDTH, height, title);
        fprintf(stream,
            "<style>\n%s</style>\n<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n%s</svg>\n",
            chart_style, body);
    }
    free(body);
    return status;
}
