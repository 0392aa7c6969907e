/* A simulated machine against curves that were measured: what was found, and vcost.validation/1. */
#ifndef VCOST_RESULT_VALIDATION_H
#define VCOST_RESULT_VALIDATION_H

#include "model/machine.h"

enum { VALIDATED_MAX = 24 };

struct validated {
    const char *name; /* "line-per-page, 4K pages"; in the pool */
    size_t points;
    double median, ninth; /* relative errors: half and nine of ten are within; NAN: no points */
    double null_median;   /* of the null model; NAN: the fitted curve has none of the working sets */
    double repeat;        /* median; NAN: not measured twice */
};

struct validation {
    const struct machine *machine;
    struct validated rows[VALIDATED_MAX];
    size_t row_count;
    struct validated all;
    bool holds;
    double median_most; /* what all.median may be */
};

struct record;
extern const struct record validation_record; /* vcost.validation/1 */

#endif
