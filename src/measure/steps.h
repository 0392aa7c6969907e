/* Where a curve steps up: the sizes up to which a latency stays at one level and from which on it is that of
 * the next. A cache, a TLB or any other store of limited room shows itself so.
 *
 * A pure function of a curve of (size, value, interval): it knows no sizes, no latencies and no machine.
 *
 * How: the logarithms of the values are freed of single outliers (running median of three; a level must be
 * seen by two points, also at the ends) and made nondecreasing (isotonic regression: Barlow, Bartholomew,
 * Bremner and Brunk, "Statistical Inference under Order Restrictions", 1972): a larger working set is never
 * faster. Where the result rises by less than STEPS_RATIO in an octave it is flat. What is between flats is a
 * step; it is parted in two where the slope falls to less than half between its steepest parts, which two
 * gradual steps show when they are about two octaves apart.
 *
 * A step must exceed the noise: be STEPS_SURE times the standard error of the difference of its two levels.
 * The error of a point is the largest of what its interval says, what those of the curve usually say, and
 * what the curve's falls say, which can be nothing but noise. Most points before and after a step must lie on
 * its two sides. */
#ifndef VCOST_MEASURE_STEPS_H
#define VCOST_MEASURE_STEPS_H

#include "base/error.h"

#include <stddef.h>

enum { STEPS_POINTS_MIN = 6, STEPS_SURE = 5 };

/* A level is this many times the one below it, at least. */
#define STEPS_RATIO 1.15

/* Where most points have no interval only falls tell of noise, and levels must differ more clearly. */
#define STEPS_RATIO_UNSURE 1.5

struct steps_point {
    double size;      /* > 0; any unit */
    double value;     /* > 0; NAN: missing, the point is passed over */
    double low, high; /* 95 % interval of the value; NAN: none */
};

struct step {
    /* Indices into the points. The reach of the level below ends between `last` and `first`: up to size of
     * `last` less than a quarter of the step is done, from `first` on more. */
    size_t last, first;
    /* The points between which all of the step lies. */
    size_t start, end;
    double below, above; /* the values of the two levels, at start and end */
    double sureness;     /* log(above / below) in standard errors of it; INFINITY without any noise */
};

/* Finds the steps of a curve whose sizes ascend. *steps is malloc'd and the caller's (NULL for none), in
 * ascending order. Fewer than STEPS_POINTS_MIN values: none is found. -ENOMEM is the only error. */
int steps_find(
    const struct steps_point *points, size_t count, struct step **steps, size_t *found, struct error *error);

#endif
