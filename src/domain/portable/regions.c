#include "domain/portable/regions.h"

#include "base/size.h"

#include <errno.h>
#include <inttypes.h>

enum { STEP = 2 << 20 };

static void add(struct portable_plan *plan, uint64_t start, uint64_t bytes)
{
    if (bytes)
        plan->regions[plan->region_count++] = (struct portable_region){start, bytes};
}

void portable_regions_place(struct portable_plan *plan, uint64_t low)
{
    const uint64_t below = plan->memory_bytes < low ? plan->memory_bytes : low;
    plan->region_count = 0;
    add(plan, 0, below);
    add(plan, PORTABLE_HOLE_END, plan->memory_bytes - below);
}

void portable_regions_settle(struct portable_plan *plan)
{
    if (!plan->region_count)
        portable_regions_place(plan, plan->memory_bytes);
    if (!plan->laid_out_bytes)
        plan->laid_out_bytes = plan->memory_bytes;
}

int portable_regions_check(const struct portable_plan *plan, struct error *error)
{
    uint64_t end = 0, sum = 0;
    if (plan->region_count < 1 || plan->region_count > PORTABLE_REGIONS_MAX || plan->regions[0].start)
        return error_set(error, EINVAL, "a domain's memory is 1 to %d regions, the first from address 0 on",
            PORTABLE_REGIONS_MAX);
    for (size_t i = 0; i < plan->region_count; i++) {
        const struct portable_region *region = &plan->regions[i];
        if (region->start % STEP || region->bytes % STEP || !region->bytes)
            return error_set(error, EINVAL,
                "a region of %" PRIu64 " bytes of memory at 0x%" PRIx64 " is not made of whole 2 MiB",
                region->bytes, region->start);
        if (region->start < end)
            return error_set(error, EINVAL,
                "the region of memory at 0x%" PRIx64 " begins before the one before it has ended",
                region->start);
        if (region->start >= PORTABLE_ADDRESSES || region->bytes > PORTABLE_ADDRESSES - region->start)
            return error_set(error, EINVAL,
                "a region of %" PRIu64 " bytes of memory at 0x%" PRIx64 " passes the end of addresses (2^46)",
                region->bytes, region->start);
        end = region->start + region->bytes;
        sum += region->bytes;
    }
    if (sum != plan->memory_bytes)
        return error_set(error, EINVAL,
            "the regions of memory are %" PRIu64 " bytes together, and the domain has %" PRIu64, sum,
            plan->memory_bytes);
    if (plan->laid_out_bytes % STEP || plan->laid_out_bytes < PORTABLE_BYTES_MIN ||
        plan->laid_out_bytes > plan->memory_bytes)
        return error_set(error, EINVAL, "the workload's place is not inside of the domain's memory");
    return 0;
}

int portable_regions_resize(struct portable_plan *plan, uint64_t bytes, struct error *error)
{
    struct portable_plan changed = *plan;
    while (changed.region_count && changed.memory_bytes > bytes) {
        struct portable_region *last = &changed.regions[changed.region_count - 1];
        const uint64_t gone =
            changed.memory_bytes - bytes < last->bytes ? changed.memory_bytes - bytes : last->bytes;
        last->bytes -= gone;
        changed.memory_bytes -= gone;
        changed.region_count -= !last->bytes;
    }
    struct portable_region *last = &changed.regions[changed.region_count - 1];
    const uint64_t more = bytes - changed.memory_bytes, end = last->start + last->bytes;
    const uint64_t room = end <= PORTABLE_HOLE_START ? PORTABLE_HOLE_START - end : more;
    last->bytes += more < room ? more : room;
    if (more > room && changed.region_count == PORTABLE_REGIONS_MAX)
        return error_set(error, EINVAL, "a domain's memory is at most %d regions", PORTABLE_REGIONS_MAX);
    if (more > room)
        add(&changed, PORTABLE_HOLE_END, more - room);
    changed.memory_bytes = bytes;
    *plan = changed;
    return 0;
}

uint64_t portable_offset(const struct portable_plan *plan, uint64_t physical, uint64_t bytes)
{
    uint64_t offset = 0;
    for (size_t i = 0; i < plan->region_count; offset += plan->regions[i++].bytes) {
        const uint64_t inside = physical - plan->regions[i].start, all = plan->regions[i].bytes;
        if (physical >= plan->regions[i].start && inside <= all && bytes <= all - inside)
            return offset + inside;
    }
    return UINT64_MAX;
}

uint64_t portable_physical(const struct portable_plan *plan, uint64_t offset, uint64_t *more)
{
    size_t i = 0;
    while (i + 1 < plan->region_count && offset >= plan->regions[i].bytes)
        offset -= plan->regions[i++].bytes;
    *more = plan->regions[i].bytes - offset;
    return plan->regions[i].start + offset;
}
