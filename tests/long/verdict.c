#include "verdict.h"

#include "measure/statistics.h"

#include <math.h>
#include <stdlib.h>

static const double wrong_share = 0.05, chance_min = 0.001;

static bool leaves_one_out(const struct aa_figure *figure, double scale)
{
    double low = log(figure->low), high = log(figure->high);
    double middle = (low + high) / 2, half = (high - low) / 2 * scale;
    return middle - half > 0 || middle + half < 0;
}

/* Of values that follow one another in time. */
static double lag1(const double *values, size_t count)
{
    double mean = 0, squares = 0, products = 0;
    if (count < 3)
        return NAN;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    for (size_t i = 1; i < count; i++)
        products += (values[i] - mean) * (values[i - 1] - mean);
    return squares > 0 ? products / squares : 0;
}

/* The smallest value that 95 % of them do not exceed; they are sorted. */
static double p95(const double *sorted, size_t count)
{
    return count ? sorted[(size_t)ceil(0.95 * (double)count) - 1] : NAN;
}

/* What is made of one figure a run. */
struct columns {
    double *logs, *off, *half, *placements;
    size_t count;
};

static void add(
    const struct aa_figure *figure, double scale, struct columns *columns, struct aa_verdict *verdict)
{
    verdict->ratios += figure->ratio > 0;
    verdict->over += figure->ratio > 1;
    if (!(figure->low > 0 && figure->high >= figure->low && figure->ratio > 0)) {
        verdict->missing++;
        return;
    }
    columns->logs[columns->count] = log(figure->ratio);
    columns->off[columns->count] = fabs(figure->ratio - 1);
    columns->half[columns->count] = (log(figure->high) - log(figure->low)) / 2;
    columns->placements[columns->count++] = figure->placements;
    verdict->wrong += leaves_one_out(figure, scale);
}

static double disturbed_share(const struct aa_run *runs, size_t count, size_t set)
{
    double samples = 0, disturbed = 0;
    for (size_t i = 0; i < count; i++) {
        samples += runs[i].sets[set].samples;
        disturbed += runs[i].sets[set].disturbed;
    }
    return disturbed / samples;
}

struct aa_verdict aa_judge(const struct aa_run *runs, size_t count, size_t set, double scale)
{
    struct aa_verdict verdict = {0};
    double *room = calloc(4 * count + 1, sizeof *room);
    if (!room)
        abort();
    struct columns columns = {room, room + count, room + 2 * count, room + 3 * count, 0};
    for (size_t i = 0; i < count; i++)
        add(&runs[i].sets[set], scale, &columns, &verdict);
    verdict.runs = columns.count;
    verdict.share = binomial_interval(verdict.runs, verdict.wrong);
    verdict.chance = binomial_at_least(verdict.runs, verdict.wrong, wrong_share);
    size_t under = verdict.ratios - verdict.over, more = verdict.over > under ? verdict.over : under;
    verdict.side_chance = fmin(1, 2 * binomial_at_least(verdict.ratios, more, 0.5));
    verdict.lag1 = lag1(columns.logs, columns.count);
    verdict.off_median = statistics_median(columns.off, columns.count); /* sorts */
    verdict.off_p95 = p95(columns.off, columns.count);
    verdict.half_width = statistics_median(columns.half, columns.count);
    verdict.placements = statistics_median(columns.placements, columns.count);
    verdict.disturbed = disturbed_share(runs, count, set);
    free(room);
    return verdict;
}

bool aa_sides_alike(const struct aa_verdict *verdict)
{
    return verdict->side_chance >= chance_min;
}

bool aa_holds(const struct aa_verdict *verdict)
{
    return verdict->chance >= chance_min;
}
