/* What every experiment begins with: the time, and its cells in an order that no neighbour's rhythm can
 * follow. */
#include "experiment/internal.h"

#include "base/random.h"

#include <time.h>

void order_shuffle(size_t *order, size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, i), kept = order[j];
        order[j] = order[i - 1];
        order[i - 1] = kept;
    }
}

void stamp_start(struct result *result)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(result->started, sizeof result->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
