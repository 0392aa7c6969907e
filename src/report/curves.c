#include "report/curves.h"

#include "report/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool point_measured(const struct curve_point *point)
{
    return point->cell && isfinite(point->cell->median);
}

bool point_compared(const struct curve_point *point)
{
    return point->against && isfinite(point->against->ratio);
}

bool point_interval(const struct curve_point *point)
{
    return point_compared(point) && isfinite(point->against->low) && isfinite(point->against->high);
}

enum verdict point_verdict(const struct curve_point *point)
{
    return point_compared(point) ? verdict_of(point->against->low, point->against->high) : VERDICT_NONE;
}

double slowdown_percent(double ratio)
{
    return (ratio - 1) * 100;
}

static bool same_shape(const struct chase_shape *a, const struct chase_shape *b)
{
    return a->order == b->order && a->element_bytes == b->element_bytes && a->write == b->write &&
           a->chains == b->chains;
}

static struct curve_group *group_of(struct curves *curves, const struct result_cell *cell)
{
    for (size_t i = 0; i < curves->group_count; i++)
        if (same_shape(&curves->groups[i].shape, &cell->cell.chase))
            return &curves->groups[i];
    return NULL;
}

static struct curve *curve_of(struct curve_group *group, const struct result_cell *cell)
{
    for (size_t i = 0; i < group->curve_count; i++) {
        struct curve *curve = &group->curves[i];
        if (!strcmp(curve->label, cell->label) && curve->guest_page_bytes == cell->cell.guest_page_bytes &&
            curve->host_page_bytes == cell->cell.host_page_bytes)
            return curve;
    }
    return NULL;
}

/* Room for one more element of `size` bytes, zeroed; NULL without memory. */
static void *grow(void *list, size_t count, size_t size)
{
    char *grown = reallocarray(list, count + 1, size);
    if (grown)
        memset(grown + count * size, 0, size);
    return grown;
}

static int add_group(struct curves *curves, const struct result_cell *cell)
{
    struct curve_group *grown = grow(curves->groups, curves->group_count, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    curves->groups = grown;
    grown[curves->group_count++].shape = cell->cell.chase;
    return 0;
}

static int add_curve(struct curve_group *group, const struct result_cell *cell)
{
    struct curve *grown = grow(group->curves, group->curve_count, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    group->curves = grown;
    grown[group->curve_count++] = (struct curve){
        .label = cell->label,
        .native = !strcmp(cell->cell.monitor, "native"),
        .guest_page_bytes = cell->cell.guest_page_bytes,
        .host_page_bytes = cell->cell.host_page_bytes,
    };
    return 0;
}

static int add_working_set(struct curve_group *group, uint64_t bytes)
{
    size_t at = 0;
    while (at < group->working_set_count && group->working_sets[at] < bytes)
        at++;
    if (at < group->working_set_count && group->working_sets[at] == bytes)
        return 0;
    uint64_t *grown = grow(group->working_sets, group->working_set_count, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    group->working_sets = grown;
    memmove(grown + at + 1, grown + at, (group->working_set_count - at) * sizeof *grown);
    grown[at] = bytes;
    group->working_set_count++;
    return 0;
}

static int add_cell(struct curves *curves, const struct result_cell *cell)
{
    int status = group_of(curves, cell) ? 0 : add_group(curves, cell);
    if (status)
        return status;
    struct curve_group *group = group_of(curves, cell);
    status = curve_of(group, cell) ? 0 : add_curve(group, cell);
    return status ? status : add_working_set(group, cell->cell.chase.working_set_bytes);
}

static int allocate_points(struct curve_group *group)
{
    for (size_t i = 0; i < group->curve_count; i++) {
        struct curve_point *points = calloc(group->working_set_count, sizeof *points);
        if (!points)
            return -ENOMEM;
        for (size_t k = 0; k < group->working_set_count; k++)
            points[k].working_set_bytes = group->working_sets[k];
        group->curves[i].points = points;
    }
    return 0;
}

static struct curve_point *point_of(
    struct curves *curves, const struct result_cell *cell, struct curve **curve)
{
    struct curve_group *group = group_of(curves, cell);
    size_t at = 0;
    *curve = curve_of(group, cell);
    while (group->working_sets[at] != cell->cell.chase.working_set_bytes)
        at++;
    return &(*curve)->points[at];
}

static void place_cells(struct curves *curves, const struct result *result)
{
    struct curve *curve;
    for (size_t i = 0; i < result->cell_count; i++)
        point_of(curves, &result->cells[i], &curve)->cell = &result->cells[i];
}

static void place_comparisons(struct curves *curves, const struct result *result)
{
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        struct curve *curve;
        if (comparison->cell >= result->cell_count || comparison->baseline >= result->cell_count)
            continue;
        point_of(curves, &result->cells[comparison->cell], &curve)->against = comparison;
        curve->compared = true;
    }
}

/* Native curves to the front, all others in the order in which the experiment has them. */
static void native_first(struct curve_group *group)
{
    size_t natives = 0;
    for (size_t i = 0; i < group->curve_count; i++) {
        struct curve curve = group->curves[i];
        if (!curve.native)
            continue;
        memmove(group->curves + natives + 1, group->curves + natives, (i - natives) * sizeof curve);
        group->curves[natives++] = curve;
    }
}

/* The parts of a shape's name; a part is left out where it is the usual one, or where all groups share it. */
static void shape_name(
    const struct chase_shape *shape, bool order, bool element, bool write, bool chains, char name[96])
{
    size_t used = 0;
    name[0] = 0;
    if (order)
        used += (size_t)snprintf(name, 96, "%.40s", chase_orders[shape->order].name);
    if (element)
        used += (size_t)snprintf(name + used, 96 - used, "%s%s elements", used ? ", " : "",
            format_size(shape->element_bytes).text);
    if (write)
        used += (size_t)snprintf(
            name + used, 96 - used, "%s%s", used ? ", " : "", shape->write ? "writing" : "reading");
    if (chains)
        snprintf(name + used, 96 - used, "%s%u chain%s", used ? ", " : "", shape->chains,
            shape->chains == 1 ? "" : "s");
}

static void name_groups(struct curves *curves)
{
    bool order = false, element = false, write = false, chains = false;
    const struct chase_shape *first = &curves->groups[0].shape;
    for (size_t i = 0; i < curves->group_count; i++) {
        const struct chase_shape *shape = &curves->groups[i].shape;
        order |= shape->order != first->order;
        element |= shape->element_bytes != first->element_bytes;
        write |= shape->write != first->write;
        chains |= shape->chains != first->chains;
    }
    for (size_t i = 0; i < curves->group_count; i++) {
        struct curve_group *group = &curves->groups[i];
        shape_name(&group->shape, true, true, group->shape.write, group->shape.chains > 1, group->name);
        shape_name(&group->shape, order, element, write, chains, group->tag);
    }
}

static bool label_is_ambiguous(const struct curve_group *group, const struct curve *curve)
{
    for (size_t i = 0; i < group->curve_count; i++)
        if (&group->curves[i] != curve && !strcmp(group->curves[i].label, curve->label))
            return true;
    return false;
}

static void name_curve(const struct curve_group *group, struct curve *curve)
{
    struct formatted host = format_size_short(curve->host_page_bytes);
    if (!label_is_ambiguous(group, curve))
        snprintf(curve->title, sizeof curve->title, "%s", curve->label);
    else if (curve->guest_page_bytes)
        snprintf(curve->title, sizeof curve->title, "%s %.8s/%.8s", curve->label,
            format_size_short(curve->guest_page_bytes).text, host.text);
    else
        snprintf(curve->title, sizeof curve->title, "%s %.8s", curve->label, host.text);
    snprintf(
        curve->name, sizeof curve->name, "%.60s%s%s", group->tag, group->tag[0] ? ": " : "", curve->title);
}

static int arrange(const struct result *result, struct curves *curves)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        int status = add_cell(curves, &result->cells[i]);
        if (status)
            return status;
    }
    if (curves->group_count)
        name_groups(curves);
    for (size_t i = 0; i < curves->group_count; i++) {
        struct curve_group *group = &curves->groups[i];
        native_first(group);
        for (size_t k = 0; k < group->curve_count; k++)
            name_curve(group, &group->curves[k]);
        int status = allocate_points(group);
        if (status)
            return status;
    }
    return 0;
}

int curves_from_result(const struct result *result, struct curves *curves, struct error *error)
{
    struct curves made = {0};
    if (arrange(result, &made)) {
        curves_free(&made);
        return error_set(error, ENOMEM, "not enough memory to arrange the result");
    }
    place_cells(&made, result);
    place_comparisons(&made, result);
    *curves = made;
    return 0;
}

void curves_free(struct curves *curves)
{
    for (size_t i = 0; i < curves->group_count; i++) {
        struct curve_group *group = &curves->groups[i];
        for (size_t k = 0; k < group->curve_count; k++)
            free(group->curves[k].points);
        free(group->curves);
        free(group->working_sets);
    }
    free(curves->groups);
    *curves = (struct curves){0};
}
