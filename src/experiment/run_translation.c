/* How much longer page walks take a program in a domain than natively: of the difference between the two,
 * what is gone where pages are large on both sides. Page faults are gone, too, with large pages: so only in a
 * steady state that the program marks, when it has its memory, is it the walks alone. */
#include "experiment/run_account.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Pair by pair, as they ran in turns. */
static struct estimate what_is_gone(
    double *const small[RUN_SIDES], double *const large[RUN_SIDES], size_t pairs)
{
    struct estimate gone = {.median = NAN, .low = NAN, .high = NAN};
    double *values = calloc(pairs, sizeof *values);
    for (size_t i = 0; values && i < pairs; i++)
        values[i] = small[RUN_GUEST][i] - small[RUN_NATIVE][i] - (large[RUN_GUEST][i] - large[RUN_NATIVE][i]);
    if (values)
        gone = statistics_difference(values, pairs);
    free(values);
    return gone;
}

void run_seen_translate(struct run_seen *seen, const struct run_seen *large)
{
    struct run_translation made = {.known = false};
    if (seen->pairs == large->pairs && seen->pairs) {
        made.wall = what_is_gone(seen->steady_ns, large->steady_ns, seen->pairs);
        made.cpu = what_is_gone(seen->steady_cpu_ns, large->steady_cpu_ns, seen->pairs);
        made.known = isfinite(made.wall.median) && isfinite(made.cpu.median);
    }
    if (seen->counts[CAUSE_THREADS] > 0 || seen->counts[CAUSE_FORKS] > 0)
        made.known = false;
    if (!made.known)
        made.reason =
            seen->counts[CAUSE_THREADS] > 0 || seen->counts[CAUSE_FORKS] > 0
                ? "only of a program without threads and children it is told how long it ran in its "
                  "steady state"
                : "the program marks no steady state (VCOST_STEADY): without one, what large pages save "
                  "in page faults is not told from what they save in page walks";
    seen->translation = made;
}
