/* Two modes: values that fall into two groups which lie clearly apart, so that their median stands for
 * neither. */
#ifndef VCOST_MEASURE_MODES_H
#define VCOST_MEASURE_MODES_H

#include <stdbool.h>
#include <stddef.h>

struct modes {
    bool two;
    bool of_placements; /* each placement is in one of them; otherwise they change within placements */
    double low, high;   /* medians of the groups */
    double share_high;  /* of the values in the upper one: of samples, or of placements */
};

enum { MODES_VALUES_MIN = 12, MODES_PLACEMENTS_MIN = 6 };

/* Looks for two modes among `count` positive values, which are sorted in place. Told only where each group
 * holds a sixth of at least MODES_VALUES_MIN values, the groups lie 5 % or more apart, and their distance is
 * far beyond their spreads (K. M. Ashman, C. M. Bird, S. E. Zepf, "Detecting bimodality in astronomical
 * datasets", AJ 108 (1994): D; here D > 8 and a gap between them that is wider than any within, twice). Less
 * than one in a hundred of unimodal samples is taken for two modes (tests/unit/test_modes.c). */
struct modes modes_find(double *values, size_t count);

/* The same for one figure a placement, which are few: from MODES_PLACEMENTS_MIN on, with two or more in each
 * group. The fewer there are, the more often chance puts them into two groups, so D must be larger by 48 over
 * their number. of_placements is set. */
struct modes modes_find_placements(double *values, size_t count);

#endif
