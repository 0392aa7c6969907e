#include "monitor/guest_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { PAGE_MASK = 4095 };

/* An x86-64 physical address has at most 52 bits (SDM volume 3, 4.1.4). */
#define ADDRESSES (UINT64_C(1) << 52)

static struct guest_region *in_slot(const struct guest_memory *memory, unsigned slot)
{
    for (size_t i = 0; i < memory->count; i++)
        if (memory->list[i].slot == slot)
            return &memory->list[i];
    return NULL;
}

static int check_addresses(const struct guest_region *region, struct error *error)
{
    uint64_t start = region->start.value, bytes = region->backing.bytes;
    if ((start | bytes | (uintptr_t)region->backing.host | region->backing.offset) & PAGE_MASK)
        return error_set(error, EINVAL,
            "guest memory is made of whole pages: %" PRIu64 " bytes at 0x%" PRIx64
            ", backed at %p (offset 0x%" PRIx64 "), are not aligned to 4 KiB",
            bytes, start, region->backing.host, region->backing.offset);
    if (bytes && !region->backing.host)
        return error_set(error, EINVAL, "guest memory at 0x%" PRIx64 " has nothing behind it", start);
    if (start >= ADDRESSES || bytes > ADDRESSES - start)
        return error_set(error, EINVAL,
            "%" PRIu64 " bytes of guest memory at 0x%" PRIx64 " pass the end of physical addresses (2^52)",
            bytes, start);
    return 0;
}

/* In another slot. */
static const struct guest_region *overlapping(
    const struct guest_memory *memory, const struct guest_region *region)
{
    uint64_t start = region->start.value, end = start + region->backing.bytes;
    for (size_t i = 0; i < memory->count; i++) {
        const struct guest_region *other = &memory->list[i];
        if (other->slot != region->slot && start < other->start.value + other->backing.bytes &&
            other->start.value < end)
            return other;
    }
    return NULL;
}

static int check_others(
    const struct guest_memory *memory, const struct guest_region *region, struct error *error)
{
    const struct guest_region *other = overlapping(memory, region);
    if (!other)
        return 0;
    return error_set(error, EEXIST,
        "guest memory [0x%" PRIx64 ", 0x%" PRIx64 ") overlaps that of slot %u, [0x%" PRIx64 ", 0x%" PRIx64
        ")",
        region->start.value, region->start.value + region->backing.bytes, other->slot, other->start.value,
        other->start.value + other->backing.bytes);
}

void guest_memory_place(
    const struct guest_memory *memory, gpa_t from, uint64_t alignment, struct guest_region *region)
{
    const struct guest_region *other;
    for (region->slot = 0; in_slot(memory, region->slot);)
        region->slot++;
    for (region->start = from; (other = overlapping(memory, region));)
        region->start =
            GPA((other->start.value + other->backing.bytes + alignment - 1) / alignment * alignment);
}

static bool same_but_for_logging(const struct guest_region *a, const struct guest_region *b)
{
    return a->start.value == b->start.value && a->backing.host == b->backing.host &&
           a->backing.bytes == b->backing.bytes &&
           !((a->flags ^ b->flags) & ~(unsigned)(REGION_LOG_DIRTY | REGION_LOG_PARTS));
}

static int make_room(struct guest_memory *memory, struct error *error)
{
    if (memory->count < memory->room)
        return 0;
    size_t room = memory->room ? 2 * memory->room : 8;
    struct guest_region *list = reallocarray(memory->list, room, sizeof *list);
    if (!list)
        return error_set(error, ENOMEM, "no memory for a list of %zu regions", room);
    memory->list = list;
    memory->room = room;
    return 0;
}

int guest_memory_check(struct guest_memory *memory, const struct guest_region *region, struct error *error)
{
    const struct guest_region *there = in_slot(memory, region->slot);
    if (region->slot >= memory->slots)
        return error_set(error, EINVAL, "there is no slot %u for guest memory: the monitor has %u",
            region->slot, memory->slots);
    if (!region->backing.bytes)
        return there ? 0 : error_set(error, ENOENT, "slot %u holds no guest memory to remove", region->slot);
    if (region->flags & ~(unsigned)(REGION_READ_ONLY | REGION_LOG_DIRTY | REGION_LOG_PARTS))
        return error_set(error, EINVAL, "guest memory has no flags 0x%x", region->flags);
    if (there && !same_but_for_logging(there, region))
        return error_set(error, EBUSY, "slot %u holds other guest memory: remove that first", region->slot);
    int rc = check_addresses(region, error);
    if (rc == 0)
        rc = check_others(memory, region, error);
    return rc < 0 ? rc : make_room(memory, error);
}

void guest_memory_set(struct guest_memory *memory, const struct guest_region *region)
{
    struct guest_region *there = in_slot(memory, region->slot);
    if (!region->backing.bytes)
        *there = memory->list[--memory->count];
    else if (there)
        *there = *region;
    else
        memory->list[memory->count++] = *region;
}

void guest_memory_free(struct guest_memory *memory)
{
    free(memory->list);
    *memory = (struct guest_memory){.slots = memory->slots};
}
