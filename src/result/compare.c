#include "result/compare.h"

#include "result/figures.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const metric_names[METRICS] = {[METRIC_TIME] = "time", [METRIC_SLOWDOWN] = "slowdown"};

/* ---- cells and comparisons by their ids ---- */

struct by_id {
    const char *id, *baseline; /* of the cell, and of what it is relative to; "" for a cell alone */
    const void *found;
};

/* What is compared, while it is. */
struct comparing {
    const struct compare_input *files;
    struct compare *compare;
    struct index {
        struct by_id *items; /* sorted */
        size_t count;
    } indices[COMPARE_FILES_MAX];
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
    struct by_id *items = index->items =
        pool_room(pool, result->cell_count + result->comparison_count, sizeof *items);
    for (size_t i = 0; items && i < result->cell_count; i++)
        items[index->count++] = (struct by_id){result->cells[i].id, "", &result->cells[i]};
    for (size_t i = 0; items && i < result->comparison_count; i++) {
        const struct result_comparison *each = &result->comparisons[i];
        items[index->count++] =
            (struct by_id){result->cells[each->cell].id, result->cells[each->baseline].id, each};
    }
    if (items)
        qsort(items, index->count, sizeof *items, order);
}

/* NULL if there is none. */
static const void *look_up(
    const struct comparing *comparing, size_t file, const char *id, const char *baseline)
{
    const struct index *index = &comparing->indices[file];
    const struct by_id key = {id, baseline, NULL}, *found = NULL;
    if (index->count)
        found = bsearch(&key, index->items, index->count, sizeof key, order);
    return found ? found->found : NULL;
}

static bool is_wanted(const struct comparing *comparing, const char *id)
{
    return !comparing->only || fnmatch(comparing->only, id, 0) == 0;
}

/* ---- the same thing under the same name ---- */

static const char *unit_of(const struct result_cell *cell)
{
    return cell->unit ? cell->unit : "ns";
}

static int check_same(const char *first, const char *other, const struct result_cell *a,
    const struct result_cell *b, struct error *error)
{
    if (strcmp(cell_workload(a), cell_workload(b)) != 0)
        return error_set(error, EINVAL,
            "%.100s and %.100s cannot be compared: %.80s is the workload \"%.40s\" in one and \"%.40s\" in "
            "the other",
            first, other, a->id, cell_workload(a), cell_workload(b));
    if (strcmp(unit_of(a), unit_of(b)) != 0)
        return error_set(error, EINVAL,
            "%.100s and %.100s cannot be compared: %.80s is measured in %s in one and in %s in the other",
            first, other, a->id, unit_of(a), unit_of(b));
    return 0;
}

/* ---- a change and its interval ---- */

static const struct compared_change no_change = {.ratio = NAN, .low = NAN, .high = NAN, .placement_count = 2};

/* What a row is made of in one file. */
struct side {
    const struct result_cell *cell, *baseline; /* baseline NULL: METRIC_TIME */
    struct compared_value value;
    const char *doubt; /* why there is no value though the file tells one; NULL */
};

static struct side side_of(
    const struct comparing *comparing, size_t file, const char *id, const char *baseline)
{
    const struct result *result = comparing->files[file].result;
    const void *found = look_up(comparing, file, id, baseline ? baseline : "");
    if (!found)
        return (struct side){.value = {.value = NAN, .low = NAN, .high = NAN}};
    const struct result_comparison *ratio = baseline ? found : NULL;
    const struct result_cell *cell = ratio ? &result->cells[ratio->cell] : found;
    const char *doubt = ratio ? comparison_doubt(result, ratio, COMPARISON_RATIO) : NULL;
    if (doubt)
        return (struct side){
            cell, &result->cells[ratio->baseline], {true, NAN, NAN, NAN, cell->quality, doubt}, doubt};
    return (struct side){cell, ratio ? &result->cells[ratio->baseline] : NULL,
        {true, ratio ? ratio->ratio : cell->median, ratio ? ratio->low : cell->low,
            ratio ? ratio->high : cell->high, cell->quality,
            ratio && !isfinite(ratio->ratio) ? comparison_reason(ratio) : cell_reason(cell)},
        NULL};
}

/* Whether `value`, which the file gives as the figure of all placements, can have been made from these, by
 * whatever version's rules: they are positive, and it is among the samples. */
static bool is_made_of(double value, const struct figures *figures)
{
    const double rounding = 1e-6; /* files keep ten digits */
    for (size_t i = 0; i < figures->count; i++)
        if (!(figures->values[i] > 0))
            return false;
    return figures->least <= value * (1 + rounding) && figures->most >= value * (1 - rounding);
}

/* Whether it was measured in several placements, and pairs of undisturbed samples are in fewer than two. */
static bool lacks_pairs(const struct side *side, const struct figures *figures)
{
    return side->baseline && side->cell->placements > 1 && side->baseline->placements > 1 &&
           figures->count < 2;
}

/* Simulated: its figure is the same each time. */
static bool is_exact(const struct side *side)
{
    return side->cell->deterministic && (!side->baseline || side->baseline->deterministic);
}

/* The interval is made from the samples, the change from what the files give as their figures; it is widened
 * to hold it. */
static void set_interval(
    const struct side sides[2], const struct figures figures[2], struct compared_change *change)
{
    change->placements[0] = (unsigned)figures[0].count;
    change->placements[1] = (unsigned)figures[1].count;
    change->disturbed = lacks_pairs(&sides[0], &figures[0]) || lacks_pairs(&sides[1], &figures[1]);
    if (is_exact(&sides[0]) && is_exact(&sides[1])) {
        change->low = change->high = change->ratio;
        change->verdict = verdict_of(change->low, change->high);
    } else if (change->disturbed) {
        change->ratio = NAN;
        change->reason = "too disturbed: fewer than two placements have undisturbed pairs of samples";
    } else if (figures[0].count < 2 || figures[1].count < 2) {
        change->reason = "an interval needs at least two placements in both files";
    } else if (!is_made_of(sides[0].value.value, &figures[0]) ||
               !is_made_of(sides[1].value.value, &figures[1])) {
        change->reason = "the figure is not one of its samples, so that they tell nothing about it";
    } else {
        struct estimate ratio =
            statistics_ratio(figures[1].values, figures[1].count, figures[0].values, figures[0].count);
        change->low = fmin(ratio.low, change->ratio);
        change->high = fmax(ratio.high, change->ratio);
        change->verdict = verdict_of(change->low, change->high);
    }
}

/* Why what one of the files measured is not what the other did; NULL: it is, or one has no figure. */
static const char *unlike_reason(struct pool *pool, const struct side sides[2])
{
    static const char *const files[] = {"the first file", "this file"};
    for (size_t i = 0; i < 2; i++)
        if (!sides[i].baseline && cell_measured(sides[i].cell) && cell_unlike(sides[i].cell))
            return pool_format(pool, "%s in %s: %s", sides[i].cell->id, files[i], cell_unlike(sides[i].cell));
    return NULL;
}

/* Of the first file and another. */
static struct compared_change change_of(struct pool *pool, const struct side sides[2])
{
    struct compared_change change = no_change;
    double first = sides[0].value.value, other = sides[1].value.value;
    const char *unlike = sides[1].cell ? unlike_reason(pool, sides) : NULL;
    if (!sides[1].cell)
        change.reason = "the file does not have it";
    else if (unlike)
        change.reason = unlike;
    else if ((change.disturbed = sides[0].doubt || sides[1].doubt))
        change.reason = sides[0].doubt ? sides[0].doubt : sides[1].doubt;
    else if (isnan(first) || isnan(other))
        change.reason = sides[0].baseline && isnan(first)   ? sides[0].value.reason
                        : sides[1].baseline && isnan(other) ? sides[1].value.reason
                                                            : "one of the two files has no figure";
    else if (!(first > 0) || !(other > 0))
        change.reason = "there is no ratio of figures that are not above 0";
    else {
        struct pool own = {0};
        const struct figures figures[2] = {figures_by_placement(sides[0].cell, sides[0].baseline, &own),
            figures_by_placement(sides[1].cell, sides[1].baseline, &own)};
        change.ratio = other / first;
        set_interval(sides, figures, &change);
        pool->failed |= own.failed;
        pool_free(&own);
    }
    return change;
}

/* ---- rows ---- */

/* Adds the row unless the first file alone has it; `baseline`: NULL for METRIC_TIME. */
static void add_row(
    struct comparing *comparing, const struct result_cell *cell, const struct result_cell *baseline)
{
    struct compare *compare = comparing->compare;
    struct compared_rows *rows = &compare->metrics[baseline ? METRIC_SLOWDOWN : METRIC_TIME];
    struct compared_row *row = &rows->rows[rows->count];
    struct side sides[2];
    bool elsewhere = false;
    if (!is_wanted(comparing, cell->id))
        return;
    *row = (struct compared_row){.id = cell->id,
        .baseline = baseline ? baseline->id : NULL,
        .unit = baseline ? "" : unit_of(cell),
        .cell = cell->cell,
        .value_count = compare->file_count,
        .change_count = compare->file_count - 1,
        .changes[0] = no_change};
    for (size_t file = 0; file < compare->file_count; file++) {
        sides[file > 0] = side_of(comparing, file, row->id, row->baseline);
        row->values[file] = sides[file > 0].value;
        if (file)
            row->changes[file] = change_of(&compare->pool, sides);
        elsewhere |= file && row->values[file].there;
    }
    rows->count += elsewhere;
}

static void add_rows(struct comparing *comparing)
{
    struct compare *compare = comparing->compare;
    struct compared_rows *times = &compare->metrics[METRIC_TIME],
                         *slowdowns = &compare->metrics[METRIC_SLOWDOWN];
    const struct result *first = comparing->files[0].result;
    times->rows = pool_room(&compare->pool, first->cell_count, sizeof *times->rows);
    slowdowns->rows = pool_room(&compare->pool, first->comparison_count, sizeof *slowdowns->rows);
    for (size_t i = 0; times->rows && i < first->cell_count; i++)
        add_row(comparing, &first->cells[i], NULL);
    for (size_t i = 0; slowdowns->rows && i < first->comparison_count; i++)
        add_row(comparing, &first->cells[first->comparisons[i].cell],
            &first->cells[first->comparisons[i].baseline]);
}

/* ---- the same cell in several files ---- */

/* Compares each cell with that of the first file that has it; that one is remembered unless all have it. */
static int check_cells(struct comparing *comparing, struct error *error)
{
    struct compare *compare = comparing->compare;
    const struct compare_input *files = comparing->files;
    size_t count = compare->file_count, room = 0;
    int status = 0;
    for (size_t file = 0; file < count; file++)
        for (size_t i = 0; !status && i < files[file].result->cell_count; i++) {
            const struct result_cell *cell = &files[file].result->cells[i], *before = cell, *found;
            struct compared_absence absence = {.id = cell->id, .cell = cell->cell, .has_count = count};
            size_t first = count, having = 0;
            for (size_t k = count; k-- > 0;)
                if ((found = look_up(comparing, k, cell->id, ""))) {
                    absence.has[k] = true;
                    before = found;
                    first = k;
                    having++;
                }
            if (first < file)
                status = check_same(files[first].name, files[file].name, before, cell, error);
            else if (having < count && is_wanted(comparing, cell->id)) {
                struct compared_absence *grown = pool_grow(
                    &compare->pool, compare->absences, compare->absence_count, &room, sizeof *grown);
                if (!grown)
                    return 0; /* which the pool knows */
                compare->absences = grown;
                grown[compare->absence_count++] = absence;
            }
        }
    return status;
}

/* ---- all of it ---- */

int compare_make(const struct compare_input *files, size_t file_count, const char *only,
    struct compare *compare, struct error *error)
{
    struct compare made = {.file_count = file_count, .version = this_tool.version};
    struct comparing comparing = {.files = files, .compare = &made, .only = only};
    if (file_count < 2 || file_count > COMPARE_FILES_MAX)
        return error_set(
            error, EINVAL, "%zu results cannot be compared: from 2 to %d can", file_count, COMPARE_FILES_MAX);
    for (size_t i = 0; i < file_count; i++) {
        const struct result *result = files[i].result;
        made.files[i] = (struct compared_file){.name = files[i].name,
            .experiment = result->experiment,
            .started = result->started,
            .version = result_tool(result)->version,
            .complete = result->complete,
            .incomplete_reason = result->complete ? NULL : result->incomplete_reason};
        result_qualities(result, made.files[i].qualities);
        index_result(&made.pool, result, &comparing.indices[i]);
    }
    int status = made.pool.failed ? 0 : check_cells(&comparing, error);
    if (!status && !made.pool.failed) {
        add_rows(&comparing);
        compare_facts(files, &made);
        compare_accounts(files, &made);
    }
    if (!status && made.pool.failed)
        status = error_set(error, ENOMEM, "not enough memory to compare the results");
    if (!status && !made.metrics[METRIC_TIME].count)
        status = compare_nothing(files, file_count, only, error);
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

struct compared_tally compare_count(const struct compare *compare, enum metric metric, size_t file)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    struct compared_tally tally = {0};
    for (size_t i = 0; i < rows->count; i++) {
        const struct compared_row *row = &rows->rows[i];
        const struct compared_change *change = &row->changes[file];
        ratios_add(&tally.ratios, change->ratio, change->low, change->high);
        if (change->disturbed)
            ratios_add_none(&tally.ratios);
        tally.unjudged += row->values[file].there && change->verdict == VERDICT_NONE;
        if (change->verdict == VERDICT_SLOWER &&
            (!tally.most || change->ratio > tally.most->changes[file].ratio))
            tally.most = row;
        if (change->verdict == VERDICT_FASTER &&
            (!tally.least || change->ratio < tally.least->changes[file].ratio))
            tally.least = row;
    }
    return tally;
}

const struct compared_row *compare_worst(const struct compare *compare, enum metric metric, size_t *file)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    const struct compared_row *worst = NULL;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t each = 1; each < compare->file_count; each++) {
            double low = rows->rows[i].changes[each].low;
            if (!isnan(low) && (!worst || low > worst->changes[*file].low)) {
                worst = &rows->rows[i];
                *file = each;
            }
        }
    return worst;
}

unsigned compare_above(const struct compare *compare, enum metric metric, double percent)
{
    const struct compared_rows *rows = &compare->metrics[metric];
    unsigned count = 0;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t file = 1; file < compare->file_count; file++)
            count += (rows->rows[i].changes[file].low - 1) * 100 > percent;
    return count;
}
