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

/* Native curves stand in front, all others in the order in which the experiment has them. Without memory
 * nothing is added, and the pool knows. */
static void add_curve(struct curve_group *group, const struct result_cell *cell, struct pool *pool)
{
    struct curve *curves =
        pool_grow(pool, group->curves, group->curve_count, &group->curve_room, sizeof *curves);
    bool native = !strcmp(cell->cell.monitor, "native");
    size_t at = group->curve_count;
    if (!curves)
        return;
    for (; native && at > 0 && !curves[at - 1].native; at--)
        curves[at] = curves[at - 1];
    group->curves = curves;
    group->curve_count++;
    curves[at] = (struct curve){.label = cell->label,
        .native = native,
        .elsewhere = !strncmp(cell->cell.monitor, "command:", strlen("command:")),
        .modelled = !strncmp(cell->cell.monitor, "model:", strlen("model:")),
        .guest_page_bytes = cell->cell.guest_page_bytes,
        .host_page_bytes = cell->cell.host_page_bytes};
}

static void add_cell(struct curves *curves, const struct result_cell *cell, struct pool *pool)
{
    struct curve_group *group = group_of(curves, cell);
    if (!group) {
        struct curve_group *groups =
            pool_grow(pool, curves->groups, curves->group_count, &curves->group_room, sizeof *groups);
        if (!groups)
            return;
        curves->groups = groups;
        group = &groups[curves->group_count++];
        *group = (struct curve_group){.shape = *cell_chase(cell)};
    }
    if (!curve_of(group, cell))
        add_curve(group, cell, pool);
    uint64_t bytes = workload_size(&cell->cell.workload), *sets;
    size_t at = working_set_at(group, bytes);
    if (at < group->working_set_count && group->working_sets[at] == bytes)
        return;
    sets = pool_grow(
        pool, group->working_sets, group->working_set_count, &group->working_set_room, sizeof *sets);
    if (!sets)
        return;
    memmove(sets + at + 1, sets + at, (group->working_set_count++ - at) * sizeof *sets);
    group->working_sets = sets;
    sets[at] = bytes;
}

/* Groups and curves stay where they are from now on. */
static void add_points(struct curves *curves, struct pool *pool)
{
    for (size_t i = 0; i < curves->group_count; i++)
        curves->count += curves->groups[i].curve_count;
    const struct curve **next = curves->all = pool_room(pool, curves->count, sizeof(void *));
    for (size_t i = 0; i < curves->group_count; i++) {
        struct curve_group *group = &curves->groups[i];
        for (size_t k = 0; !pool->failed && k < group->curve_count; k++) {
            struct curve *curve = &group->curves[k];
            *next++ = curve;
            curve->group = group;
            curve->points = pool_room(pool, group->working_set_count, sizeof *curve->points);
            for (size_t n = 0; curve->points && n < group->working_set_count; n++)
                curve->points[n].working_set_bytes = group->working_sets[n];
        }
    }
}

void curves_arrange(const struct result *result, struct pool *pool, struct curves *curves)
{
    struct curves made = {0};
    *curves = made;
    for (size_t i = 0; i < result->cell_count; i++)
        if (cell_chase(&result->cells[i])) /* nothing else has a place on a curve */
            add_cell(&made, &result->cells[i], pool);
    add_points(&made, pool);
    for (size_t i = 0; !pool->failed && i < result->cell_count + result->comparison_count; i++) {
        const struct result_comparison *against =
            i < result->cell_count ? NULL : &result->comparisons[i - result->cell_count];
        if (against && (against->cell >= result->cell_count || against->baseline >= result->cell_count))
            continue;
        const struct result_cell *cell = &result->cells[against ? against->cell : i];
        if (!cell_chase(cell))
            continue;
        struct curve_group *group = group_of(&made, cell);
        struct curve *curve = curve_of(group, cell);
        struct curve_point *point =
            &curve->points[working_set_at(group, workload_size(&cell->cell.workload))];
        if (!against) {
            point->cell = cell;
        } else {
            point->against = against;
            point->doubt = comparison_doubt(result, against, COMPARISON_RATIO);
        }
        curve->compared |= against != NULL;
    }
    if (!pool->failed)
        *curves = made;
}
