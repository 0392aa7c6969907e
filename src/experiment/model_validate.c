#include "experiment/model_validate.h"

#include "measure/statistics.h"
#include "runner/chase_kind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double median_most = 0.15, repeats_most = 1.5, ninth_most = 0.35, null_share = 0.5;

enum { POINTS_MAX = 1024 };

/* Errors of points, to be made figures of. */
struct errors {
    double model[POINTS_MAX], null[POINTS_MAX], repeat[POINTS_MAX];
    size_t model_count, null_count, repeat_count;
};

struct work {
    const struct machine *machine;
    struct result *const *results;
    size_t count;
    const struct curve *fitted;
    struct errors row, all;
};

/* Past the second cache and, in pages of this size, the first TLB that has such. */
static bool is_past(const struct machine *machine, const struct chase_shape *shape, uint64_t page)
{
    bool packed = shape->order == CHASE_PACKED || shape->order == CHASE_SCATTERED;
    uint64_t lines = shape->working_set_bytes;
    if (chase_single_lines(shape->order))
        lines = lines / chase_orders[shape->order].line_bytes * CHASE_LINE_BYTES;
    uint64_t pages = (packed ? lines : shape->working_set_bytes) / page;
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level == 2 && machine->caches[i].use != USE_INSTRUCTIONS &&
            lines <= machine->caches[i].bytes)
            return false;
    for (size_t i = 0; i < machine->tlb_count; i++)
        for (size_t k = 0; k < machine->tlbs[i].page_count; k++)
            if (machine->tlbs[i].level == 1 && machine->tlbs[i].use != USE_INSTRUCTIONS &&
                machine->tlbs[i].pages[k] == page && pages <= machine->tlbs[i].shape.entries)
                return false;
    return true;
}

static void add(double *list, size_t *count, double said, double measured)
{
    if (*count < POINTS_MAX && isfinite(said) && measured > 0)
        list[(*count)++] = fabs(said / measured - 1);
}

/* What the fitted curve has at a working set; NAN: nothing. */
static double null_says(const struct curve *fitted, uint64_t bytes)
{
    for (size_t i = 0; fitted && i < fitted->group->working_set_count; i++)
        if (fitted->points[i].working_set_bytes == bytes && point_measured(&fitted->points[i]))
            return fitted->points[i].cell->median;
    return NAN;
}

/* The same cell measured again; NAN: it was not. */
static double measured_again(const struct work *work, const struct result_cell *cell)
{
    for (size_t r = 1; r < work->count; r++)
        for (size_t i = 0; i < work->results[r]->cell_count; i++) {
            const struct result_cell *again = &work->results[r]->cells[i];
            if (!strcmp(again->id, cell->id) && !cell_unfit(again))
                return again->median;
        }
    return NAN;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct validated figures_of(const char *name, struct errors *errors)
{
    struct validated row = {.name = name,
        .points = errors->model_count,
        .median = statistics_median(errors->model, errors->model_count),
        .ninth = NAN,
        .null_median = statistics_median(errors->null, errors->null_count),
        .repeat = statistics_median(errors->repeat, errors->repeat_count)};
    qsort(errors->model, errors->model_count, sizeof *errors->model, compare_doubles);
    if (errors->model_count)
        row.ninth = errors->model[(size_t)ceil(0.9 * (double)errors->model_count) - 1];
    return row;
}

static int add_point(struct work *work, const struct curve *curve, const struct curve_point *point,
    const struct stop *stop, struct error *error)
{
    const struct result_cell *cell = point->cell;
    struct account account;
    int rc = model_predict(
        work->machine, cell_chase(cell), curve->host_page_bytes, FRAMES_SCATTERED, stop, &account, error);
    if (rc < 0)
        return rc;
    double said = predicted_ns(work->machine, &account),
           null = null_says(work->fitted, point->working_set_bytes);
    double again = measured_again(work, cell);
    struct errors *into[] = {&work->row, &work->all};
    for (size_t i = 0; i < 2; i++) {
        add(into[i]->model, &into[i]->model_count, said, cell->median);
        add(into[i]->null, &into[i]->null_count, null, cell->median);
        add(into[i]->repeat, &into[i]->repeat_count, again, cell->median);
    }
    return 0;
}

/* Another curve than the fitted one, of one chain that only reads. */
static bool judged(const struct work *work, const struct curve *curve)
{
    const struct chase_shape *shape = &curve->group->shape;
    return curve->native && curve != work->fitted && !shape->write && shape->chains == 1 &&
           (curve->host_page_bytes == 4096 || curve->host_page_bytes == 2u << 20);
}

static int add_curve(
    struct work *work, const struct curve *curve, const struct stop *stop, struct error *error)
{
    int rc = 0;
    work->row = (struct errors){.model_count = 0};
    for (size_t i = 0; rc == 0 && i < curve->group->working_set_count; i++) {
        const struct curve_point *point = &curve->points[i];
        if (point_measured(point) && !cell_unfit(point->cell) &&
            is_past(work->machine, cell_chase(point->cell), curve->host_page_bytes))
            rc = add_point(work, curve, point, stop, error);
    }
    return rc;
}

static void judge(struct validation *validation)
{
    const struct validated *all = &validation->all;
    double repeats = isfinite(all->repeat) ? repeats_most * all->repeat : 0;
    validation->median_most = fmax(median_most, repeats);
    validation->holds = all->median <= validation->median_most && all->ninth <= ninth_most &&
                        all->median <= null_share * all->null_median;
}

static int validate_curves(struct work *work, const struct curves *curves, const struct stop *stop,
    const struct progress *progress, struct pool *pool, struct validation *validation, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < curves->count && validation->row_count < VALIDATED_MAX; i++) {
        const struct curve *curve = curves->all[i];
        const struct chase_shape *shape = &curve->group->shape;
        if (!judged(work, curve))
            continue;
        if (progress->tell)
            progress->tell(progress->context, (double)i / (double)curves->count, NAN, "simulating curves");
        rc = add_curve(work, curve, stop, error);
        const char *name = pool_format(pool, "%s, %u B elements, %s pages", chase_orders[shape->order].name,
            shape->element_bytes, curve->host_page_bytes == 4096 ? "4 KiB" : "2 MiB");
        if (rc == 0 && work->row.model_count)
            validation->rows[validation->row_count++] = figures_of(name, &work->row);
    }
    return rc;
}

int model_validate(const struct machine *machine, struct result *const *results, size_t count,
    const struct stop *stop, const struct progress *progress, struct pool *pool,
    struct validation *validation, struct error *error)
{
    struct work *work = pool_room(pool, 1, sizeof *work);
    struct curves curves;
    if (!work)
        return error_set(error, ENOMEM, "no memory to validate a machine");
    curves_arrange(results[0], pool, &curves);
    *work = (struct work){.machine = machine,
        .results = results,
        .count = count,
        .fitted = model_measured_curve(&curves, CHASE_RANDOM)};
    validation->machine = machine;
    int rc = validate_curves(work, &curves, stop, progress, pool, validation, error);
    if (rc < 0)
        return rc;
    if (!work->all.model_count || !work->fitted)
        return error_set(error, ENODATA,
            "the result has nothing to hold a machine against: it takes a native chase in random order with "
            "pages of "
            "4 KiB and other curves past the second cache and the first TLB: vcost chase --on native --order "
            "random,line-per-page --host-page 4K,2M --json FILE");
    validation->all = figures_of("all of them", &work->all);
    judge(validation);
    return pool->failed ? error_set(error, ENOMEM, "no memory to validate a machine") : 0;
}
