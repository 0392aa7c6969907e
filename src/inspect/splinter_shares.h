/* The four curves that tell of splintered pages, freed of single outliers, each figure with an error that is
 * no smaller than what the curves themselves show of noise; and of the rise of the small pages' curve above
 * what the caches cost, the share that the large pages' curve shows too. */
#ifndef VCOST_INSPECT_SPLINTER_SHARES_H
#define VCOST_INSPECT_SPLINTER_SHARES_H

#include "inspect/splinter.h"

enum splinter_curve { CURVE_PACKED, CURVE_SCATTERED, CURVE_SMALL, CURVE_LARGE, SPLINTER_CURVES };

/* So many lines of these curves lie in a page of 4 KiB (packed ones fill it). */
enum { SPLINTER_SCATTERED_DENSER = 16, SPLINTER_PACKED_DENSER = 64 };

/* One number of lines at which all that is needed was measured. */
struct splinter_spot {
    double lines;
    struct splinter_figure curve[SPLINTER_CURVES]; /* value NAN: only of CURVE_SCATTERED, not measured */
    /* What the caches cost: scattered, or packed where that is missing, less what translations cost it. */
    struct splinter_figure base;
    struct splinter_figure
        translated;               /* what they cost the large pages' curve: it above base; not negative */
    struct splinter_figure rise;  /* of small above base */
    struct splinter_figure share; /* (large - base) / (small - base) */
    bool scattered;               /* base is of the scattered curve */
    bool clear;                   /* the rise stands out of the noise: the share means something */
};

struct splinter_shares {
    struct splinter_spot *spots; /* owned */
    size_t count;
    size_t with_interval; /* spots where packed, small and large had one */
    double noise;         /* what the curves show of it, relative, whatever their intervals say */
    size_t knee;          /* the first spot of the small pages' first level; count: it is not seen */
    double reach;         /* lines there; NAN: not seen */
    double large_reach;   /* the same of the large pages' curve; NAN: it stays at the base */
};

/* -ENOMEM is the only error. */
int splinter_shares_make(
    const struct splinter_input *input, struct splinter_shares *shares, struct error *error);
void splinter_shares_free(struct splinter_shares *shares);

/* From so many lines to so many, both included. */
struct splinter_range {
    double from, to;
};

/* What the clear spots of a range, or of two, say of the share. */
struct splinter_zone {
    size_t count;
    struct splinter_figure share; /* medians of value, low and high; NAN for none */
    double least, most;     /* of the values, passing over one at either side where there are four or more */
    double lowest, highest; /* of the ends of all intervals */
    double width;           /* the median of half an interval's length over its value … */
    double half_length;     /* … and the mean of half their lengths */
};
struct splinter_zone splinter_zone_of(
    const struct splinter_shares *shares, const struct splinter_range *ranges, size_t count);

#endif
