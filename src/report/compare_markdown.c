#include "report/compare_report.h"

#include "report/format.h"
#include "report/markdown_text.h"
#include "result/words.h"

#include <errno.h>
#include <stdlib.h>

enum { TEXT_BYTES = 96, COLUMNS_MAX = 1 + 3 * COMPARE_FILES_MAX };

/* A row that is being put together. */
struct row {
    char texts[COLUMNS_MAX][TEXT_BYTES];
    const char *cells[COLUMNS_MAX];
    size_t count;
};

static void add(struct row *row, const char *text)
{
    snprintf(row->texts[row->count], TEXT_BYTES, "%s", text);
    row->cells[row->count] = row->texts[row->count];
    row->count++;
}

static void head(struct row *row, const struct compare *compare)
{
    row->count = 0;
    add(row, "cell");
    for (size_t i = 0; i < compare->file_count; i++) {
        char letter[2] = {compare_letter(i), 0};
        add(row, letter);
        if (i) {
            add(row, "change");
            add(row, "95 % interval");
        }
    }
}

/* "3.97 ns", "+12 %", with the quality where it is not good. */
static void add_value(struct row *row, const struct compared *compared, const char *unit)
{
    char text[TEXT_BYTES];
    const struct result_cell *cell = compared->cell;
    bool marked = cell && (cell->quality == QUALITY_NOISY || cell->quality == QUALITY_INTERRUPTED);
    snprintf(text, sizeof text, "%.30s%s%s%s%s%s",
        (unit[0] ? format_ns(compared->value) : format_slowdown(compared->value)).text, unit[0] ? " " : "",
        unit, marked ? " (" : "", marked ? quality_name(cell->quality) : "", marked ? ")" : "");
    add(row, text);
}

static void body(struct row *row, const struct compare *compare, const struct compared_row *from)
{
    row->count = 0;
    row->cells[row->count++] = from->id; /* of any length */
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct compared *compared = &from->files[i];
        add_value(row, compared, from->unit);
        if (i) {
            add(row, format_slowdown(compared->change).text);
            add(row, format_slowdown_interval(compared->low, compared->high, &markdown_style).text);
        }
    }
}

static void write_table(const struct compare *compare, enum metric metric, FILE *stream)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct row row;
    if (!rows->count)
        return;
    fprintf(stream, "### %s, and how they changed from A\n\n",
        metric == METRIC_TIME ? "Medians" : "Slowdowns over their baseline");
    head(&row, compare);
    markdown_row(stream, row.cells, row.count);
    markdown_rule(stream, row.count);
    for (size_t i = 0; i < rows->count; i++) {
        body(&row, compare, &rows->rows[i]);
        markdown_row(stream, row.cells, row.count);
    }
    fputc('\n', stream);
}

static void say(void *context, const char *sentence)
{
    FILE *stream = context;
    fputs("- ", stream);
    markdown_text(stream, sentence);
    fputc('\n', stream);
}

static void write_files(const struct compare *compare, FILE *stream)
{
    char title[COMPARE_TITLE_BYTES];
    for (size_t i = 0; i < compare->file_count; i++) {
        compare_file_title(&compare->files[i], i, title);
        say(stream, title);
    }
}

/* The summary as the terminal has it, each sentence an item of a list. */
static int write_summary(const struct compare *compare, enum metric metric, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_errno(error, errno, "cannot write the summary");
    compare_summary(compare, metric, memory, &markdown_style);
    int status = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to write the summary") : 0;
    if (!status)
        markdown_items(stream, text);
    free(text);
    return status;
}

int compare_markdown(
    const struct compare *compare, const struct compare_request *request, FILE *stream, struct error *error)
{
    write_files(compare, stream);
    if (compare->difference_count)
        fputs("\n**Not only the results differ, but also:**\n\n", stream);
    compare_differences(compare, say, stream);
    fputc('\n', stream);
    for (unsigned i = 0; i < METRICS; i++)
        write_table(compare, (request->metric + i) % METRICS, stream);
    compare_blemishes(compare, say, stream);
    compare_absences(compare, say, stream);
    return write_summary(compare, request->metric, stream, error);
}
