#include "experiment/reaches.h"

#include "experiment/attribution.h"
#include "measure/statistics.h"
#include "measure/steps.h"
#include "result/curves.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A step that the packed chase shows too, to this share at least, is the caches'. */
static const double packed_share = 0.5;

/* As many lines at random places as a first-level cache of 32 KiB and more holds without missing much. */
static const uint64_t few_lines_bytes = 16 * 1024;

/* One curve and what was found in it. */
struct look {
    struct result *result;
    const struct curve_group *group;
    const struct curve *curve;
    const struct curve *packed; /* the same lines without the TLB; NULL: not measured */
    const struct step *steps;
    struct measured_step *measured; /* one for each of steps */
    struct told_levels told;        /* which these point into */
    size_t count;
};

/* ---- the packed chase ---- */

static bool same_place(const struct curve *a, const struct curve *b)
{
    return !strcmp(a->label, b->label) && a->guest_page_bytes == b->guest_page_bytes &&
           a->host_page_bytes == b->host_page_bytes;
}

static bool is_packed_of(const struct curve_group *packed, const struct curve_group *group)
{
    return group->shape.order == CHASE_LINE_PER_PAGE && packed->shape.order == CHASE_PACKED &&
           packed->shape.write == group->shape.write && packed->shape.chains == group->shape.chains &&
           packed->working_set_count == group->working_set_count &&
           !memcmp(packed->working_sets, group->working_sets,
               group->working_set_count * sizeof *group->working_sets);
}

static const struct curve *packed_of(
    const struct curves *curves, const struct curve_group *group, const struct curve *curve)
{
    for (size_t g = 0; g < curves->group_count; g++)
        for (size_t c = 0; is_packed_of(&curves->groups[g], group) && c < curves->groups[g].curve_count; c++)
            if (same_place(&curves->groups[g].curves[c], curve))
                return &curves->groups[g].curves[c];
    return NULL;
}

/* What of a working set is in a cache: lines for the orders that touch single lines. */
static uint64_t cached_bytes(enum chase_order order, uint64_t working_set_bytes)
{
    if (!chase_single_lines(order))
        return working_set_bytes;
    return working_set_bytes / chase_orders[order].line_bytes * CHASE_LINE_BYTES;
}

static enum step_cause cause_in_large_pages(const struct look *look, const struct step *step)
{
    uint64_t lines = cached_bytes(look->group->shape.order, look->group->working_sets[step->first]);
    return lines <= few_lines_bytes ? STEP_OF_TLB : STEP_OF_EITHER;
}

static enum step_cause cause_of(const struct look *look, const struct step *step)
{
    if (look->group->shape.order == CHASE_LINE_PER_LARGE_PAGE)
        return cause_in_large_pages(look, step);
    if (look->group->shape.order != CHASE_LINE_PER_PAGE)
        return STEP_OF_CACHE;
    if (!look->packed || !point_measured(&look->packed->points[step->start]) ||
        !point_measured(&look->packed->points[step->end]))
        return STEP_OF_EITHER;
    double rise =
        look->packed->points[step->end].cell->median - look->packed->points[step->start].cell->median;
    return rise < packed_share * (step->above - step->below) ? STEP_OF_TLB : STEP_OF_CACHE;
}

/* ---- from a step to a reach ---- */

/* Of what a TLB's entry translates: the smaller page of both levels. */
static uint64_t page_bytes(const struct curve *curve)
{
    bool guest = curve->guest_page_bytes && curve->guest_page_bytes < curve->host_page_bytes;
    return guest ? curve->guest_page_bytes : curve->host_page_bytes;
}

static uint64_t entries_of(const struct look *look, uint64_t working_set_bytes)
{
    uint64_t bytes = told_bytes_an_entry(look->group->shape.order, page_bytes(look->curve));
    return bytes ? working_set_bytes / bytes : 0;
}

static struct result_reach reach_of(const struct look *look, size_t index)
{
    const struct step *step = &look->steps[index];
    const struct measured_step *measured = &look->measured[index];
    const struct told_level *told = measured->told;
    const struct curve_point *points = look->curve->points;
    enum chase_order order = look->group->shape.order;
    struct result_reach reach = {
        .last = (size_t)(points[step->last].cell - look->result->cells),
        .first = (size_t)(points[step->first].cell - look->result->cells),
        .kind = told                             ? told->kind
                : measured->cause == STEP_OF_TLB ? REACH_TLB
                                                 : REACH_UNKNOWN,
        .from_bytes = measured->from_bytes,
        .to_bytes = measured->to_bytes,
        .below_ns = step->below,
        .above_ns = step->above,
        .sureness = step->sureness,
    };
    if (told) {
        memcpy(reach.name, told->name, sizeof reach.name);
        reach.told_bytes = told->bytes;
        reach.told_entries = told->entries;
    }
    if (reach.kind == REACH_TLB) {
        reach.from_entries = entries_of(look, reach.from_bytes);
        reach.to_entries = entries_of(look, reach.to_bytes);
    } else if (reach.kind == REACH_CACHE) {
        reach.from_bytes = cached_bytes(order, reach.from_bytes);
        reach.to_bytes = cached_bytes(order, reach.to_bytes);
    }
    return reach;
}

static int add_reaches(const struct look *look, struct error *error)
{
    struct result *result = look->result;
    struct result_reach *grown =
        reallocarray(result->reaches, result->reach_count + look->count, sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "not enough memory for the reaches of a curve");
    result->reaches = grown;
    for (size_t i = 0; i < look->count; i++)
        grown[result->reach_count++] = reach_of(look, i);
    return 0;
}

/* ---- one curve ---- */

/* A colon is in the names of runners on other machines ("command:…"): CPUID was asked here. */
static bool is_here(const struct look *look)
{
    const struct curve_point *point = &look->curve->points[look->steps[0].last];
    return !strchr(point->cell->cell.monitor, ':');
}

static void name_steps(struct look *look)
{
    for (size_t i = 0; i < look->count; i++)
        look->measured[i] = (struct measured_step){
            .from_bytes = look->group->working_sets[look->steps[i].last],
            .to_bytes = look->group->working_sets[look->steps[i].first],
            .rise_ns = look->steps[i].above - look->steps[i].below,
            .cause = cause_of(look, &look->steps[i]),
        };
    if (is_here(look))
        told_levels(&look->result->host, look->group->shape.order, page_bytes(look->curve), &look->told);
    attribute_steps(&look->told, look->measured, look->count);
}

/* ---- what repeats show ---- */

/* The median of what was not disturbed in one placement; NAN: nothing. */
static double value_in(const struct curve_point *point, unsigned placement)
{
    enum { SAMPLES_MAX = 64 };
    const struct result_cell *cell = point->cell;
    double values[SAMPLES_MAX];
    size_t count = 0;
    for (size_t i = 0; cell && i < cell->sample_count && count < SAMPLES_MAX; i++)
        if (cell->samples[i].placement == placement && cell->samples[i].disturbed == DISTURBED_NOT)
            values[count++] = cell->samples[i].ns;
    return statistics_median(values, count);
}

/* The points of a step in which a placement may show it, up to the steps beside it. */
struct span {
    size_t start, end;
};

static struct span span_of(const struct look *look, size_t index)
{
    enum { BEYOND = 2 };
    const struct step *step = &look->steps[index];
    size_t least = index ? step[-1].end : 0;
    size_t most = index + 1 < look->count ? step[1].start : look->group->working_set_count - 1;
    return (struct span){step->start > least + BEYOND ? step->start - BEYOND : least,
        step->end + BEYOND < most ? step->end + BEYOND : most};
}

/* Between which points a quarter of the step is done in one placement, as seen by two points, which one
 * outlier is not. False: it does not show the step. */
static bool place_in(const struct look *look, const struct step *step, struct span span, unsigned placement,
    size_t *last, size_t *first)
{
    const struct curve_point *points = look->curve->points;
    double quarter = step->below + (step->above - step->below) / 4;
    *first = span.start + 1;
    while (*first < span.end && !(value_in(&points[*first], placement) > quarter &&
                                    value_in(&points[*first + 1], placement) > quarter))
        ++*first;
    *last = *first - 1;
    while (*last > span.start && isnan(value_in(&points[*last], placement)))
        --*last;
    return value_in(&points[span.start], placement) <= quarter &&
           value_in(&points[*first], placement) > quarter;
}

/* A step lies between two sizes of the grid; placements that show it elsewhere move these apart. */
static void widen(const struct look *look, size_t index, struct step *step)
{
    unsigned placements = look->curve->points[step->last].cell->placements;
    struct span span = span_of(look, index);
    size_t last, first;
    for (unsigned placement = 0; span.start < span.end && placement < placements; placement++)
        if (place_in(look, step, span, placement, &last, &first)) {
            step->last = last < step->last ? last : step->last;
            step->first = first > step->first ? first : step->first;
        }
}

static int find_steps(const struct look *look, struct step **steps, size_t *count, struct error *error)
{
    size_t points = look->group->working_set_count;
    struct steps_point *curve = calloc(points + 1, sizeof *curve);
    if (!curve)
        return error_set(error, ENOMEM, "not enough memory to look for the reaches of a curve");
    for (size_t i = 0; i < points; i++) {
        const struct curve_point *point = &look->curve->points[i];
        const struct result_cell *cell = point->cell && !cell_unfit(point->cell) ? point->cell : NULL;
        curve[i] = (struct steps_point){(double)look->group->working_sets[i], cell ? cell->median : NAN,
            cell ? cell->low : NAN, cell ? cell->high : NAN};
    }
    int rc = steps_find(curve, points, steps, count, error);
    free(curve);
    return rc;
}

static int look_at(struct look *look, struct error *error)
{
    struct step *steps = NULL;
    int rc = find_steps(look, &steps, &look->count, error);
    if (rc < 0 || !look->count)
        return rc;
    look->steps = steps;
    look->measured = calloc(look->count, sizeof *look->measured);
    if (!look->measured)
        rc = error_set(error, ENOMEM, "not enough memory for the reaches of a curve");
    if (rc == 0) {
        name_steps(look);
        for (size_t i = 0; i < look->count; i++) { /* the names are those of the medians */
            widen(look, i, &steps[i]);
            look->measured[i].from_bytes = look->group->working_sets[steps[i].last];
            look->measured[i].to_bytes = look->group->working_sets[steps[i].first];
        }
        rc = add_reaches(look, error);
    }
    free(look->measured);
    free(steps);
    return rc;
}

int experiment_find_reaches(struct result *result, struct error *error)
{
    struct pool pool = {0};
    struct curves curves;
    curves_arrange(result, &pool, &curves);
    int rc = pool.failed ? error_set(error, ENOMEM, "not enough memory for the curves of a result") : 0;
    for (size_t g = 0; rc == 0 && g < curves.group_count; g++)
        for (size_t c = 0; rc == 0 && c < curves.groups[g].curve_count; c++) {
            if (curves.groups[g].curves[c].modelled) /* its file says how far what reaches */
                continue;
            struct look look = {.result = result, .group = &curves.groups[g]};
            look.curve = &look.group->curves[c];
            look.packed = packed_of(&curves, look.group, look.curve);
            rc = look_at(&look, error);
        }
    pool_free(&pool);
    return rc;
}
