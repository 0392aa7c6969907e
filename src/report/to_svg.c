/* All charts of a document below each other in one picture, and what must be known to read them: the title,
 * what is said before the first heading, table or chart, and each chart's heading and caption. */
#include "report/formats.h"
#include "report/text.h"
#include "result/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE = 16, COLUMNS = 116, BOLD_COLUMNS = 90, HEAD_COLUMNS = 70, GAP = 14, LINE = 18 };

/* Text in lines of at most `columns` characters, from y downwards; returns where it ends. */
static double put_lines(FILE *stream, const char *text, const char *class, double y, unsigned columns)
{
    struct pool pool = {0};
    const char *rest = text_cleaned(&pool, text, &(struct report_style){.utf8 = true});
    for (size_t length; *rest; y += LINE) {
        length = text_line(rest, columns);
        markup(stream, "<text class=\"%s\" x=\"%d\" y=\"%f\">%s</text>\n", class, EDGE, y + LINE / 2.0 + 4,
            pool_format(&pool, "%.*s", (int)length, rest));
        rest += length;
        rest += strspn(rest, " ");
    }
    pool_free(&pool);
    return y;
}

/* From the top downwards; returns where it ends, and in *charts how many charts there are. */
static double put_picture(FILE *stream, const struct document *document, const char *title, size_t *charts)
{
    const char *heading = NULL;
    bool any = false; /* heading, table or chart */
    double y = put_lines(stream, title, "head", EDGE, HEAD_COLUMNS) + GAP / 2.0;
    y = put_lines(stream, document->stamp, "warning", y, BOLD_COLUMNS);
    for (size_t i = 0; i < document->count; i++) {
        const struct block *block = &document->blocks[i];
        const struct chart *chart = block->chart;
        bool warning = block->kind == BLOCK_WARNING, conclusion = block->kind == BLOCK_CONCLUSION;
        if (!any && (block->kind == BLOCK_HEADING || block->table || chart)) {
            any = true;
            y += GAP;
        }
        if (block->kind == BLOCK_HEADING)
            heading = block->text;
        if (!any && !block->detail)
            y = put_lines(stream, block->text,
                warning      ? "warning"
                : conclusion ? "conclusion"
                             : "sentence",
                y, block->kind == BLOCK_SENTENCE || block->kind == BLOCK_FACT ? COLUMNS : BOLD_COLUMNS);
        if (!chart)
            continue;
        y = put_lines(stream, heading, "head", y, HEAD_COLUMNS);
        y = put_lines(stream, chart->title, "title", y, HEAD_COLUMNS);
        y = chart_svg(chart, ++*charts, y, document->stamp, stream);
        y = put_lines(stream, chart->caption, "caption", y, COLUMNS) + GAP;
        heading = NULL;
    }
    return y;
}

int to_svg(struct writing *writing, struct error *error)
{
    const char *title = writing->document->title ? writing->document->title : "vcost";
    char *body = NULL, made[64];
    size_t size, charts = 0;
    FILE *memory = open_memstream(&body, &size);
    if (!memory)
        return error_set(error, ENOMEM, "not enough memory to draw the picture");
    double end = put_picture(memory, writing->document, title, &charts);
    snprintf(made, sizeof made, "vcost %.40s", this_tool.version);
    double height = put_lines(memory, made, "caption", end, COLUMNS) + EDGE / 2.0;
    int status = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to draw the picture") : 0;
    if (!status && !charts)
        status = error_set(error, ENODATA, "nothing was measured that a picture could show");
    if (!status) {
        markup(writing->stream,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
            "width=\"%d\" height=\"%f\" viewBox=\"0 0 %d %f\" class=\"picture\">\n<title>%s</title>\n",
            CHART_SVG_WIDTH, height, CHART_SVG_WIDTH, height, title);
        fprintf(writing->stream,
            "<style>\n%s</style>\n<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n%s</svg>\n",
            chart_style, body);
    }
    free(body);
    return status;
}
