/* A simulated machine against curves that were measured: what was found, and vcost.validation/1. */
#ifndef VCOST_RESULT_VALIDATION_H
#define VCOST_RESULT_VALIDATION_H

#include "model/machine.h"

enum { VALIDATED_MAX = 24, PUBLISHED_MAX = 16 };

struct validated {
    const char *name; /* "line-per-page, 4K pages"; in the pool */
    size_t points;
    double median, ninth; /* relative errors: half and nine of ten are within; NAN: no points */
    double null_median;   /* of the null model; NAN: the fitted curve has none of the working sets */
    double repeat;        /* median; NAN: not measured twice */
};

/* A machine that is known by name against latencies that were published of it. */
struct published {
    const char *machine, *source, *left_out; /* left_out: of what is published, and why */
    size_t points;
    double median, ninth, worst; /* relative errors; NAN: no points */
    bool agrees;
};

struct validation {
    const struct machine *machine; /* NULL: nothing was measured, and all up to median_most is empty */
    struct validated rows[VALIDATED_MAX];
    size_t row_count;
    struct validated all;
    bool holds;
    double median_most; /* what all.median may be */
    struct published published[PUBLISHED_MAX];
    size_t published_count;
};

struct record;
extern const struct record validation_record; /* vcost.validation/1 */

#endif
