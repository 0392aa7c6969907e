#include "report/axis.h"

#include <math.h>

static void add_tick(struct axis *axis, double value)
{
    if (axis->tick_count < AXIS_TICKS_MAX && value >= axis->range.low && value <= axis->range.high)
        axis->ticks[axis->tick_count++] = value;
}

/* The smallest of 1, 2, 5 times a power of ten that is not less than step. */
static double round_step(double step)
{
    double power = pow(10, floor(log10(step))), times = step / power * 0.999999;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/* At round steps from `origin`. */
static void add_even_ticks(struct axis *axis, double origin, unsigned wanted)
{
    double low = axis->range.low - origin, high = axis->range.high - origin;
    double step = round_step((high - low) / wanted), first = ceil(low / step);
    axis->tick_count = 0;
    for (unsigned i = 0; i < AXIS_TICKS_MAX; i++)
        add_tick(axis, origin + (first + i) * step);
}

static void make_linear(struct axis *axis, struct span values, unsigned wanted)
{
    double length = values.high - values.low, origin = axis->of->unit == UNIT_CHANGE ? 1 : 0;
    double least = axis->of->least > 0 || length > 0 ? axis->of->least : 1;
    double more = fmax(least - length, 0) / 2 + 0.06 * fmax(length, least);
    axis->range = (struct span){values.low - more, values.high + more};
    add_even_ticks(axis, origin, wanted);
}

/* At powers of ten, and at 2 and 5 times these while there are not more than `most`; at even steps where that
 * would give less than three. */
static void make_log(struct axis *axis, struct span values, unsigned most)
{
    static const double factors[] = {1, 2, 5};
    double edge = pow(fmax(values.high / values.low, 1.2), 0.06);
    axis->range = (struct span){values.low / edge, values.high * edge};
    int first = (int)floor(log10(axis->range.low)), last = (int)ceil(log10(axis->range.high));
    for (int power = first; power <= last; power++)
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
            add_tick(axis, factors[i] * pow(10, power));
    if (axis->tick_count > most) {
        axis->tick_count = 0;
        for (int power = first; power <= last; power++)
            add_tick(axis, pow(10, power));
    }
    if (axis->tick_count < 3)
        add_even_ticks(axis, 0, 4);
}

/* Every 1, 2, 4 or more doublings, so that there are not more ticks than `most`; where no power of two is
 * inside, at the ends themselves. */
static void make_sizes(struct axis *axis, struct span sizes, unsigned most)
{
    static const int steps[] = {1, 2, 4, 10, 20};
    axis->range = sizes;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && (!i || axis->tick_count > most); i++) {
        axis->tick_count = 0;
        for (int power = 0; power < 63; power += steps[i])
            add_tick(axis, ldexp(1, power));
    }
    if (axis->tick_count)
        return;
    add_tick(axis, sizes.low);
    if (sizes.high > sizes.low && most > 1)
        add_tick(axis, sizes.high);
}

void axis_make(const struct chart_axis *of, struct span values, unsigned wanted, struct axis *axis)
{
    *axis = (struct axis){.of = of};
    if (of->scale != SCALE_LINEAR && !(values.low > 0))
        values = values.high > 0 ? (struct span){values.high / 1000, values.high} : (struct span){1, 10};
    if (of->scale == SCALE_LOG2)
        make_sizes(axis, values, wanted);
    else if (of->scale == SCALE_LOG)
        make_log(axis, values, wanted);
    else
        make_linear(axis, values, wanted);
}

double axis_place(const struct axis *axis, double value)
{
    double low = axis->range.low, high = axis->range.high;
    if (axis->of->scale != SCALE_LINEAR) {
        value = value > 0 ? log(value) : NAN;
        low = log(low);
        high = log(high);
    }
    return high > low ? (value - low) / (high - low) : 0.5;
}
