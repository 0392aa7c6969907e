#include "report/notes.h"

#include "report/format.h"
#include "report/text.h"
#include "result/words.h"

#include <stdio.h>
#include <string.h>

enum { SIZES_NAMED = 4, NOTES_NAMED = 8 };

static const struct {
    const char *mark, *meaning;
} marks[] = {
    [QUALITY_GOOD] = {"", ""},
    [QUALITY_NOISY] = {"~", "noisy"},
    [QUALITY_INTERRUPTED] = {"!", "interrupted: fewer placements than planned"},
    [QUALITY_MISSING] = {"-", "not measured"},
};

const char *note_mark(const struct curve_point *point)
{
    return marks[point_measured(point) ? point->cell->quality : QUALITY_MISSING].mark;
}

/* Why there is something to say about a point; NULL if there is not. */
static const char *reason_of(const struct result *result, const struct curve_point *point)
{
    const char *reason;
    if (!point->cell)
        return result->complete || !result->incomplete_reason[0] ? "this cell was not part of the experiment"
                                                                 : result->incomplete_reason;
    reason = cell_reason(point->cell);
    if (!reason && point->against)
        reason = comparison_reason(point->against);
    return reason;
}

/* Whether this point tells the same as point k of its curve. */
static bool same_note(const struct result *result, const struct curve *curve, size_t i, size_t k)
{
    const char *a = reason_of(result, &curve->points[i]), *b = reason_of(result, &curve->points[k]);
    return a && b && !strcmp(a, b) && !strcmp(note_mark(&curve->points[i]), note_mark(&curve->points[k]));
}

static bool told_before(const struct result *result, const struct curve *curve, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_note(result, curve, i, at))
            return true;
    return false;
}

/* "4 KiB, 64 KiB, 1 MiB and 3 more": the working sets that share the note of point `at`. */
static void sizes_of_note(const struct result *result, const struct curve_group *group,
    const struct curve *curve, size_t at, char sizes[128])
{
    size_t used = 0, count = 0;
    for (size_t i = at; i < group->working_set_count; i++) {
        if (!same_note(result, curve, at, i))
            continue;
        if (count++ < SIZES_NAMED)
            used += (size_t)snprintf(sizes + used, 128 - used, "%s%.16s", count > 1 ? ", " : "",
                format_size(group->working_sets[i]).text);
    }
    if (count > SIZES_NAMED)
        snprintf(sizes + used, 128 - used, " and %zu more", count - SIZES_NAMED);
}

static void write_note(const struct result *result, const struct curve_group *group,
    const struct curve *curve, size_t at, FILE *stream, const struct report_style *style)
{
    char sizes[128], text[640];
    const char *mark = note_mark(&curve->points[at]);
    sizes_of_note(result, group, curve, at, sizes);
    snprintf(text, sizeof text, "%s%s%s at %s: %s", mark, mark[0] ? " " : "", curve->title, sizes,
        reason_of(result, &curve->points[at]));
    text_paragraph(stream, "  ", text, style);
}

/* Writes a curve's notes; *told counts them, and those beyond the limit are only counted. */
static void curve_notes(const struct result *result, const struct curve_group *group,
    const struct curve *curve, size_t *told, FILE *stream, const struct report_style *style)
{
    for (size_t i = 0; i < group->working_set_count; i++) {
        if (!reason_of(result, &curve->points[i]) || told_before(result, curve, i))
            continue;
        if (++*told <= NOTES_NAMED)
            write_note(result, group, curve, i, stream, style);
    }
}

static bool uses_mark(const struct curve_group *group, const char *mark)
{
    for (size_t c = 0; c < group->curve_count; c++)
        for (size_t p = 0; p < group->working_set_count; p++)
            if (!strcmp(note_mark(&group->curves[c].points[p]), mark))
                return true;
    return false;
}

static void write_legend(const struct curve_group *group, FILE *stream, const struct report_style *style)
{
    char text[160] = "";
    size_t used = 0;
    for (size_t i = QUALITY_NOISY; i < sizeof marks / sizeof *marks; i++)
        if (uses_mark(group, marks[i].mark))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", used ? ";  " : "",
                marks[i].mark, marks[i].meaning);
    if (used)
        text_paragraph(stream, "", text, style);
}

void notes_write(const struct result *result, const struct curve_group *group, FILE *stream,
    const struct report_style *style)
{
    size_t told = 0;
    fputs(style_on(style, INK_FAINT), stream);
    write_legend(group, stream, style);
    for (size_t i = 0; i < group->curve_count; i++)
        curve_notes(result, group, &group->curves[i], &told, stream, style);
    if (told > NOTES_NAMED)
        fprintf(stream, "  and %zu more: see \"reason\" in --json\n", told - NOTES_NAMED);
    fprintf(stream, "%s%s", style_off(style, INK_FAINT), told ? "\n" : "");
}
