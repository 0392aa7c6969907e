/* Which pages of a domain were written, while it runs: what a migration sends once more. */
#include "domain/portable/internal.h"

#include <errno.h>

static struct guest_region *memory_region(struct portable *portable)
{
    struct guest_memory *regions = &portable->domain->regions;
    for (size_t i = 0; i < regions->count; i++)
        if (regions->list[i].backing.host == portable->base)
            return &regions->list[i];
    return NULL;
}

int portable_log(struct portable *portable, bool on, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    struct guest_region *region = memory_region(portable);
    if (!ops->dirty_clear || !region)
        return error_set(error, ENOTSUP, "%s does not tell which pages a guest writes", ops->title);
    region->flags = on ? REGION_LOG_DIRTY | REGION_LOG_PARTS : 0;
    return ops->region(
        portable->domain->vm, region->slot, region->start, &region->backing, region->flags, error);
}

int portable_dirty(struct portable *portable, uint64_t *bitmap, struct error *error)
{
    return portable->domain->ops->dirty(portable->domain->vm, memory_region(portable)->slot, bitmap, error);
}

int portable_dirty_clear(
    struct portable *portable, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error)
{
    return portable->domain->ops->dirty_clear(
        portable->domain->vm, memory_region(portable)->slot, first, pages, bitmap, error);
}
