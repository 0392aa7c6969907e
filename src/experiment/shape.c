/* What a cell's samples look like beside their median: two modes, trends. */
#include "experiment/internal.h"

#include "measure/trend.h"

#include <errno.h>
#include <math.h>

/* What disturbed samples would show is the disturbance. */
static struct series undisturbed_of(const struct result_cell *cell, struct pool *pool)
{
    struct series series = series_of(cell, pool);
    size_t kept = 0;
    for (size_t i = 0; i < series.count; i++)
        if (series.samples[i].disturbed == DISTURBED_NOT)
            series.samples[kept++] = series.samples[i];
    series.count = kept;
    return series;
}

/* One placement's samples, in the order in which they were taken. */
static size_t own_values(const struct series *series, size_t first, size_t last, double *values)
{
    for (size_t i = first; i < last; i++)
        values[i - first] = series->samples[i].ns;
    return last - first;
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
    double *values; /* without the fastest themselves, which would make a group of their own */
    size_t count;
    double *units;   /* the fastest, ns */
    double *slowest; /* in these units */
    size_t placements;
};

static void add_levelled(const double *own, size_t count, struct levelled *levelled)
{
    size_t fastest = index_of_fastest(own, count);
    double *slowest = &levelled->slowest[levelled->placements];
    *slowest = 1;
    levelled->units[levelled->placements++] = own[fastest];
    for (size_t i = 0; i < count; i++) {
        if (i == fastest)
            continue;
        levelled->values[levelled->count++] = own[i] / own[fastest];
        *slowest = fmax(*slowest, own[i] / own[fastest]);
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

/* `room` is for three times as many figures as samples. */
static struct modes modes_within(const struct series *series, double *room)
{
    struct levelled levelled = {
        .values = room, .units = room + series->count, .slowest = room + 2 * series->count};
    for (size_t first, last = 0; series_next(series, &first, &last);)
        add_levelled(series->values, own_values(series, first, last, series->values), &levelled);
    struct modes modes = modes_find(levelled.values, levelled.count);
    if (!modes.two || !in_several_placements(&modes, &levelled))
        return (struct modes){0};
    double unit = statistics_median(levelled.units, levelled.placements);
    modes.share_high *= (double)levelled.count / (double)series->count; /* the fastest are in the lower one */
    modes.low *= unit;
    modes.high *= unit;
    return modes;
}

static double within_placements(const struct series *series, double *changes)
{
    size_t found = 0;
    for (size_t first, last = 0; series_next(series, &first, &last);)
        if (last - first >= 2)
            changes[found++] = trend_change(series->values, own_values(series, first, last, series->values));
    return trend_within(changes, found);
}

/* Placements' medians in the order in which they were taken. */
static size_t placement_medians(const struct series *series, double *medians)
{
    size_t found = 0;
    for (size_t first, last = 0; series_next(series, &first, &last);)
        medians[found++] = statistics_median(series->values, own_values(series, first, last, series->values));
    return found;
}

/* Modes within placements make the medians of these uncertain, and jumps from one to the other are taken for
 * a trend where they happen to agree. So where they are, they are all that is told of placements. */
int analyse_shape(struct result_cell *cell)
{
    struct pool pool = {0};
    struct series series = undisturbed_of(cell, &pool);
    double *room = pool_room(&pool, 3 * series.count + 1, sizeof *room);
    int status = pool.failed ? -ENOMEM : 0;
    if (!status) {
        cell->modes = modes_within(&series, room);
        cell->trend_percent = cell->modes.two ? 0 : within_placements(&series, room);
        size_t placements = placement_medians(&series, room);
        cell->drift_percent = trend_between(room, placements);
        if (!cell->modes.two)
            cell->modes = modes_find_placements(room, placements);
    }
    pool_free(&pool);
    return status;
}
