#include "report/compare_report.h"

#include "report/text.h"

struct place {
    FILE *stream;
    const struct report_style *style;
    size_t count;
};

static void say(void *context, const char *sentence)
{
    struct place *place = context;
    place->count++;
    text_paragraph(place->stream, "  ", sentence, place->style);
}

static void write_files(const struct compare *compare, FILE *stream, const struct report_style *style)
{
    char title[COMPARE_TITLE_BYTES];
    for (size_t i = 0; i < compare->file_count; i++) {
        compare_file_title(&compare->files[i], i, title);
        text_paragraph(stream, "", title, style);
    }
    fputc('\n', stream);
}

typedef void part(
    const struct compare *compare, void (*say)(void *context, const char *sentence), void *context);

/* A heading with sentences below it. */
static void write_block(const struct compare *compare, const char *heading, enum ink ink, part *tell,
    FILE *stream, const struct report_style *style)
{
    struct place place = {stream, style, 0};
    fputs(style_on(style, ink), stream);
    text_paragraph(stream, "", heading, style);
    tell(compare, say, &place);
    fprintf(stream, "%s\n", style_off(style, ink));
}

static void count(void *context, const char *sentence)
{
    (void)sentence;
    ++*(size_t *)context;
}

static bool has_any(const struct compare *compare, part *tell)
{
    size_t sentences = 0;
    tell(compare, count, &sentences);
    return sentences > 0;
}

static void write_warnings(const struct compare *compare, FILE *stream, const struct report_style *style)
{
    if (compare->difference_count)
        write_block(compare, "WARNING: not only the results differ, but also:", INK_WARNING,
            compare_differences, stream, style);
    else
        text_paragraph(stream, "",
            "Host, kernel, KVM, vcost and settings are the same, as far as they are told.", style);
    if (!compare->difference_count)
        fputc('\n', stream);
    if (has_any(compare, compare_blemishes))
        write_block(
            compare, "WARNING: not all of it is good:", INK_WARNING, compare_blemishes, stream, style);
}

int compare_terminal(const struct compare *compare, const struct compare_request *request, FILE *stream,
    const struct report_style *style, struct error *error)
{
    int status = 0;
    write_files(compare, stream, style);
    write_warnings(compare, stream, style);
    for (unsigned i = 0; i < METRICS && !status; i++)
        status = compare_table(compare, (request->metric + i) % METRICS, stream, style, error);
    if (compare->absence_count)
        write_block(compare, "Cells that not every file has:", INK_WARNING, compare_absences, stream, style);
    compare_summary(compare, request->metric, stream, style);
    return status;
}
