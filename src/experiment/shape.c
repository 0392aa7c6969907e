/* What a cell's samples look like beside their median: two modes, trends. */
#include "experiment/internal.h"

#include "measure/statistics.h"
#include "measure/trend.h"

#include <math.h>

enum { SAMPLES_MAX = 512 };

/* A placement's undisturbed samples in the order in which they were taken. */
static size_t of_placement(const struct result_cell *cell, unsigned placement, double values[SAMPLES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < cell->sample_count && count < SAMPLES_MAX; i++)
        if (cell->samples[i].placement == placement && cell->samples[i].disturbed == DISTURBED_NOT)
            values[count++] = cell->samples[i].ns;
    return count;
}

static size_t index_of_fastest(const double *values, size_t count)
{
    size_t least = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] < values[least])
            least = i;
    return least;
}

/* A cell's samples in units of the fastest of their placement: that placements differ is no second mode. The
 * fastest and not the median, which lies between two modes wherever both have as many samples. */
struct levelled {
    double values[SAMPLES_MAX]; /* without the fastest themselves, which would make a group of their own */
    size_t count, samples;      /* samples: with the fastest */
    double units[CHASE_PLACEMENTS_MAX];   /* the fastest, ns */
    double slowest[CHASE_PLACEMENTS_MAX]; /* in these units */
    size_t placements;
};

static void add_levelled(const double *own, size_t count, struct levelled *levelled)
{
    size_t fastest = index_of_fastest(own, count);
    double *slowest = &levelled->slowest[levelled->placements];
    *slowest = 1;
    levelled->units[levelled->placements++] = own[fastest];
    levelled->samples += count;
    for (size_t i = 0; i < count && levelled->count < SAMPLES_MAX; i++) {
        if (i == fastest)
            continue;
        levelled->values[levelled->count++] = own[i] / own[fastest];
        *slowest = fmax(*slowest, own[i] / own[fastest]);
    }
}

static void level(const struct result_cell *cell, struct levelled *levelled)
{
    levelled->count = levelled->samples = levelled->placements = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double own[SAMPLES_MAX];
        size_t count = of_placement(cell, placement, own);
        if (count)
            add_levelled(own, count, levelled);
    }
}

/* A single fast sample lifts all others of its placement, so one placement with both modes is not enough. */
static bool in_several_placements(const struct modes *modes, const struct levelled *levelled)
{
    size_t with_both = 0;
    for (size_t i = 0; i < levelled->placements; i++)
        with_both += levelled->slowest[i] > sqrt(modes->low * modes->high);
    return with_both >= 2;
}

static struct modes modes_within(const struct result_cell *cell)
{
    struct levelled levelled;
    level(cell, &levelled);
    struct modes modes = modes_find(levelled.values, levelled.count);
    if (!modes.two || !in_several_placements(&modes, &levelled))
        return (struct modes){0};
    double unit = statistics_median(levelled.units, levelled.placements);
    modes.share_high *=
        (double)levelled.count / (double)levelled.samples; /* the fastest are in the lower one */
    modes.low *= unit;
    modes.high *= unit;
    return modes;
}

static double within_placements(const struct result_cell *cell)
{
    double changes[CHASE_PLACEMENTS_MAX];
    size_t found = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double values[SAMPLES_MAX];
        size_t count = of_placement(cell, placement, values);
        if (count >= 2)
            changes[found++] = trend_change(values, count);
    }
    return trend_within(changes, found);
}

/* Placements' medians in the order in which they were taken. */
static size_t placement_medians(const struct result_cell *cell, double medians[CHASE_PLACEMENTS_MAX])
{
    size_t found = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double values[SAMPLES_MAX];
        size_t count = of_placement(cell, placement, values);
        if (count)
            medians[found++] = statistics_median(values, count);
    }
    return found;
}

/* Modes within placements make the medians of these uncertain, and jumps from one to the other are taken for
 * a trend where they happen to agree. So where they are, they are all that is told of placements. */
void analyse_shape(struct result_cell *cell)
{
    double medians[CHASE_PLACEMENTS_MAX];
    cell->modes = modes_within(cell);
    cell->trend_percent = cell->modes.two ? 0 : within_placements(cell);
    cell->drift_percent = trend_between(medians, placement_medians(cell, medians));
    if (!cell->modes.two)
        cell->modes = modes_find_placements(medians, placement_medians(cell, medians));
}
