#include "series.h"

#include "verdict.h"

#include "report/document.h"
#include "report/format.h"

#include <math.h>

/* Intervals this much narrower than they are have to be found out. */
static const double sabotage = 0.1;

/* ---- the table ---- */

enum { COLUMNS = 12 };
static const struct column columns[COLUMNS] = {{.key = "measured twice"}, {.key = "load"},
    {.key = "working set", .unit = UNIT_BYTES}, {.key = "runs", .unit = UNIT_COUNT},
    {.key = "interval leaves 1 out", .unit = UNIT_COUNT}, {.key = "true share, 95 %"}, {.key = "chance"},
    {.key = "off by, median / 95th percentile"}, {.key = "half interval, median"},
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
        [7] = pair(percent(verdict.off_median), " / ", percent(verdict.off_p95)),
        [8] = percent(expm1(verdict.half_width)),
        [9] = number("%g", verdict.placements),
        [10] = percent(verdict.disturbed),
        [11] = number("%+.2f", verdict.lag1)};
    table_text(table, row, 0, series->what);
    table_text(table, row, 1, series->loaded ? "made" : "none");
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
    fprintf(stream, "%s %u - %s, %s%s%s: %s\n", ok ? "ok" : "not ok", ++told, series->what,
        series->loaded ? "under load" : "no load made", *set ? ", " : "", set, what);
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

static void all_is_there(const struct series *series, size_t runs, FILE *stream)
{
    size_t missing = 0;
    for (size_t set = 0; set < AA_SETS; set++)
        missing += aa_judge(series->runs, series->count, set, 1).missing;
    point(stream, series->count >= runs && missing == 0, "every run gives an interval", series, "");
    if (series->count < runs || missing)
        fprintf(stream, "# %zu of %zu runs, %zu intervals are missing\n", series->count, runs, missing);
}

void series_points(const struct series *series, size_t count, size_t runs, FILE *stream)
{
    for (size_t i = 0; i < count; i++) {
        all_is_there(&series[i], runs, stream);
        for (size_t set = 0; series[i].asserted && set < AA_SETS; set++)
            intervals_are_right(&series[i], set, stream);
        if (series[i].asserted)
            narrow_ones_are_found_out(&series[i], stream);
    }
    fprintf(stream, "1..%u\n", told);
}
