/* From many runs of an A/A to how often its intervals were wrong. */
#ifndef VCOST_TESTS_LONG_VERDICT_H
#define VCOST_TESTS_LONG_VERDICT_H

#include "aa.h"
#include "binomial.h"

struct aa_verdict {
    size_t runs;                 /* that gave an interval */
    size_t missing;              /* that gave none */
    size_t wrong;                /* intervals that leave 1 out */
    struct binomial_range share; /* of wrong ones: its exact 95 % interval */
    double chance;               /* that a true 95 % interval is wrong as often or more often, the runs being
                                    independent */
    size_t ratios, over;         /* with or without an interval; and those above 1 */
    double side_chance;          /* that so many or more lie to one side if both sides are alike */
    double off_median, off_p95;  /* of |ratio - 1| */
    double half_width;           /* median of half the interval, of the logarithm */
    double placements;           /* of one side, median */
    double disturbed;            /* share of the samples */
    double lag1;                 /* autocorrelation of the logarithms of ratios that follow one another; NAN
                                    with fewer than three */
};

/* One working set in all runs. Each interval is first made `scale` times as wide around its middle: 1, but
 * where it is to be shown that intervals too narrow are found out. NAN where there is nothing to tell. */
struct aa_verdict aa_judge(const struct aa_run *runs, size_t count, size_t set, double scale);

/* Not wrong so often that chance does it once in a thousand times; ratios not so often to one side. */
bool aa_holds(const struct aa_verdict *verdict);
bool aa_sides_alike(const struct aa_verdict *verdict);

#endif
