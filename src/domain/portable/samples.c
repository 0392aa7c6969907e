#include "domain/portable/samples.h"

#include "domain/portable/internal.h"

#include "base/size.h"

#include <string.h>

bool portable_ring(const struct portable *portable, unsigned cpu, struct sample_ring *ring)
{
    const struct portable_plan *plan = &portable->plan;
    const uint64_t bytes = portable_ring_pages(plan->cpus) * PAGE_BYTES;
    if (plan->workload == PORTABLE_SELFTEST || cpu >= plan->cpus || cpu >= plan->result_count)
        return false;
    const struct portable_job *job = portable_at(portable, plan->results[cpu], sizeof *job);
    const void *samples = portable_at(portable, plan->memory_bytes - 2 * MIB + cpu * bytes, bytes);
    if (!job || !samples || job->sample_count != bytes / sizeof(struct portable_sample))
        return false;
    *ring = (struct sample_ring){samples, bytes / sizeof(struct portable_sample), &job->sampled};
    return true;
}

size_t sample_ring_take(const struct sample_ring *ring, uint64_t *taken, struct portable_sample *samples,
    size_t room, uint64_t *lost)
{
    uint64_t written = *ring->written, first = *taken;
    if (written < first) /* no ring goes back: it is the guest's word */
        first = written;
    if (written - first > ring->count)
        first = written - ring->count;
    uint64_t count = written - first < room ? written - first : room;
    for (uint64_t i = 0; i < count; i++)
        samples[i] = ring->samples[(first + i) % ring->count];
    /* The one that is being written now stands where the oldest stood. */
    uint64_t now = *ring->written, oldest = now >= ring->count ? now - ring->count + 1 : 0;
    uint64_t gone = oldest > first ? oldest - first : 0;
    gone = gone < count ? gone : count;
    memmove(samples, samples + gone, (size_t)(count - gone) * sizeof *samples);
    *lost += first - (*taken < first ? *taken : first) + gone;
    *taken = first + count;
    return (size_t)(count - gone);
}
