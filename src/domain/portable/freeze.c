/* The memory of a domain that runs, as an image for its clones. A process that is forked gets a copy of the
 * page tables of private memory, which takes longer than all else that a clone is; a private mapping of a
 * file begins without any. */
#include "domain/portable/internal.h"

#include <errno.h>
#include <sys/mman.h>

bool portable_freezes(const struct portable *portable)
{
    return portable->image >= 0;
}

/* The new mapping stands where the old one stood, so that nothing else changes; the monitor learns of it by
 * the kernel. */
int portable_freeze(
    struct portable *portable, const struct portable_wish *wish, int *descriptor, struct error *error)
{
    const uint64_t bytes = portable->plan.memory_bytes;
    if (!portable_freezes(portable))
        return error_set(error, ENOTSUP, "the domain's memory is no image that clones could map");
    if (mmap(portable->base, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, portable->image, 0) ==
        MAP_FAILED)
        return error_errno(error, errno, "cannot map the domain's memory anew");
    *descriptor = portable->image;
    portable->image = -1;
    return numa_nodes_none(&wish->nodes) ? 0 : numa_bind(portable->base, bytes, &wish->nodes, error);
}
