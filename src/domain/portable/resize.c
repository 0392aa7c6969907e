/* More memory for a domain, and less: at the end of its last region. A monitor takes no region that has
 * another size, so the old one goes and the new one comes while nobody runs. */
#include "domain/portable/added.h"
#include "domain/portable/internal.h"
#include "domain/portable/regions.h"

#include "base/size.h"
#include "host/smaps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void portable_set_room(struct portable *portable, uint64_t bytes)
{
    portable->room_bytes = bytes;
}

static int check(const struct portable *portable, uint64_t bytes, struct error *error)
{
    const struct portable_plan *plan = &portable->plan;
    const uint64_t room =
        portable->room_bytes > plan->memory_bytes ? portable->room_bytes : plan->memory_bytes;
    char text[SIZE_TEXT_BYTES];
    if (portable->image >= 0)
        return error_set(error, ENOTSUP, "memory that clones can map (--forkable) keeps its size");
    if (bytes % (2 * MIB))
        return error_set(error, EINVAL, "a domain's memory is in steps of 2 MiB");
    size_text(bytes < plan->laid_out_bytes ? plan->laid_out_bytes : room, text);
    if (bytes < plan->laid_out_bytes)
        return error_set(error, EINVAL,
            "the workload has its place in the first %s of the memory, of which nothing can be taken away",
            text);
    if (bytes > room)
        return error_set(error, EINVAL,
            "there are addresses for %s here: twice what it had when it was started, restored or received",
            text);
    return 0;
}

int portable_resize_begin(
    const struct portable *portable, uint64_t bytes, const struct stop *stop, struct error *error)
{
    int rc = check(portable, bytes, error);
    return rc == 0 && bytes < portable->plan.memory_bytes ? added_ask_back(portable, bytes, stop, error) : rc;
}

/* ---- in this process ---- */

static int add_memory(const struct portable *portable, uint64_t offset, uint64_t bytes,
    const struct portable_wish *wish, struct error *error)
{
    const bool shared = portable->shared >= 0;
    char *at = portable->base + offset;
    if (mmap(at, bytes, PROT_READ | PROT_WRITE,
            MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS), portable->shared,
            shared ? (off_t)offset : 0) == MAP_FAILED)
        return error_errno(error, errno, "no more memory for the domain");
    /* else it has small pages, which is told by who asks; as portable_map_memory() */
    (void)madvise(at, bytes, shared ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    int rc = numa_nodes_none(&wish->nodes) ? 0 : numa_bind(at, bytes, &wish->nodes, error);
    if (rc == 0 && wish->locked && mlock(at, bytes) < 0)
        rc = error_errno(error, errno, "more memory of the domain cannot be locked (raise `ulimit -l`)");
    return rc;
}

/* The addresses stay the domain's. */
static int take_memory(const struct portable *portable, uint64_t offset, uint64_t bytes, struct error *error)
{
    if (mmap(portable->base + offset, bytes, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED ||
        (portable->shared >= 0 && fallocate(portable->shared, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                      (off_t)offset, (off_t)bytes) < 0))
        return error_errno(error, errno, "memory of the domain cannot be given back");
    return 0;
}

/* What its memory takes of the machine's: where another process has it, too, what the descriptor has. */
static uint64_t resident_bytes(const struct portable *portable)
{
    enum { BLOCK_BYTES = 512 };
    struct smaps smaps;
    struct stat has;
    if (portable->shared >= 0)
        return fstat(portable->shared, &has) == 0 ? (uint64_t)has.st_blocks * BLOCK_BYTES : 0;
    return smaps_of(getpid(), &smaps) == 0 ? smaps.resident_bytes : 0;
}

/* ---- in the guest ---- */

/* From region number `first` on, which are in the guest as `from` has them. */
static int set_regions(struct portable *portable, size_t first, const struct portable_plan *from,
    const struct portable_plan *to, struct error *error)
{
    uint64_t offset = 0;
    int rc = 0;
    for (size_t i = first; rc == 0 && i < from->region_count; i++) {
        const struct guest_region *there = portable_region(portable, from->regions[i].start);
        if (there)
            rc = domain_remove_region(portable->domain, there, error);
    }
    for (size_t i = 0; rc == 0 && i < to->region_count; offset += to->regions[i++].bytes) {
        struct guest_region region = {
            .backing = backing_private(portable->base + offset, to->regions[i].bytes)};
        if (portable->shared >= 0)
            region.backing = (struct backing){.host = portable->base + offset,
                .bytes = to->regions[i].bytes,
                .descriptor = portable->shared,
                .offset = offset,
                .shared = true,
                .page_bytes = PAGE_BYTES};
        if (i >= first)
            rc = domain_add_region_from(portable->domain, GPA(to->regions[i].start), &region, error);
    }
    return rc;
}

static int change_regions(struct portable *portable, const struct portable_plan *to, struct error *error)
{
    const struct portable_plan from = portable->plan;
    struct error unheard;
    size_t same = 0;
    while (same < from.region_count && same < to->region_count &&
           from.regions[same].bytes == to->regions[same].bytes)
        same++;
    int rc = set_regions(portable, same, &from, to, error);
    if (rc < 0)
        (void)set_regions(portable, same, to, &from, &unheard);
    return rc;
}

int portable_resize(struct portable *portable, uint64_t bytes, const struct portable_wish *wish,
    uint64_t *given_back, struct error *error)
{
    struct portable_plan changed = portable->plan;
    const uint64_t before = changed.memory_bytes, resident = resident_bytes(portable);
    struct error unheard;
    int rc = portable_resize_begin(portable, bytes, NULL, error);
    if (rc == 0)
        rc = portable_regions_resize(&changed, bytes, error);
    if (rc == 0 && bytes > before && (rc = add_memory(portable, before, bytes - before, wish, error)) < 0)
        (void)take_memory(portable, before, bytes - before, &unheard);
    if (rc == 0 && (rc = change_regions(portable, &changed, error)) < 0 && bytes > before)
        (void)take_memory(portable, before, bytes - before, &unheard);
    if (rc == 0)
        portable->plan = changed;
    added_offer(portable, portable->plan.memory_bytes);
    if (rc < 0)
        return rc;
    if (bytes < before)
        rc = take_memory(portable, bytes, before - bytes, error);
    const uint64_t now = resident_bytes(portable);
    *given_back = now < resident ? resident - now : 0;
    return rc;
}
