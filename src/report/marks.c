#include "report/marks.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- which curve ---- */

static bool is_of_curve(const struct result *result, const struct curve_group *group,
    const struct curve *curve, const struct result_reach *reach)
{
    for (size_t i = 0; i < group->working_set_count; i++)
        if (curve->points[i].cell == &result->cells[reach->last])
            return true;
    return false;
}

struct choice {
    const struct curve_group *group;
    const struct curve *curve;
    bool native;
    size_t named, all;
};

static struct choice weigh(
    const struct result *result, const struct curve_group *group, const struct curve *curve)
{
    struct choice choice = {.group = group, .curve = curve, .native = curve->native};
    for (size_t i = 0; i < result->reach_count; i++) {
        if (!is_of_curve(result, group, curve, &result->reaches[i]))
            continue;
        choice.all++;
        choice.named += result->reaches[i].name[0] != 0;
    }
    return choice;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
    if (!a->all || !b->all)
        return a->all > b->all;
    if (a->native != b->native)
        return a->native;
    return a->named > b->named;
}

/* Is the working set that the curve is drawn over its own, and not that of the chase that it is held against?
 */
static bool is_its_own(enum chase_order order)
{
    return order != CHASE_PACKED && order != CHASE_SCATTERED;
}

static struct choice choose(const struct result *result, const struct curves *curves)
{
    struct choice best = {0};
    for (size_t g = 0; g < curves->group_count; g++)
        for (size_t c = 0; c < curves->groups[g].curve_count; c++) {
            struct choice choice = weigh(result, &curves->groups[g], &curves->groups[g].curves[c]);
            if (is_its_own(curves->groups[g].shape.order) && is_better(&choice, &best))
                best = choice;
        }
    return best;
}

/* ---- the marks ---- */

static double working_set(const struct result *result, size_t cell)
{
    return (double)result->cells[cell].cell.chase.working_set_bytes;
}

static void mark_measured(const struct result *result, const struct choice *choice, struct marks *marks)
{
    marks->curve = choice->curve;
    for (size_t i = 0; choice->curve && i < result->reach_count; i++) {
        const struct result_reach *reach = &result->reaches[i];
        if (marks->measured_count < MARKS_MAX && is_of_curve(result, choice->group, choice->curve, reach))
            marks->measured[marks->measured_count++] = (struct measured_mark){
                reach, {working_set(result, reach->last), working_set(result, reach->first)}};
    }
}

static int compare_levels(const void *a, const void *b)
{
    const struct told_level *x = a, *y = b;
    return (x->working_set_bytes > y->working_set_bytes) - (x->working_set_bytes < y->working_set_bytes);
}

void marks_make(const struct result *result, const struct curves *curves, struct marks *marks)
{
    struct choice choice = choose(result, curves);
    *marks = (struct marks){.curve = NULL};
    mark_measured(result, &choice, marks);
    const struct curve_group *group = choice.group          ? choice.group
                                      : curves->group_count ? &curves->groups[0]
                                                            : NULL;
    if (!group || !group->curve_count)
        return;
    const struct curve *curve = choice.curve ? choice.curve : &group->curves[0];
    told_levels(&result->host, group->shape.order, curve->host_page_bytes, &marks->told);
    qsort(marks->told.levels, marks->told.count, sizeof *marks->told.levels, compare_levels);
}

const char *mark_name(const struct result_reach *reach)
{
    return reach->name[0] ? reach->name : "?";
}

/* Entries where there are some: a TLB has these, not bytes. */
static struct formatted size_of(uint64_t bytes, uint64_t entries)
{
    struct formatted size;
    if (!entries)
        return format_size_short(bytes);
    snprintf(size.text, sizeof size.text, "%llu", (unsigned long long)entries);
    return size;
}

struct formatted mark_measured_size(const struct result_reach *reach)
{
    return size_of(reach->from_bytes, reach->from_entries);
}

struct formatted mark_told_size(const struct told_level *level)
{
    return size_of(level->bytes, level->entries);
}
