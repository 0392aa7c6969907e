/* What a ratio's 95 % confidence interval says. */
#ifndef VCOST_RESULT_VERDICT_H
#define VCOST_RESULT_VERDICT_H

#include <stdbool.h>

/* Told from one beyond 0.005 %, the least that reports write. */
enum verdict {
    VERDICT_NONE /* no interval */,
    VERDICT_UNTOLD /* one is in it: no difference */,
    VERDICT_SLOWER,
    VERDICT_FASTER,
    VERDICTS
};

/* NAN stands for an end that is not known. */
enum verdict verdict_of(double low, double high);

/* "slower", "faster", "untold"; NULL: no interval. */
const char *verdict_name(enum verdict verdict);

#endif
