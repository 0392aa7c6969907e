#include "report/markdown.h"

#include "result/baseline.h"
#include "report/curves.h"
#include "report/format.h"
#include "report/markdown_text.h"
#include "report/notes.h"
#include "report/summary.h"
#include "report/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table of a group ---- */

enum { TEXT_BYTES = 96, CURVE_COLUMNS = 3 };

/* A row that is being put together. */
struct row {
    char (*texts)[TEXT_BYTES];
    const char **cells;
    size_t count;
};

static void add(struct row *row, const char *text, const char *mark)
{
    snprintf(row->texts[row->count], TEXT_BYTES, "%.80s%s%s", text, mark[0] ? " " : "", mark);
    row->cells[row->count] = row->texts[row->count];
    row->count++;
}

static void head(struct row *row, const struct curve_group *group)
{
    row->count = 0;
    add(row, "working set", "");
    for (size_t i = 0; i < group->curve_count; i++) {
        add(row, group->curves[i].title, "(ns)");
        if (group->curves[i].compared) {
            add(row, "slowdown", "");
            add(row, "95 % interval", "");
        }
    }
}

static void body(struct row *row, const struct curve_group *group, size_t at)
{
    row->count = 0;
    add(row, format_size(group->working_sets[at]).text, "");
    for (size_t i = 0; i < group->curve_count; i++) {
        const struct curve_point *point = &group->curves[i].points[at];
        const struct result_comparison *against = point_compared(point) ? point->against : NULL;
        bool measured = point_measured(point);
        add(row, measured ? format_ns(point->cell->median).text : "-", measured ? note_mark(point) : "");
        if (group->curves[i].compared) {
            add(row, against ? format_slowdown(against->ratio).text : "-", "");
            add(row,
                against ? format_slowdown_interval(against->low, against->high, &markdown_style).text : "-",
                "");
        }
    }
}

static void write_rows(FILE *stream, const struct curve_group *group, struct row *row)
{
    fputs("### pointer chase, ", stream);
    markdown_text(stream, group->name);
    fputs(": ns per access\n\n", stream);
    head(row, group);
    markdown_row(stream, row->cells, row->count);
    markdown_rule(stream, row->count);
    for (size_t at = 0; at < group->working_set_count; at++) {
        body(row, group, at);
        markdown_row(stream, row->cells, row->count);
    }
    fputc('\n', stream);
}

static int write_group(FILE *stream, const struct curve_group *group)
{
    size_t most = 1 + CURVE_COLUMNS * group->curve_count;
    struct row row = {calloc(most, sizeof *row.texts), calloc(most, sizeof *row.cells), 0};
    bool room = row.texts && row.cells;
    if (room)
        write_rows(stream, group, &row);
    free(row.texts);
    free((void *)row.cells);
    return room ? 0 : -ENOMEM;
}

/* ---- the sentences ---- */

static int write_sentences(
    const struct result *result, const struct curves *curves, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_errno(error, errno, "cannot write the summary");
    for (size_t i = 0; i < curves->group_count; i++)
        notes_write(result, &curves->groups[i], memory, &markdown_style);
    int status = summary_write(result, curves, memory, &markdown_style, error);
    if (fclose(memory) && !status)
        status = error_set(error, ENOMEM, "not enough memory to write the summary");
    if (!status)
        markdown_items(stream, text);
    free(text);
    return status;
}

static void write_headline(const struct result *result, FILE *stream)
{
    char cpu[BASELINE_BYTES], note[BASELINE_BYTES], line[3 * BASELINE_BYTES + 200];
    const struct fact *kernel = &result->host.kernel;
    baseline_cpu(&result->host, cpu);
    baseline_note(&result->host, note);
    snprintf(line, sizeof line, "%s%s%s%s%s", cpu, kernel->known ? ", Linux " : "",
        kernel->known ? kernel->text : "", note[0] ? "; " : "", note);
    markdown_text(stream, line);
    fputs("\n\n", stream);
}

static int write_curves(const struct result *result, FILE *stream, struct error *error)
{
    struct curves curves;
    int status = curves_from_result(result, &curves, error);
    if (status)
        return status;
    for (size_t i = 0; i < curves.group_count && !status; i++)
        if (write_group(stream, &curves.groups[i]))
            status = error_set(error, ENOMEM, "not enough memory to write the table");
    if (!status)
        status = write_sentences(result, &curves, stream, error);
    curves_free(&curves);
    return status;
}

int markdown_write(const struct result *result, FILE *stream, struct error *error)
{
    if (terminal_is_viewed(result))
        return terminal_view(result, "markdown", stream, &markdown_style, error);
    write_headline(result, stream);
    return write_curves(result, stream, error);
}
