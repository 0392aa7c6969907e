/* Exact figures of the binomial distribution. */
#ifndef VCOST_TESTS_LONG_BINOMIAL_H
#define VCOST_TESTS_LONG_BINOMIAL_H

#include <stddef.h>

/* The probability of `successes` or more in `trials` independent trials of probability p each. */
double binomial_at_least(size_t trials, size_t successes, double p);

struct binomial_range {
    double low, high;
};

/* The exact 95 % interval of the probability of which `successes` in `trials` were seen: C. J. Clopper, E. S.
 * Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
 * (1934). */
struct binomial_range binomial_interval(size_t trials, size_t successes);

#endif
