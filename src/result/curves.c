#include "result/curves.h"

#include <string.h>

static struct curve_group *group_of(const struct curves *curves, const struct result_cell *cell)
{
    const struct chase_shape *shape = cell_chase(cell);
    for (size_t i = 0; i < curves->group_count; i++) {
        const struct chase_shape *other = &curves->groups[i].shape;
        if (other->order == shape->order && other->element_bytes == shape->element_bytes &&
            other->write == shape->write && other->chains == shape->chains)
            return &curves->groups[i];
    }
    return NULL;
}

static struct curve *curve_of(const struct curve_group *group, const struct result_cell *cell)
{
    for (size_t i = 0; i < group->curve_count; i++) {
        struct curve *curve = &group->curves[i];
        if (!strcmp(curve->label, cell->label) && curve->guest_page_bytes == cell->cell.guest_page_bytes &&
            curve->host_page_bytes == cell->cell.host_page_bytes)
            return curve;
    }
    return NULL;
}

/* Where a working set stands, or would have to. */
static size_t working_set_at(const struct curve_group *group, uint64_t bytes)
{
    size_t at = 0;
    while (at < group->working_set_count && group->working_sets[at] < bytes)
        at++;
    return at;
}

/* Native curves stand in front, all others in the order in which the experiment has them. */
static bool add_curve(struct curve_group *group, const struct result_cell *cell, struct pool *pool)
{
    struct curve *curves =
        pool_grow(pool, group->curves, group->curve_count, &group->curve_room, sizeof *curves);
    bool native = !strcmp(cell->cell.monitor, "native");
    size_t at = group->curve_count;
    if (!curves)
        return false;
    for (; native && at > 0 && !curves[at - 1].native; at--)
        curves[at] = curves[at - 1];
    group->curves = curves;
    group->curve_count++;
    curves[at] = (struct curve){.label = cell->label,
        .native = native,
        .elsewhere = strchr(cell->cell.monitor, ':') != NULL, /* "command:…" */
        .guest_page_bytes = cell->cell.guest_page_bytes,
        .host_page_bytes = cell->cell.host_page_bytes};
    return true;
}

static bool add_working_set(struct curve_group *group, uint64_t bytes, struct pool *pool)
{
    size_t at = working_set_at(group, bytes);
    if (at < group->working_set_count && group->working_sets[at] == bytes)
        return true;
    uint64_t *sets = pool_grow(
        pool, group->working_sets, group->working_set_count, &group->working_set_room, sizeof *sets);
    if (!sets)
        return false;
    memmove(sets + at + 1, sets + at, (group->working_set_count++ - at) * sizeof *sets);
    group->working_sets = sets;
    sets[at] = bytes;
    return true;
}

static bool add_cell(struct curves *curves, const struct result_cell *cell, struct pool *pool)
{
    struct curve_group *group = group_of(curves, cell);
    if (!group) {
        struct curve_group *groups =
            pool_grow(pool, curves->groups, curves->group_count, &curves->group_room, sizeof *groups);
        if (!groups)
            return false;
        curves->groups = groups;
        group = &groups[curves->group_count++];
        *group = (struct curve_group){.shape = *cell_chase(cell)};
    }
    curves->count += !curve_of(group, cell);
    return (curve_of(group, cell) || add_curve(group, cell, pool)) &&
           add_working_set(group, workload_size(&cell->cell.workload), pool);
}

/* Groups and curves stay where they are from now on. */
static bool add_points(struct curves *curves, struct pool *pool)
{
    size_t at = 0;
    curves->all = pool_room(pool, curves->count, sizeof(void *));
    for (size_t g = 0; g < curves->group_count; g++) {
        struct curve_group *group = &curves->groups[g];
        for (size_t i = 0; !pool->failed && i < group->curve_count; i++) {
            struct curve *curve = &group->curves[i];
            curve->group = group;
            curve->points = pool_room(pool, group->working_set_count, sizeof *curve->points);
            for (size_t k = 0; curve->points && k < group->working_set_count; k++)
                curve->points[k].working_set_bytes = group->working_sets[k];
            curves->all[at++] = curve;
        }
    }
    return !pool->failed;
}

/* Sets the point that a cell stands for: the cell itself, or what it was compared with. */
static void set_point(
    const struct curves *curves, const struct result_cell *cell, const struct result_comparison *against)
{
    const struct curve_group *group = group_of(curves, cell);
    struct curve *curve = group ? curve_of(group, cell) : NULL;
    if (!curve)
        return;
    struct curve_point *point = &curve->points[working_set_at(group, workload_size(&cell->cell.workload))];
    if (!against)
        point->cell = cell;
    else {
        point->against = against;
        curve->compared = true;
    }
}

void curves_arrange(const struct result *result, struct pool *pool, struct curves *curves)
{
    struct curves made = {0};
    *curves = made;
    for (size_t i = 0; i < result->cell_count; i++)
        if (cell_chase(&result->cells[i]) && !add_cell(&made, &result->cells[i], pool))
            return;
    if (!add_points(&made, pool))
        return;
    for (size_t i = 0; i < result->cell_count; i++)
        if (cell_chase(&result->cells[i]))
            set_point(&made, &result->cells[i], NULL);
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        if (comparison->cell < result->cell_count && comparison->baseline < result->cell_count &&
            cell_chase(&result->cells[comparison->cell]))
            set_point(&made, &result->cells[comparison->cell], comparison);
    }
    *curves = made;
}
