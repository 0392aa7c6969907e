#include "result/compare.h"

#include "result/figures.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char compare_letter(size_t file)
{
    return (char)('A' + file);
}

/* ---- cells and comparisons by their ids ---- */

struct by_id {
    const char *id, *baseline; /* of the cell, and of what it is relative to; "" for a cell alone */
    const void *found;
};

struct index {
    struct by_id *cells, *comparisons; /* sorted */
    size_t cell_count, comparison_count;
};

/* What is compared, while it is. */
struct comparing {
    struct compare *compare;
    struct index indices[COMPARE_FILES_MAX];
    const char *only;
};

static int order(const void *a, const void *b)
{
    const struct by_id *x = a, *y = b;
    int ids = strcmp(x->id, y->id);
    return ids ? ids : strcmp(x->baseline, y->baseline);
}

static void index_result(struct pool *pool, const struct result *result, struct index *index)
{
    index->cells = pool_room(pool, result->cell_count, sizeof *index->cells);
    index->comparisons = pool_room(pool, result->comparison_count, sizeof *index->comparisons);
    if (pool->failed)
        return;
    for (size_t i = 0; i < result->cell_count; i++)
        index->cells[index->cell_count++] = (struct by_id){result->cells[i].id, "", &result->cells[i]};
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        index->comparisons[index->comparison_count++] = (struct by_id){
            result->cells[comparison->cell].id, result->cells[comparison->baseline].id, comparison};
    }
    if (index->cell_count)
        qsort(index->cells, index->cell_count, sizeof *index->cells, order);
    if (index->comparison_count)
        qsort(index->comparisons, index->comparison_count, sizeof *index->comparisons, order);
}

/* NULL if there is none. */
static const void *look_up(const struct by_id *sorted, size_t count, const char *id, const char *baseline)
{
    const struct by_id key = {id, baseline, NULL}, *found = NULL;
    if (count)
        found = bsearch(&key, sorted, count, sizeof key, order);
    return found ? found->found : NULL;
}

static const struct result_cell *cell_of(const struct comparing *comparing, size_t file, const char *id)
{
    const struct index *index = &comparing->indices[file];
    return look_up(index->cells, index->cell_count, id, "");
}

static bool wanted(const struct comparing *comparing, const char *id)
{
    return !comparing->only || fnmatch(comparing->only, id, 0) == 0;
}

/* ---- the same thing under the same name ---- */

static const char *unit_of(const struct result_cell *cell)
{
    return cell->unit ? cell->unit : "ns";
}

static int check_same(const struct compare_input *first, const struct compare_input *other,
    const struct result_cell *a, const struct result_cell *b, struct error *error)
{
    if (strcmp(cell_workload(a), cell_workload(b)) != 0)
        return error_set(error, EINVAL,
            "%.100s and %.100s cannot be compared: %.80s is the workload \"%.40s\" in one and \"%.40s\" in "
            "the other",
            first->name, other->name, a->id, cell_workload(a), cell_workload(b));
    if (strcmp(unit_of(a), unit_of(b)) != 0)
        return error_set(error, EINVAL,
            "%.100s and %.100s cannot be compared: %.80s is measured in %s in one and in %s in the other",
            first->name, other->name, a->id, unit_of(a), unit_of(b));
    return 0;
}

/* Each cell with that of the first file that has it. */
static int check_files(const struct comparing *comparing, struct error *error)
{
    const struct compare *compare = comparing->compare;
    int status = 0;
    for (size_t file = 1; file < compare->file_count; file++)
        for (size_t i = 0; !status && i < compare->files[file].result->cell_count; i++) {
            const struct result_cell *cell = &compare->files[file].result->cells[i], *before = NULL;
            size_t first = 0;
            while (first < file && !(before = cell_of(comparing, first, cell->id)))
                first++;
            if (before)
                status = check_same(&compare->files[first], &compare->files[file], before, cell, error);
        }
    return status;
}

/* ---- a change and its interval ---- */

/* Whether `value`, which the file gives as the figure of all placements, can have been made from these: they
 * are positive, and it is among them. */
static bool is_made_of(double value, const struct figures *figures)
{
    bool below = false, above = false;
    const double rounding = 1e-6; /* files keep ten digits */
    for (size_t i = 0; i < figures->count; i++) {
        if (!(figures->values[i] > 0))
            return false;
        below |= figures->values[i] <= value * (1 + rounding);
        above |= figures->values[i] >= value * (1 - rounding);
    }
    return below && above;
}

/* The interval is made from the samples, the change from what the files give as their figures; it is widened
 * to hold it. */
static void set_interval(
    const struct compared *first, struct compared *other, const struct figures figures[2])
{
    other->placements[0] = figures[0].count;
    other->placements[1] = figures[1].count;
    if (figures[0].count < 2 || figures[1].count < 2) {
        other->reason = "an interval needs at least two placements in both files";
    } else if (!is_made_of(first->value, &figures[0]) || !is_made_of(other->value, &figures[1])) {
        other->reason = "the figure is not one of its samples, so that they tell nothing about it";
    } else {
        struct estimate ratio =
            statistics_ratio(figures[1].values, figures[1].count, figures[0].values, figures[0].count);
        other->low = fmin(ratio.low, other->change);
        other->high = fmax(ratio.high, other->change);
    }
}

static struct figures figures_of(struct compare *compare, size_t file, const struct compared *compared)
{
    struct figures figures = {0};
    const struct result *result = compare->files[file].result;
    int status = compared->comparison ? figures_ratios(&result->cells[compared->comparison->cell],
                                            &result->cells[compared->comparison->baseline], &figures)
                                      : figures_medians(compared->cell, &figures);
    compare->pool.failed |= status < 0;
    return figures;
}

static void set_change(
    struct compare *compare, size_t file, const struct compared *first, struct compared *other)
{
    if (!other->cell || isnan(first->value) || isnan(other->value)) {
        other->reason = other->cell ? "one of the two files has no figure" : "the file does not have it";
        return;
    }
    if (!(first->value > 0) || !(other->value > 0)) {
        other->reason = "there is no ratio of figures that are not above 0";
        return;
    }
    other->change = other->value / first->value;
    struct figures figures[] = {figures_of(compare, 0, first), figures_of(compare, file, other)};
    set_interval(first, other, figures);
    free(figures[0].values);
    free(figures[1].values);
}

/* ---- rows ---- */

static struct compared compared_in(
    const struct comparing *comparing, size_t file, const struct compared_row *row)
{
    const struct index *index = &comparing->indices[file];
    struct compared compared = {.value = NAN, .change = NAN, .low = NAN, .high = NAN};
    if (!row->baseline) {
        compared.cell = cell_of(comparing, file, row->id);
        compared.value = compared.cell ? compared.cell->median : NAN;
    } else if ((compared.comparison =
                       look_up(index->comparisons, index->comparison_count, row->id, row->baseline))) {
        compared.cell = &comparing->compare->files[file].result->cells[compared.comparison->cell];
        compared.value = compared.comparison->ratio;
    }
    compared.flaw = compared.cell ? cell_reason(compared.cell) : NULL;
    return compared;
}

/* Adds the row unless the first file alone has it. */
static void add_row(struct comparing *comparing, enum metric metric, struct compared_row row)
{
    struct compare *compare = comparing->compare;
    struct compared_rows *rows = &compare->metrics[metric];
    size_t others = 0;
    if (!wanted(comparing, row.id))
        return;
    row.files = pool_room(&compare->pool, compare->file_count, sizeof *row.files);
    for (size_t file = 0; row.files && file < compare->file_count; file++) {
        row.files[file] = compared_in(comparing, file, &row);
        if (file)
            set_change(compare, file, &row.files[0], &row.files[file]);
        others += file && row.files[file].cell;
    }
    if (others)
        rows->rows[rows->count++] = row;
}

static void add_rows(struct comparing *comparing)
{
    struct compare *compare = comparing->compare;
    const struct result *first = compare->files[0].result;
    struct compared_row *times = pool_room(&compare->pool, first->cell_count, sizeof *times);
    struct compared_row *slowdowns = pool_room(&compare->pool, first->comparison_count, sizeof *slowdowns);
    compare->metrics[METRIC_TIME].rows = times;
    compare->metrics[METRIC_SLOWDOWN].rows = slowdowns;
    for (size_t i = 0; times && i < first->cell_count; i++)
        add_row(comparing, METRIC_TIME,
            (struct compared_row){.id = first->cells[i].id, .unit = unit_of(&first->cells[i])});
    for (size_t i = 0; slowdowns && i < first->comparison_count; i++)
        add_row(comparing, METRIC_SLOWDOWN,
            (struct compared_row){
                .id = first->cells[first->comparisons[i].cell].id,
                .baseline = first->cells[first->comparisons[i].baseline].id,
                .unit = "",
            });
}

/* ---- cells that are not everywhere ---- */

/* Only the first file that has a cell tells of it. */
static void add_absence(struct comparing *comparing, size_t file, const char *id)
{
    struct compare *compare = comparing->compare;
    struct compared_absence absence = {.id = id};
    bool everywhere = true;
    for (size_t i = 0; i < compare->file_count; i++) {
        absence.has[i] = cell_of(comparing, i, id) != NULL;
        everywhere &= absence.has[i];
        if (absence.has[i] && i < file)
            return;
    }
    if (!everywhere)
        compare->absences[compare->absence_count++] = absence;
}

static void add_absences(struct comparing *comparing)
{
    struct compare *compare = comparing->compare;
    size_t most = 0;
    for (size_t file = 0; file < compare->file_count; file++)
        most += compare->files[file].result->cell_count;
    compare->absences = pool_room(&compare->pool, most, sizeof *compare->absences);
    for (size_t file = 0; compare->absences && file < compare->file_count; file++) {
        const struct result *result = compare->files[file].result;
        for (size_t i = 0; i < result->cell_count; i++)
            if (wanted(comparing, result->cells[i].id))
                add_absence(comparing, file, result->cells[i].id);
    }
}

/* ---- all of it ---- */

static int nothing_in_common(const struct comparing *comparing, struct error *error)
{
    const struct compare *compare = comparing->compare;
    const struct compare_input *first = &compare->files[0], *second = &compare->files[1];
    if (comparing->only)
        return error_set(error, EINVAL, "no cell that \"%.100s\" matches is in %.100s and in another file",
            comparing->only, first->name);
    return error_set(error, EINVAL,
        "there is nothing to compare: no cell of %.100s (%.40s) is in %.100s (%.40s)%s", first->name,
        first->result->experiment, second->name, second->result->experiment,
        compare->file_count > 2 ? " or in another file" : "");
}

int compare_make(const struct compare_input *files, size_t file_count, const char *only,
    struct compare *compare, struct error *error)
{
    struct compare made = {.file_count = file_count};
    struct comparing comparing = {.compare = &made, .only = only};
    if (file_count < 2 || file_count > COMPARE_FILES_MAX)
        return error_set(
            error, EINVAL, "%zu results cannot be compared: from 2 to %d can", file_count, COMPARE_FILES_MAX);
    for (size_t i = 0; i < file_count; i++) {
        made.files[i] = files[i];
        result_qualities(files[i].result, made.qualities[i]);
        index_result(&made.pool, files[i].result, &comparing.indices[i]);
    }
    int status = made.pool.failed ? 0 : check_files(&comparing, error);
    if (!status && !made.pool.failed) {
        add_rows(&comparing);
        add_absences(&comparing);
        compare_facts(&made);
    }
    if (!status && made.pool.failed)
        status = error_set(error, ENOMEM, "not enough memory to compare the results");
    if (!status && !made.metrics[METRIC_TIME].count)
        status = nothing_in_common(&comparing, error);
    if (status)
        compare_free(&made);
    else
        *compare = made;
    return status;
}

void compare_free(struct compare *compare)
{
    pool_free(&compare->pool);
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
