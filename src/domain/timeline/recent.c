#include "domain/timeline/recent.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 4096 }; /* samples of one virtual CPU: a second of them */

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

/* Times for each hop, between those samples of a ring's end that are of the last second. */
static size_t add_ring(const struct sample_ring *ring, double ticks_per_second, double *ns, double *work,
    double *seconds, uint64_t *longest)
{
    static _Thread_local struct portable_sample samples[MOST];
    uint64_t written = *ring->written, taken = written > MOST ? written - MOST : 0, lost = 0;
    size_t count = sample_ring_take(ring, &taken, samples, MOST, &lost), found = 0;
    for (size_t i = 1; i < count; i++) {
        const struct portable_sample *from = &samples[i - 1], *to = &samples[i];
        if ((double)(samples[count - 1].ticks - to->ticks) > ticks_per_second || to->ticks <= from->ticks ||
            to->done <= from->done)
            continue;
        double took = (double)(to->ticks - from->ticks) / ticks_per_second,
               did = (double)(to->done - from->done);
        ns[found++] = took * 1e9 / did;
        *work += did;
        *seconds += took;
        *longest = to->longest > *longest ? to->longest : *longest;
    }
    return found;
}

void recent_look(const struct portable *portable, struct recent *recent)
{
    const struct portable_plan *plan = portable_plan(portable);
    double *ns = calloc((size_t)MOST * plan->cpus, sizeof *ns), work = 0, seconds = 0;
    struct sample_ring ring;
    uint64_t longest = 0;
    size_t count = 0;
    *recent = (struct recent){0, NAN, NAN, NAN, NAN};
    for (unsigned cpu = 0; ns && cpu < plan->cpus && portable_ring(portable, cpu, &ring); cpu++)
        count += add_ring(&ring, plan->ticks_per_second, ns + count, &work, &seconds, &longest);
    if (count) {
        qsort(ns, count, sizeof *ns, by_size);
        *recent = (struct recent){count, seconds * 1e9 / work, ns[count / 2],
            ns[(size_t)(0.99 * (double)(count - 1))], (double)longest / plan->ticks_per_second * 1e3};
    }
    free(ns);
}
