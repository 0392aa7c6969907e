#include "report/axis.h"

#include <math.h>

static void add_tick(struct axis *axis, double value)
{
    if (axis->tick_count < AXIS_TICKS_MAX)
        axis->ticks[axis->tick_count++] = value;
}

/* The smallest of 1, 2, 5 times a power of ten that is not less than step. */
static double round_step(double step)
{
    double power = pow(10, floor(log10(step)));
    static const double factors[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (factors[i] * power >= step * 0.999999)
            return factors[i] * power;
    return 10 * power;
}

/* Ticks at power-of-ten multiples of the given factors; how many there are. */
static size_t log_ticks(struct axis *axis, const double *factors, size_t count)
{
    axis->tick_count = 0;
    size_t ticks = 0;
    int last = (int)ceil(log10(axis->range.high));
    for (int power = (int)floor(log10(axis->range.low)); power <= last; power++)
        for (size_t i = 0; i < count; i++) {
            double value = factors[i] * pow(10, power);
            if (value < axis->range.low || value > axis->range.high)
                continue;
            ticks++;
            add_tick(axis, value);
        }
    return ticks;
}

/* Ticks at multiples of a round step: for a range too short for steps of 1, 2, 5. */
static void even_ticks(struct axis *axis, unsigned wanted)
{
    double step = round_step((axis->range.high - axis->range.low) / wanted);
    axis->tick_count = 0;
    for (double n = ceil(axis->range.low / step);
         n * step <= axis->range.high && axis->tick_count < AXIS_TICKS_MAX; n++)
        add_tick(axis, n == 0 ? 0 : n * step);
}

void axis_linear(struct span values, double least, unsigned wanted, struct axis *axis)
{
    double length = values.high - values.low, missing = fmax(least - length, 0);
    double edge = 0.06 * fmax(length, least);
    axis->range = (struct span){values.low - missing / 2 - edge, values.high + missing / 2 + edge};
    even_ticks(axis, wanted);
}

void axis_log(struct span values, unsigned most, struct axis *axis)
{
    static const double usual[] = {1, 2, 5}, sparse[] = {1};
    double edge = pow(fmax(values.high / values.low, 1.2), 0.06);
    axis->range = (struct span){values.low / edge, values.high * edge};
    if (log_ticks(axis, usual, 3) > most)
        log_ticks(axis, sparse, 1);
    if (axis->tick_count < 3)
        even_ticks(axis, 4);
}

static size_t size_ticks(struct axis *axis, int every)
{
    axis->tick_count = 0;
    for (int power = 0; power < 63; power++) {
        double value = ldexp(1, power);
        if (power % every == 0 && value >= axis->range.low && value <= axis->range.high)
            add_tick(axis, value);
    }
    return axis->tick_count;
}

void axis_sizes(struct span bytes, unsigned most, struct axis *axis)
{
    static const int steps[] = {1, 2, 4, 10, 20};
    axis->range = bytes;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (size_ticks(axis, steps[i]) <= most)
            break;
    if (axis->tick_count)
        return;
    add_tick(axis, bytes.low);
    if (bytes.high > bytes.low && most > 1)
        add_tick(axis, bytes.high);
}

/* ---- axes of charts ---- */

static void make_change(const struct chart_axis *of, struct span ratios, unsigned wanted, struct axis *axis)
{
    axis_linear(
        (struct span){(ratios.low - 1) * 100, (ratios.high - 1) * 100}, of->least * 100, wanted, axis);
    axis->range = (struct span){1 + axis->range.low / 100, 1 + axis->range.high / 100};
    for (size_t i = 0; i < axis->tick_count; i++)
        axis->ticks[i] = 1 + axis->ticks[i] / 100;
}

void axis_make(const struct chart_axis *of, struct span values, unsigned wanted, struct axis *axis)
{
    axis->tick_count = 0;
    if (of->scale != SCALE_LINEAR && !(values.low > 0))
        values = values.high > 0 ? (struct span){values.high / 1000, values.high} : (struct span){1, 10};
    if (of->scale == SCALE_LOG2)
        axis_sizes(values, wanted, axis);
    else if (of->scale == SCALE_LOG)
        axis_log(values, wanted, axis);
    else if (of->unit == UNIT_CHANGE)
        make_change(of, values, wanted, axis);
    else
        axis_linear(values, of->least > 0 || values.high > values.low ? of->least : 1, wanted, axis);
}

double axis_place(const struct axis *axis, const struct chart_axis *of, double value)
{
    double low = axis->range.low, high = axis->range.high;
    if (of->scale != SCALE_LINEAR) {
        value = value > 0 ? log(value) : NAN;
        low = log(low);
        high = log(high);
    }
    return high > low ? (value - low) / (high - low) : 0.5;
}
