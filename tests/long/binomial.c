#include "binomial.h"

#include <math.h>

enum { HALVINGS = 60 };

double binomial_at_least(size_t trials, size_t successes, double p)
{
    double n = (double)trials, sum = 0;
    if (successes == 0)
        return 1;
    for (size_t i = successes; i <= trials; i++) {
        double k = (double)i;
        double choices = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
        sum += exp(choices + (k > 0 ? k * log(p) : 0) + (n > k ? (n - k) * log1p(-p) : 0));
    }
    return fmin(sum, 1);
}

/* The p for which that many successes or more have the probability `wanted`, which grows with p. */
static double solve(size_t trials, size_t successes, double wanted)
{
    double low = 0, high = 1;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (binomial_at_least(trials, successes, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

struct binomial_range binomial_interval(size_t trials, size_t successes)
{
    return (struct binomial_range){
        .low = successes > 0 ? solve(trials, successes, 0.025) : 0,
        .high = successes < trials ? solve(trials, successes + 1, 0.975) : 1,
    };
}
