#include "experiment/internal.h"

#include <math.h>

/* How far apart the undisturbed samples of a cell's pilot are, relative to the smallest; 0 with fewer than
 * two. */
static double spread(const struct result_cell *cell)
{
    double least = NAN, most = NAN;
    for (size_t i = 0; i < cell->sample_count; i++) {
        if (cell->samples[i].placement != 0 || cell->samples[i].disturbed != DISTURBED_NOT)
            continue;
        least = fmin(least, cell->samples[i].ns); /* fmin and fmax prefer a number to NAN */
        most = fmax(most, cell->samples[i].ns);
    }
    return isnan(least) ? 0 : most / least - 1;
}

/* Steps rather than a formula: four samples tell the size of a spread, not its second digit. */
static const struct {
    double spread_max;
    unsigned rounds;
} steps[] = {{0.02, ROUNDS_LEAST}, {0.10, 4}, {INFINITY, ROUNDS_MOST}};

unsigned rounds_after_pilot(const struct result_cell *cells, size_t count)
{
    double widest = 0;
    for (size_t i = 0; i < count; i++)
        widest = fmax(widest, spread(&cells[i]));
    size_t step = 0;
    while (widest > steps[step].spread_max)
        step++;
    return steps[step].rounds;
}

static double sum_up_to(const unsigned *rounds, size_t count, unsigned cap)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += rounds[i] < cap ? rounds[i] : cap;
    return sum;
}

void rounds_limit(unsigned *rounds, size_t count, double most)
{
    unsigned cap = ROUNDS_MOST;
    while (cap > ROUNDS_LEAST && sum_up_to(rounds, count, cap) > most)
        cap--;
    for (size_t i = 0; i < count; i++)
        rounds[i] = rounds[i] < cap ? rounds[i] : cap;
}
