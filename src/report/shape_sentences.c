#include "report/shape_sentences.h"

#include "report/format.h"
#include "report/text.h"

#include <math.h>

enum { CELLS_NAMED = 3, NAME_BYTES = 128, FIGURE_BYTES = 96, PARAGRAPH_BYTES = 1024 };

/* ---- the figures of one cell ---- */

/* How far apart the modes are, as a logarithm; 0: there are none. */
static double distance(const struct modes *modes)
{
    return modes->two && modes->low > 0 ? log(modes->high / modes->low) : 0;
}

static double modes_of_samples(const struct result_cell *cell)
{
    return cell->modes.of_placements ? 0 : distance(&cell->modes);
}
static double modes_of_placements(const struct result_cell *cell)
{
    return cell->modes.of_placements ? distance(&cell->modes) : 0;
}
static double trend(const struct result_cell *cell)
{
    return fabs(cell->trend_percent);
}
static double drift(const struct result_cell *cell)
{
    return fabs(cell->drift_percent);
}

static void modes_figure(
    const struct result_cell *cell, const struct report_style *style, char figure[static FIGURE_BYTES])
{
    snprintf(figure, FIGURE_BYTES, "%.24s, and %.24s in %.0f %%", format_time(cell->modes.low, style).text,
        format_time(cell->modes.high, style).text, 100 * cell->modes.share_high);
}
static void trend_figure(
    const struct result_cell *cell, const struct report_style *style, char figure[static FIGURE_BYTES])
{
    (void)style;
    snprintf(figure, FIGURE_BYTES, "%s", format_slowdown(1 + cell->trend_percent / 100).text);
}
static void drift_figure(
    const struct result_cell *cell, const struct report_style *style, char figure[static FIGURE_BYTES])
{
    (void)style;
    snprintf(figure, FIGURE_BYTES, "%s", format_slowdown(1 + cell->drift_percent / 100).text);
}

/* What there is to tell: "In 3 of 42 cells <what>: <cell> (<figure>), ... <then>". */
static const struct kind {
    double (*size)(const struct result_cell *cell); /* 0: this cell has it not */
    void (*figure)(const struct result_cell *cell, const struct report_style *style, char *figure);
    const char *what, *then;
} kinds[] = {
    {modes_of_samples, modes_figure, "samples fall into two groups, so that their median stands for neither",
        "Something comes and goes there: a neighbour, another frequency, a shared cache."},
    {modes_of_placements, modes_figure,
        "placements fall into two groups, so that their median stands for neither",
        "There it matters which memory a placement got. The more placements, the surer the shares."},
    {trend, trend_figure, "samples rise or fall from the first of a placement to its last",
        "Ratios are made from neighbouring samples and hardly concerned."},
    {drift, drift_figure, "medians rise or fall from the first placement to the last",
        "Ratios are made within placements and hardly concerned."},
};

/* ---- the cells that are named ---- */

struct named {
    const struct result_cell *cells[CELLS_NAMED]; /* the largest first */
    size_t count, all;
};

static void insert(const struct kind *kind, const struct result_cell *cell, struct named *named)
{
    size_t at = named->count < CELLS_NAMED ? named->count++ : CELLS_NAMED;
    for (; at > 0 && kind->size(cell) > kind->size(named->cells[at - 1]); at--)
        if (at < CELLS_NAMED)
            named->cells[at] = named->cells[at - 1];
    if (at < CELLS_NAMED)
        named->cells[at] = cell;
}

static struct named find(const struct kind *kind, const struct result *result)
{
    struct named named = {0};
    for (size_t i = 0; i < result->cell_count; i++)
        if (kind->size(&result->cells[i]) > 0) {
            named.all++;
            insert(kind, &result->cells[i], &named);
        }
    return named;
}

/* "native at 8 MiB", "native: cpuid", "native: page-fault, 64 KiB" */
static void cell_name(const struct result_cell *cell, char name[static NAME_BYTES])
{
    const char *event = cell->cell.event.name;
    uint64_t bytes = cell->cell.event.bytes;
    if (!event)
        snprintf(name, NAME_BYTES, "%s at %.24s", cell->label,
            format_size(cell->cell.chase.working_set_bytes).text);
    else
        snprintf(name, NAME_BYTES, "%s: %.40s%s%.24s", cell->label, event, bytes ? ", " : "",
            bytes ? format_size(bytes).text : "");
}

static void write_kind(const struct kind *kind, const struct named *named, const struct result *result,
    FILE *stream, const struct report_style *style)
{
    char text[PARAGRAPH_BYTES];
    size_t used = (size_t)snprintf(
        text, sizeof text, "In %zu of %zu cells %s: ", named->all, result->cell_count, kind->what);
    for (size_t i = 0; i < named->count; i++) {
        char name[NAME_BYTES], figure[FIGURE_BYTES];
        cell_name(named->cells[i], name);
        kind->figure(named->cells[i], style, figure);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s (%s)", i ? "; " : "", name, figure);
    }
    if (named->all > named->count)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "; and %zu more", named->all - named->count);
    snprintf(text + used, sizeof text - used, ". %s", kind->then);
    text_paragraph(stream, "", text, style);
}

void shape_sentences_write(const struct result *result, FILE *stream, const struct report_style *style)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct named named = find(&kinds[i], result);
        if (named.all)
            write_kind(&kinds[i], &named, result, stream, style);
    }
}
