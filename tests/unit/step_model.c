#include "step_model.h"

#include "base/random.h"
#include "measure/statistics.h"

#include <math.h>
#include <stdlib.h>

enum { COLOURS_MAX = 1 << 11, PLACEMENTS_MAX = 12 };

static double uniform(uint64_t *random)
{
    return ((double)(random_next(random) >> 11) + 0.5) / 9007199254740992.0;
}

double model_normal(uint64_t *random)
{
    double radius = sqrt(-2 * log(uniform(random)));
    return radius * cos(2 * M_PI * uniform(random));
}

/* Poisson, by its normal limit where the mean is large. */
static unsigned poisson(double mean, uint64_t *random)
{
    if (mean > 60)
        return (unsigned)fmax(0, round(mean + sqrt(mean) * model_normal(random)));
    unsigned count = 0;
    double left = exp(-mean), product = uniform(random);
    while (product > left) {
        product *= uniform(random);
        count++;
    }
    return count;
}

/* A cyclic walk misses every unit of a set that holds more than it has ways for. Units spread evenly over the
 * sets: either all or none is too much, but for the remainder. */
static double miss_share_even(const struct model_store *store, double units)
{
    double sets = store->ways ? store->units / store->ways : 1, ways = store->units / sets;
    double each = floor(units / sets), rest = units - each * sets;
    double over = 0;
    if (each > ways)
        over += (sets - rest) * each;
    if (each + 1 > ways)
        over += rest * (each + 1);
    return fmin(1, over / units);
}

/* Pages thrown at random into the places ("colours") that a page can have. */
static double miss_share_scattered(
    const struct model *model, const struct model_store *store, double units, uint64_t *random)
{
    double colours = fmax(1, store->units / store->ways / model->units_a_page);
    unsigned tries = (unsigned)fmin(colours, COLOURS_MAX);
    double pages = units / model->units_a_page, all = 0, over = 0;
    for (unsigned i = 0; i < tries; i++) {
        unsigned here = poisson(pages / colours, random);
        all += here;
        over += here > store->ways ? here : 0;
    }
    return all > 0 ? over / all : 0;
}

static double placement_ns(const struct model *model, double units, uint64_t *random)
{
    double ns = model->ns;
    for (size_t i = 0; i < model->store_count; i++) {
        const struct model_store *store = &model->stores[i];
        ns += store->cost_beyond * (store->scattered ? miss_share_scattered(model, store, units, random)
                                                     : miss_share_even(store, units));
    }
    return ns * exp(model->noise * model_normal(random));
}

void model_measure(const struct model *model, double first, double last, unsigned per_octave,
    uint64_t *random, struct model_curve *curve)
{
    curve->count = 0;
    for (unsigned i = 0; curve->count < MODEL_POINTS_MAX; i++) {
        double units = round(first * exp2((double)i / per_octave)), figures[PLACEMENTS_MAX];
        if (units > last)
            break;
        for (unsigned k = 0; k < model->placements; k++)
            figures[k] = placement_ns(model, units, random);
        struct estimate estimate = statistics_estimate(figures, model->placements);
        curve->points[curve->count++] =
            (struct steps_point){units, estimate.median, estimate.low, estimate.high};
    }
}
