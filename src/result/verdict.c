#include "result/verdict.h"

#include <math.h>

static const double told_percent = 0.005;

enum verdict verdict_of(double low, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return VERDICT_NONE;
    if ((low - 1) * 100 >= told_percent)
        return VERDICT_SLOWER;
    return (high - 1) * 100 <= -told_percent ? VERDICT_FASTER : VERDICT_UNTOLD;
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[VERDICTS] = {
        [VERDICT_UNTOLD] = "untold", [VERDICT_SLOWER] = "slower", [VERDICT_FASTER] = "faster"};
    return names[verdict];
}
