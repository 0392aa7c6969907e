#include "series.h"

#include "verdict.h"

#include "report/document.h"
#include "report/format.h"

#include <math.h>

/* Intervals this much narrower than they are have to be found out. */
static const double sabotage = 0.1;

/* ---- the table ---- */

enum { COLUMNS = 13 };
static const struct column columns[COLUMNS] = {{.key = "measured twice"}, {.key = "load"},
    {.key = "working set", .unit = UNIT_BYTES}, {.key = "runs", .unit = UNIT_COUNT},
    {.key = "interval leaves 1 out", .unit = UNIT_COUNT}, {.key = "true share, 95 %"}, {.key = "chance"},
    {.key = "ratios above 1"}, {.key = "off by, median / 95th percentile"}, {.key = "half interval, median"},
    {.key = "placements a side"}, {.key = "disturbed samples"}, {.key = "lag-1 autocorrelation"}};

static struct formatted percent(double value)
{
    struct formatted made = {"-"};
    if (!isnan(value))
        snprintf(made.text, sizeof made.text, "%.2f %%", 100 * value);
    return made;
}

static struct formatted pair(struct formatted a, const char *between, struct formatted b)
{
    struct formatted made;
    snprintf(made.text, sizeof made.text, "%.20s%s%.20s", a.text, between, b.text);
    return made;
}

static struct formatted number(const char *format, double value)
{
    struct formatted made = {"-"};
    if (!isnan(value))
        snprintf(made.text, sizeof made.text, format, value);
    return made;
}

static void fill_row(
    const struct series *series, size_t set, struct document *document, struct table *table, size_t row)
{
    struct aa_verdict verdict = aa_judge(series->runs, series->count, set, 1);
    const struct formatted texts[COLUMNS] = {
        [5] = pair(percent(verdict.share.low), " … ", percent(verdict.share.high)),
        [6] = number("%.3g", verdict.chance),
        [7] = pair(number("%.0f", (double)verdict.over), " of ", number("%.0f", (double)verdict.ratios)),
        [8] = pair(percent(verdict.off_median), " / ", percent(verdict.off_p95)),
        [9] = percent(expm1(verdict.half_width)),
        [10] = number("%g", verdict.placements),
        [11] = percent(verdict.disturbed),
        [12] = number("%+.2f", verdict.lag1)};
    table_text(table, row, 0, series->what);
    table_text(table, row, 1, load_names[series->load]);
    table_number(table, row, 2, (double)aa_working_sets[set]);
    table_number(table, row, 3, (double)verdict.runs);
    table_number(table, row, 4, (double)verdict.wrong);
    for (size_t column = 5; column < COLUMNS; column++)
        table_text(table, row, column, document_text(document, "%s", texts[column].text));
}

int series_markdown(
    const struct series *series, size_t count, const char *head, FILE *stream, struct error *error)
{
    struct document document = {0};
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += series[i].count ? AA_SETS : 0;
    document_say(&document, BLOCK_SENTENCE, "%s", head);
    struct table *table = document_table(&document, "series", NULL, columns, COLUMNS, rows);
    for (size_t i = 0, row = 0; i < count; i++)
        for (size_t set = 0; series[i].count && set < AA_SETS; set++)
            fill_row(&series[i], set, &document, table, row++);
    int rc = document_write(&document, format_named("markdown"), stream, NULL, error);
    document_free(&document);
    return rc;
}

/* ---- the points ---- */

static unsigned told;

static void point(FILE *stream, bool ok, const char *what, const struct series *series, const char *set)
{
    fprintf(stream, "%s %u - %s, load: %s%s%s: %s\n", ok ? "ok" : "not ok", ++told, series->what,
        load_names[series->load], *set ? ", " : "", set, what);
}

static void intervals_are_right(const struct series *series, size_t set, FILE *stream)
{
    struct aa_verdict verdict = aa_judge(series->runs, series->count, set, 1);
    point(stream, aa_holds(&verdict), "95 % intervals are as right as they say", series,
        format_size(aa_working_sets[set]).text);
    if (!aa_holds(&verdict))
        fprintf(stream, "# %zu of %zu intervals leave 1 out: by chance with a probability of %.2g\n",
            verdict.wrong, verdict.runs, verdict.chance);
}

/* Also of two results one after the other: neither is the slower one by its place. */
static void sides_are_alike(const struct series *series, size_t set, FILE *stream)
{
    struct aa_verdict verdict = aa_judge(series->runs, series->count, set, 1);
    point(stream, aa_sides_alike(&verdict), "as many ratios are above 1 as below", series,
        format_size(aa_working_sets[set]).text);
    if (!aa_sides_alike(&verdict))
        fprintf(stream, "# %zu of %zu are above: by chance with a probability of %.2g\n", verdict.over,
            verdict.ratios, verdict.side_chance);
}

/* The check above finds too narrow intervals, with these very runs. */
static void narrow_ones_are_found_out(const struct series *series, FILE *stream)
{
    size_t found = 0;
    for (size_t set = 0; set < AA_SETS; set++) {
        struct aa_verdict verdict = aa_judge(series->runs, series->count, set, sabotage);
        found += !aa_holds(&verdict);
    }
    point(stream, found == AA_SETS, "intervals a tenth as wide would be found out", series, "");
    if (found < AA_SETS)
        fprintf(stream, "# found out in %zu of %d working sets\n", found, AA_SETS);
}

/* Fewer than a quarter of disturbed samples leave two placements with an undisturbed pair, and so an
 * interval. With more there may be none, rather than one of disturbed pairs. */
static void all_is_there(const struct series *series, FILE *stream)
{
    size_t missing = 0, unexplained = 0;
    for (size_t i = 0; i < series->count; i++)
        for (size_t set = 0; set < AA_SETS; set++) {
            const struct aa_figure *figure = &series->runs[i].sets[set];
            missing += isnan(figure->low);
            unexplained += isnan(figure->low) && 4 * figure->disturbed < figure->samples;
        }
    point(stream, series->count >= series->wanted && !unexplained,
        "every run that is not disturbed gives an interval", series, "");
    fprintf(stream, "# %zu of %zu runs; %zu of %zu intervals are missing\n", series->count, series->wanted,
        missing, AA_SETS * series->count);
}

static bool are_enough(const struct series *series)
{
    bool enough = true;
    for (size_t set = 0; set < AA_SETS; set++)
        enough &= 2 * aa_judge(series->runs, series->count, set, 1).runs >= series->wanted;
    return enough;
}

void series_points(const struct series *series, size_t count, FILE *stream)
{
    for (size_t i = 0; i < count; i++) {
        all_is_there(&series[i], stream);
        for (size_t set = 0; set < AA_SETS; set++) {
            if (series[i].asserted)
                intervals_are_right(&series[i], set, stream);
            sides_are_alike(&series[i], set, stream);
        }
        if (series[i].asserted && are_enough(&series[i])) /* fewer show nothing */
            narrow_ones_are_found_out(&series[i], stream);
    }
    fprintf(stream, "1..%u\n", told);
}
