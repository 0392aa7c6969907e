/* Which pages of a domain were written, while it runs: what a migration sends once more. The monitor records
 * them by region; here they are one bitmap. */
#include "domain/portable/internal.h"

#include <errno.h>

enum { WORD_PAGES = 64 };

struct guest_region *portable_region(const struct portable *portable, uint64_t start)
{
    struct guest_memory *regions = &portable->domain->regions;
    for (size_t i = 0; i < regions->count; i++)
        if (regions->list[i].start.value == start)
            return &regions->list[i];
    return NULL;
}

int portable_log(struct portable *portable, bool on, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < portable->plan.region_count; i++) {
        struct guest_region *region = portable_region(portable, portable->plan.regions[i].start);
        if (!ops->dirty_clear || !region)
            return error_set(error, ENOTSUP, "%s does not tell which pages a guest writes", ops->title);
        region->flags = on ? REGION_LOG_DIRTY | REGION_LOG_PARTS : 0;
        rc = ops->region(
            portable->domain->vm, region->slot, region->start, &region->backing, region->flags, error);
    }
    return rc;
}

int portable_dirty(struct portable *portable, uint64_t *bitmap, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < portable->plan.region_count; i++) {
        const struct portable_region *region = &portable->plan.regions[i];
        rc = portable->domain->ops->dirty(
            portable->domain->vm, portable_region(portable, region->start)->slot, bitmap, error);
        bitmap += region->bytes / PAGE_BYTES / WORD_PAGES;
    }
    return rc;
}

int portable_dirty_clear(
    struct portable *portable, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error)
{
    uint64_t begin = 0; /* of the region, as a page of the memory */
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < portable->plan.region_count; i++) {
        const struct portable_region *region = &portable->plan.regions[i];
        const uint64_t all = region->bytes / PAGE_BYTES, inside = first - begin;
        const uint64_t here = inside < all && pages > all - inside ? all - inside : pages;
        begin += all;
        if (inside >= all || !pages)
            continue;
        rc = portable->domain->ops->dirty_clear(portable->domain->vm,
            portable_region(portable, region->start)->slot, inside, here, bitmap, error);
        first += here;
        pages -= here;
        bitmap += here / WORD_PAGES;
    }
    return rc;
}
