#include "noise.h"

#include <math.h>

/* ---- clean ---- */

void noise_clean(struct sky *sky, const struct geometry *geometry, struct dice *dice)
{
    double jitter = dice_logarithmic(dice, 0.0005, 0.008),
           l3 = geometry->l3_lines * dice_between(dice, 0.5, 1);
    for (unsigned p = 0; p < sky->placements; p++)
        for (unsigned a = 0; a < ARRANGEMENTS; a++)
            for (unsigned i = 0; i < sky->count; i++)
                sky->at[p][a][i] = (struct weather){
                    .l3_lines = l3, .beyond = 1, .walk = 1, .all = exp(jitter * dice_normal(dice))};
}

/* ---- neighbours ---- */

/* Single figures that something took time from, skewed as interruptions are. */
static void throw_outliers(struct sky *sky, struct dice *dice)
{
    double often = dice_logarithmic(dice, 0.01, 0.2), size = dice_between(dice, 0.1, 1.5);
    for (unsigned p = 0; p < sky->placements; p++)
        for (unsigned a = 0; a < ARRANGEMENTS; a++)
            for (unsigned i = 0; i < sky->count; i++)
                if (dice_chance(dice, often))
                    sky->at[p][a][i].all *= 1 + size * dice_exponential(dice);
}

/* A neighbour is busy for a while: consecutive points of one placement, in those arrangements that were
 * measured just then. */
static void throw_burst(struct sky *sky, struct dice *dice)
{
    unsigned placement = dice_below(dice, sky->placements), first = dice_below(dice, sky->count);
    unsigned last = first + 2 + dice_below(dice, 8);
    double factor = 1 + dice_between(dice, 0.05, 1);
    bool hit[ARRANGEMENTS];
    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        hit[a] = dice_chance(dice, 0.5);
    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        for (unsigned i = first; hit[a] && i <= last && i < sky->count; i++)
            sky->at[placement][a][i].all *= factor;
}

/* The clock rate follows the temperature: over the points of a placement, and from placement to placement. */
static void throw_drift(struct sky *sky, struct dice *dice)
{
    double over_points = 0.15 * dice_normal(dice), over_placements = 0.1 * dice_normal(dice);
    for (unsigned p = 0; p < sky->placements; p++)
        for (unsigned a = 0; a < ARRANGEMENTS; a++)
            for (unsigned i = 0; i < sky->count; i++)
                sky->at[p][a][i].all *=
                    exp(over_points * i / sky->count + over_placements * p / sky->placements);
}

/* A sibling thread runs now and then. */
static void throw_theft(struct sky *sky, struct dice *dice)
{
    double often = dice_unit(dice), l1 = dice_between(dice, 0, 0.5), l2 = dice_between(dice, 0, 0.3);
    bool there = false;
    for (unsigned p = 0; p < sky->placements; p++)
        for (unsigned i = 0; i < sky->count; i++) {
            there = dice_chance(dice, 0.3) ? dice_chance(dice, often) : there;
            for (unsigned a = 0; there && a < ARRANGEMENTS; a++) {
                sky->at[p][a][i].l1_theft = l1 * dice_between(dice, 0.5, 1);
                sky->at[p][a][i].l2_theft = l2 * dice_between(dice, 0.5, 1);
            }
        }
}

void noise_neighbours(struct sky *sky, const struct geometry *geometry, struct dice *dice)
{
    noise_clean(sky, geometry, dice);
    if (dice_chance(dice, 0.6))
        throw_outliers(sky, dice);
    for (unsigned bursts = dice_below(dice, 6); bursts > 0; bursts--)
        throw_burst(sky, dice);
    if (dice_chance(dice, 0.4))
        throw_drift(sky, dice);
    if (dice_chance(dice, 0.4))
        throw_theft(sky, dice);
}

/* ---- two modes ---- */

enum slow { SLOW_BEYOND, SLOW_WALK, SLOW_ALL, SLOWS };

static void slow_down(
    struct sky *sky, unsigned placement, unsigned arrangement, enum slow slow, double factor)
{
    for (unsigned i = 0; i < sky->count; i++) {
        struct weather *weather = &sky->at[placement][arrangement][i];
        weather->beyond *= slow == SLOW_BEYOND ? factor : 1;
        weather->walk *= slow == SLOW_WALK ? factor : 1;
        weather->all *= slow == SLOW_ALL ? factor : 1;
    }
}

/* Another node's memory, tables of pages on another node, a core with a lower clock: for all that a placement
 * holds, or for each of its four allocations by itself. */
void noise_two_modes(struct sky *sky, const struct geometry *geometry, struct dice *dice)
{
    noise_clean(sky, geometry, dice);
    enum slow slow = dice_below(dice, SLOWS);
    double factor = dice_between(dice, 1.15, slow == SLOW_ALL ? 1.6 : 2),
           often = dice_between(dice, 0.2, 0.8);
    bool together = slow == SLOW_ALL || dice_chance(dice, 0.5);
    for (unsigned p = 0; p < sky->placements; p++) {
        bool all = dice_chance(dice, often);
        for (unsigned a = 0; a < ARRANGEMENTS; a++)
            if (together ? all : dice_chance(dice, often))
                slow_down(sky, p, a, slow, factor);
    }
}

/* ---- shared L3 ---- */

static double clamped(double share)
{
    return fmin(fmax(share, 1.0 / 16), 1);
}

/* Others take more or less from point to point; of the four figures of a point each has its own moment. */
void noise_shared_l3(struct sky *sky, const struct geometry *geometry, struct dice *dice)
{
    noise_clean(sky, geometry, dice);
    double usual = dice_logarithmic(dice, 1.0 / 16, 1), restless = dice_between(dice, 0.02, 0.5);
    for (unsigned p = 0; p < sky->placements; p++) {
        double now = usual * exp(0.3 * dice_normal(dice));
        for (unsigned i = 0; i < sky->count; i++) {
            now = clamped(now * exp(restless * dice_normal(dice)));
            for (unsigned a = 0; a < ARRANGEMENTS; a++)
                sky->at[p][a][i].l3_lines =
                    geometry->l3_lines * clamped(now * exp(restless / 3 * dice_normal(dice)));
        }
    }
}

/* ---- emulated ---- */

/* A software TLB and translated code: a few ns for each hop whatever the memory, with steps at no place that
 * a CPU has. `all` is a latency here; the curve is priced flat. */
void noise_emulated(struct sky *sky, const struct geometry *geometry, struct dice *dice)
{
    double flat = dice_between(dice, 2, 20), jitter = dice_logarithmic(dice, 0.005, 0.4);
    double step[ARRANGEMENTS];
    unsigned from = dice_below(dice, POOL_POINTS);
    (void)geometry;
    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        step[a] = dice_chance(dice, 0.5) ? 1 : dice_between(dice, 1, 5);
    for (unsigned p = 0; p < sky->placements; p++)
        for (unsigned a = 0; a < ARRANGEMENTS; a++)
            for (unsigned i = 0; i < sky->count; i++)
                sky->at[p][a][i].all = flat * (i < from ? 1 : step[a]) * exp(jitter * dice_normal(dice));
}
