#include "domain/moved/converge.h"

/* A pass is worth its while if it leaves less than three quarters of what the one before left. What takes
 * less than a tenth of the fixed part is not worth one more. */
static const double shorter = 0.75, enough = 0.1;

enum converge_step converge_step(
    struct converge *converge, const struct converge_pass *pass, double *expected)
{
    const double rest = pass->sent ? (double)pass->left * pass->seconds / (double)pass->sent : 0;
    const bool shortens = (double)pass->left < shorter * (double)converge->before;
    converge->before = pass->left;
    *expected = rest + converge->fixed;
    if (*expected <= converge->max_downtime)
        return shortens && rest > enough * converge->fixed ? CONVERGE_GO_ON : CONVERGE_STOP;
    return shortens ? CONVERGE_GO_ON : CONVERGE_STUCK;
}
