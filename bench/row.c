#include "row.h"

#include <math.h>
#include <stdio.h>

static const char *judge(double target, struct estimate ratio)
{
    if (isinf(target))
        return "-";
    if (ratio.high <= target)
        return "met";
    return ratio.low > target ? "missed" : "cannot tell";
}

void row_tell(const char *what, double target, struct estimate ratio, const char *repetitions)
{
    char limit[32] = "-";
    if (!isinf(target))
        snprintf(limit, sizeof limit, "at most %.2fx", target);
    printf("%s\t%s\t%.2fx (%.2f ... %.2f)\t%s\t%s\n", what, limit, ratio.median, ratio.low, ratio.high,
        repetitions, judge(target, ratio));
    fflush(stdout);
}
