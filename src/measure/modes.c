#include "measure/modes.h"

#include "measure/statistics.h"

#include <math.h>
#include <stdlib.h>

static const double distance_min = 0.05;

/* What two groups must be, to be told. */
struct limits {
    size_t values, group;               /* at least */
    double ashman, ashman_for_few, gap; /* D, plus ashman_for_few over the number of values */
};
static const struct limits for_samples = {MODES_VALUES_MIN, 4, 8, 0, 2};
static const struct limits for_placements = {MODES_PLACEMENTS_MIN, 2, 8, 48, 2};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct group {
    double mean, variance, widest; /* of logarithms; the widest gap between neighbours */
};

static struct group group_of(const double *values, size_t count)
{
    struct group group = {0};
    for (size_t i = 0; i < count; i++)
        group.mean += log(values[i]) / (double)count;
    for (size_t i = 0; i < count; i++)
        group.variance += pow(log(values[i]) - group.mean, 2) / (double)(count - 1);
    for (size_t i = 1; i < count; i++)
        group.widest = fmax(group.widest, log(values[i] / values[i - 1]));
    return group;
}

/* Where the widest gap is that leaves a sixth, and `group`, on both sides. */
static size_t widest_split(const double *values, size_t count, size_t group)
{
    size_t sixth = (count + 5) / 6, least = sixth > group ? sixth : group, best = least;
    for (size_t i = least; i <= count - least; i++)
        if (values[i] / values[i - 1] > values[best] / values[best - 1])
            best = i;
    return best;
}

static bool are_apart(const struct group *low, const struct group *high, double gap, double ashman)
{
    double distance = high->mean - low->mean, spread = sqrt((low->variance + high->variance) / 2);
    return distance >= distance_min && distance >= ashman * spread && gap >= fmax(low->widest, high->widest);
}

static struct modes find(double *values, size_t count, const struct limits *limits)
{
    struct modes modes = {0};
    if (count < limits->values)
        return modes;
    qsort(values, count, sizeof *values, ascending);
    size_t split = widest_split(values, count, limits->group);
    struct group low = group_of(values, split), high = group_of(values + split, count - split);
    double gap = log(values[split] / values[split - 1]) / limits->gap;
    if (!are_apart(&low, &high, gap, limits->ashman + limits->ashman_for_few / (double)count))
        return modes;
    return (struct modes){
        .two = true,
        .low = statistics_median(values, split),
        .high = statistics_median(values + split, count - split),
        .share_high = (double)(count - split) / (double)count,
    };
}

struct modes modes_find(double *values, size_t count)
{
    return find(values, count, &for_samples);
}

struct modes modes_find_placements(double *values, size_t count)
{
    struct modes modes = find(values, count, &for_placements);
    modes.of_placements = modes.two;
    return modes;
}
