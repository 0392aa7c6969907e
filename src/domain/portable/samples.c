#include "domain/portable/samples.h"

#include "domain/portable/internal.h"

#include "base/size.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

bool portable_ring(const struct portable *portable, unsigned cpu, struct sample_ring *ring)
{
    const struct portable_plan *plan = &portable->plan;
    const uint64_t bytes = portable_ring_pages(plan->cpus) * PAGE_BYTES;
    if (plan->workload == PORTABLE_SELFTEST || cpu >= plan->cpus || cpu >= plan->result_count)
        return false;
    const struct portable_job *job = portable_at(portable, plan->results[cpu], sizeof *job);
    const void *samples = portable->base + plan->laid_out_bytes - 2 * MIB + cpu * bytes;
    if (!job || job->sample_count != bytes / sizeof(struct portable_sample))
        return false;
    *ring = (struct sample_ring){samples, bytes / sizeof(struct portable_sample), &job->sampled};
    return true;
}

/* By the kernel: a ring that is mapped from a file which was cut off is not read with a SIGBUS. */
static bool copy_samples(
    const struct sample_ring *ring, uint64_t first, uint64_t count, struct portable_sample *samples)
{
    uint64_t slot = first % ring->count, before_end = ring->count - slot < count ? ring->count - slot : count;
    const struct iovec to = {samples, count * sizeof *samples};
    const struct iovec from[] = {{(void *)(ring->samples + slot), before_end * sizeof *samples},
        {(void *)ring->samples, (count - before_end) * sizeof *samples}};
    return !count || process_vm_readv(getpid(), &to, 1, from, 2, 0) == (ssize_t)to.iov_len;
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
    if (!copy_samples(ring, first, count, samples)) {
        *lost += count;
        *taken = first + count;
        return 0;
    }
    /* The one that is being written now stands where the oldest stood. */
    uint64_t now = *ring->written, oldest = now >= ring->count ? now - ring->count + 1 : 0;
    uint64_t gone = oldest > first ? oldest - first : 0;
    gone = gone < count ? gone : count;
    memmove(samples, samples + gone, (size_t)(count - gone) * sizeof *samples);
    *lost += first - (*taken < first ? *taken : first) + gone;
    *taken = first + count;
    return (size_t)(count - gone);
}
