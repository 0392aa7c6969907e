#include "model/large.h"

#include <stdint.h>
#include <sys/mman.h>

/* Of one page more than is needed what stands before and behind is given back. */
void *large_take(size_t bytes)
{
    const size_t all = bytes + LARGE_BYTES;
    char *area = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)area % LARGE_BYTES;
    if (before)
        munmap(area, before);
    munmap(area + before + bytes, all - before - bytes);
    madvise(area + before, bytes, MADV_HUGEPAGE); /* small pages do as well, more slowly */
    return area + before;
}

void large_give(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes);
}
