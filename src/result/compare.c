#include "result/compare.h"

#include "measure/statistics.h"
#include "result/compare_figures.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char compare_letter(size_t file)
{
    return (char)('A' + file);
}

static bool wanted(const char *only, const char *id)
{
    return !only || fnmatch(only, id, 0) == 0;
}

/* ---- the same thing under the same name ---- */

static int check_same(const struct saved *first, const struct saved *other, const struct saved_cell *a,
    const struct saved_cell *b, struct error *error)
{
    if (strcmp(a->workload, b->workload) != 0)
        return error_set(error, EINVAL,
            "%.100s and %.100s cannot be compared: %.80s is the workload \"%.40s\" in one and \"%.40s\" in "
            "the other",
            first->name, other->name, a->id, a->workload, b->workload);
    if (strcmp(a->unit, b->unit) != 0)
        return error_set(error, EINVAL,
            "%.100s and %.100s cannot be compared: %.80s is measured in %s in one and in %s in the other",
            first->name, other->name, a->id, a->unit, b->unit);
    return 0;
}

/* Each file with the first that has the cell. */
static int check_cell(
    const struct compare *compare, size_t file, const struct saved_cell *cell, struct error *error)
{
    for (size_t i = 0; i < file; i++) {
        const struct saved_cell *before = saved_cell(&compare->files[i], cell->id);
        if (before)
            return check_same(&compare->files[i], &compare->files[file], before, cell, error);
    }
    return 0;
}

static int check_files(const struct compare *compare, struct error *error)
{
    int status = 0;
    for (size_t file = 1; file < compare->file_count; file++)
        for (size_t i = 0; !status && i < compare->files[file].cell_count; i++)
            status = check_cell(compare, file, &compare->files[file].cells[i], error);
    return status;
}

/* ---- a change and its interval ---- */

static const char *const no_interval = "an interval needs at least two placements in both files";

static int figures_of(const struct compared *compared, struct figures *figures)
{
    return compared->comparison ? figures_of_comparison(compared->comparison, figures)
                                : figures_of_cell(compared->cell, figures);
}

/* The interval is made from the samples, the change from what the files give as their figures; it is widened
 * to hold it. */
static void set_interval(const struct compared *first, struct compared *other, struct figures figures[2])
{
    other->placements[0] = figures[0].count;
    other->placements[1] = figures[1].count;
    if (figures[0].count < 2 || figures[1].count < 2) {
        other->reason = no_interval;
    } else if (!figures_hold(&figures[0], first->value) || !figures_hold(&figures[1], other->value)) {
        other->reason = "the figure is not one of its samples, so that they tell nothing about it";
    } else {
        struct estimate ratio =
            statistics_ratio(figures[1].values, figures[1].count, figures[0].values, figures[0].count);
        other->low = fmin(ratio.low, other->change);
        other->high = fmax(ratio.high, other->change);
    }
}

static int set_change(const struct compared *first, struct compared *other)
{
    struct figures figures[2] = {{0}, {0}};
    if (!other->cell || isnan(first->value) || isnan(other->value)) {
        other->reason = other->cell ? "one of the two files has no figure" : "the file does not have it";
        return 0;
    }
    if (!(first->value > 0) || !(other->value > 0)) {
        other->reason = "there is no ratio of figures that are not above 0";
        return 0;
    }
    other->change = other->value / first->value;
    int status = figures_of(first, &figures[0]);
    if (!status)
        status = figures_of(other, &figures[1]);
    if (!status)
        set_interval(first, other, figures);
    figures_free(&figures[0]);
    figures_free(&figures[1]);
    return status;
}

/* ---- rows ---- */

static struct compared compared_cell(const struct saved_cell *cell)
{
    return (struct compared){
        .cell = cell, .value = cell ? cell->median : NAN, .change = NAN, .low = NAN, .high = NAN};
}

static struct compared compared_comparison(const struct saved_comparison *comparison)
{
    return (struct compared){.cell = comparison ? comparison->cell : NULL,
        .comparison = comparison,
        .value = comparison ? comparison->ratio : NAN,
        .change = NAN,
        .low = NAN,
        .high = NAN};
}

static int rows_create(struct compared_rows *rows, size_t most, size_t file_count)
{
    rows->rows = calloc(most + 1, sizeof *rows->rows);
    rows->room = calloc(most + 1, file_count * sizeof *rows->room);
    return rows->rows && rows->room ? 0 : -ENOMEM;
}

/* Keeps the row that was filled in behind the last one if more than the first file has it. */
static int keep_row(struct compared_rows *rows, size_t file_count)
{
    struct compared_row *row = &rows->rows[rows->count];
    size_t others = 0;
    int status = 0;
    for (size_t file = 1; !status && file < file_count; file++) {
        others += row->files[file].cell != NULL;
        status = set_change(&row->files[0], &row->files[file]);
    }
    rows->count += others > 0;
    return status;
}

static int add_times(struct compare *compare, const char *only)
{
    const struct saved *first = &compare->files[0];
    struct compared_rows *rows = &compare->metrics[METRIC_TIME];
    int status = rows_create(rows, first->cell_count, compare->file_count);
    for (size_t i = 0; !status && i < first->cell_count; i++) {
        const struct saved_cell *cell = &first->cells[i];
        struct compared *files = rows->room + rows->count * compare->file_count;
        if (!wanted(only, cell->id))
            continue;
        rows->rows[rows->count] = (struct compared_row){.id = cell->id, .unit = cell->unit, .files = files};
        for (size_t file = 0; file < compare->file_count; file++)
            files[file] = compared_cell(saved_cell(&compare->files[file], cell->id));
        status = keep_row(rows, compare->file_count);
    }
    return status;
}

static int add_slowdowns(struct compare *compare, const char *only)
{
    const struct saved *first = &compare->files[0];
    struct compared_rows *rows = &compare->metrics[METRIC_SLOWDOWN];
    int status = rows_create(rows, first->comparison_count, compare->file_count);
    for (size_t i = 0; !status && i < first->comparison_count; i++) {
        const char *id = first->comparisons[i].cell->id, *baseline = first->comparisons[i].baseline->id;
        struct compared *files = rows->room + rows->count * compare->file_count;
        if (!wanted(only, id))
            continue;
        rows->rows[rows->count] =
            (struct compared_row){.id = id, .baseline = baseline, .unit = "", .files = files};
        for (size_t file = 0; file < compare->file_count; file++)
            files[file] = compared_comparison(saved_comparison(&compare->files[file], id, baseline));
        status = keep_row(rows, compare->file_count);
    }
    return status;
}

/* ---- cells that are not everywhere ---- */

static bool told_before(const struct compare *compare, size_t file, const char *id)
{
    for (size_t i = 0; i < file; i++)
        if (saved_cell(&compare->files[i], id))
            return true;
    return false;
}

static bool everywhere(const struct compare *compare, const char *id, struct compared_absence *absence)
{
    bool all = true;
    absence->id = id;
    for (size_t i = 0; i < compare->file_count; i++)
        all &= absence->has[i] = saved_cell(&compare->files[i], id) != NULL;
    return all;
}

static int add_absences(struct compare *compare, const char *only)
{
    size_t most = 0;
    for (size_t file = 0; file < compare->file_count; file++)
        most += compare->files[file].cell_count;
    compare->absences = calloc(most + 1, sizeof *compare->absences);
    if (!compare->absences)
        return -ENOMEM;
    for (size_t file = 0; file < compare->file_count; file++)
        for (size_t i = 0; i < compare->files[file].cell_count; i++) {
            const char *id = compare->files[file].cells[i].id;
            struct compared_absence absence = {0};
            if (wanted(only, id) && !told_before(compare, file, id) && !everywhere(compare, id, &absence))
                compare->absences[compare->absence_count++] = absence;
        }
    return 0;
}

/* ---- all of it ---- */

static int nothing_in_common(const struct compare *compare, const char *only, struct error *error)
{
    const struct saved *first = &compare->files[0], *second = &compare->files[1];
    if (only)
        return error_set(error, EINVAL, "no cell that \"%.100s\" matches is in %.100s and in another file",
            only, first->name);
    return error_set(error, EINVAL,
        "there is nothing to compare: no cell of %.100s (%.40s) is in %.100s (%.40s)%s", first->name,
        first->experiment, second->name, second->experiment,
        compare->file_count > 2 ? " or in another file" : "");
}

static int arrange(struct compare *compare, const char *only)
{
    int status = add_times(compare, only);
    if (!status)
        status = add_slowdowns(compare, only);
    if (!status)
        status = add_absences(compare, only);
    return status ? status : compare_facts(compare);
}

int compare_make(const struct saved *files, size_t file_count, const char *only, struct compare *compare,
    struct error *error)
{
    struct compare made = {.files = files, .file_count = file_count};
    int status = check_files(&made, error);
    if (!status && (status = arrange(&made, only)))
        error_set(error, ENOMEM, "not enough memory to compare the results");
    if (!status && !made.metrics[METRIC_TIME].count)
        status = nothing_in_common(&made, only, error);
    if (status)
        compare_free(&made);
    else
        *compare = made;
    return status;
}

void compare_free(struct compare *compare)
{
    for (enum metric metric = 0; metric < METRICS; metric++) {
        free(compare->metrics[metric].rows);
        free(compare->metrics[metric].room);
    }
    free(compare->absences);
    free(compare->differences);
    *compare = (struct compare){0};
}

/* ---- what came out ---- */

static bool larger(const struct compared_row *row, const struct compared_row *than, size_t file)
{
    return !than || row->files[file].change > than->files[file].change;
}

struct compared_tally compare_count(const struct compare *compare, enum metric metric, size_t file)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct compared_tally tally = {0};
    for (size_t i = 0; i < rows->count; i++) {
        const struct compared *compared = &rows->rows[i].files[file];
        if (!compared->cell)
            continue;
        enum verdict verdict = verdict_of(compared->low, compared->high);
        tally.of[verdict]++;
        if (verdict == VERDICT_SLOWER && larger(&rows->rows[i], tally.largest, file))
            tally.largest = &rows->rows[i];
    }
    return tally;
}

const struct compared *compare_worst(
    const struct compare *compare, enum metric metric, const struct compared_row **row)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    const struct compared *worst = NULL;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t file = 1; file < compare->file_count; file++) {
            const struct compared *each = &rows->rows[i].files[file];
            if (!isnan(each->low) && (!worst || each->low > worst->low)) {
                worst = each;
                *row = &rows->rows[i];
            }
        }
    return worst;
}

size_t compare_above(const struct compare *compare, enum metric metric, double percent)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t file = 1; file < compare->file_count; file++)
            count += (rows->rows[i].files[file].low - 1) * 100 > percent;
    return count;
}
