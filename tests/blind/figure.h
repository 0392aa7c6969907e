/* One figure from one a placement: the median, and the 95 % interval that vcost's experiments give. */
#ifndef VCOST_BLIND_FIGURE_H
#define VCOST_BLIND_FIGURE_H

#include <stddef.h>

struct figure {
    double value, low, high; /* NAN: none */
};

enum { PLACEMENTS_MIN = 3, PLACEMENTS_MAX = 12 };

/* Values are positive and sorted in place. Of one there is no interval. */
struct figure figure_make(double *values, size_t count);
struct figure figure_none(void);

#endif
