#include "experiment/attribution.h"

#include <math.h>

/* Caches with random sets begin to miss before they are full, and curves have few points. */
static const double near_factor = 2;

/* Nothing reaches further than it is large, but for half the distance of two points: there a step is not that
 * level's, or it is two that could not be parted, and where it is steepest is the larger one's. */
static bool is_beyond(const struct measured_step *step, const struct told_level *level)
{
    double from = (double)step->from_bytes, to = (double)step->to_bytes;
    return from * sqrt(from / to) > level->working_set_bytes;
}

static bool can_be(const struct measured_step *step, const struct told_level *level)
{
    bool cause = step->cause == STEP_OF_EITHER || (step->cause == STEP_OF_TLB) == (level->kind == REACH_TLB);
    return cause && !is_beyond(step, level);
}

/* How far a level lies outside of a step's two sizes, as a factor; 1 inside. */
static double distance(const struct measured_step *step, const struct told_level *level)
{
    double size = level->working_set_bytes;
    return fmax(1, fmax((double)step->from_bytes / size, size / (double)step->to_bytes));
}

static bool is_taken(const struct measured_step *steps, size_t count, const struct told_level *level)
{
    for (size_t i = 0; i < count; i++)
        if (steps[i].told == level)
            return true;
    return false;
}

/* Joins the nearest pair that is free; false: there is none. */
static bool join_nearest(const struct told_levels *told, struct measured_step *steps, size_t count)
{
    double nearest = near_factor;
    struct measured_step *step = NULL;
    const struct told_level *level = NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < told->count && !steps[i].told; k++) {
            const struct told_level *candidate = &told->levels[k];
            double factor = distance(&steps[i], candidate);
            if (candidate->last_cache || factor > nearest || (step && factor == nearest) ||
                !can_be(&steps[i], candidate) || is_taken(steps, count, candidate))
                continue;
            nearest = factor;
            step = &steps[i];
            level = candidate;
        }
    if (step)
        step->told = level;
    return step != NULL;
}

/* The working set of the cache below the last; 0: there is none. */
static double below_last(const struct told_levels *told)
{
    double size = 0;
    for (size_t i = 0; i < told->count; i++)
        if (told->levels[i].kind == REACH_CACHE && !told->levels[i].last_cache)
            size = fmax(size, told->levels[i].working_set_bytes);
    return size;
}

static void join_last(const struct told_levels *told, struct measured_step *steps, size_t count)
{
    struct measured_step *largest = NULL;
    const struct told_level *last = NULL;
    for (size_t i = 0; i < told->count; i++)
        last = told->levels[i].last_cache ? &told->levels[i] : last;
    for (size_t i = 0; last && i < count; i++)
        if (!steps[i].told && can_be(&steps[i], last) && (double)steps[i].from_bytes >= below_last(told) &&
            (!largest || steps[i].rise_ns > largest->rise_ns))
            largest = &steps[i];
    if (largest)
        largest->told = last;
}

void attribute_steps(const struct told_levels *told, struct measured_step *steps, size_t count)
{
    while (join_nearest(told, steps, count))
        continue;
    join_last(told, steps, count);
}
