/* One entry of a guest's page table (SDM volume 3, 4.5.4, tables 4-14 to 4-20), taken apart. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_ENTRY_H
#define VCOST_MONITOR_DEPRIVILEGED_ENTRY_H

#include "base/address.h"
#include "paging/page_tables.h"

#include <stdbool.h>
#include <stdint.h>

enum { TABLE_ENTRIES = 512, TABLE_LEVELS = 4 };

#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)
#define ENTRY_USED (PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY)
#define LARGE_BYTES (UINT64_C(1) << 21)

enum entry_kind {
    ENTRY_NOTHING, /* not present */
    ENTRY_LINK,    /* to a table of the level below */
    ENTRY_LEAF,
    ENTRY_RESERVED /* what the CPU refuses with a page fault (RSVD), and what is not offered: 1 GiB pages, PAT
                    */
};

/* What an entry of a level (1 to 4) is, where physical addresses have so many bits. Level 1 and 2 have
 * leaves. */
static inline enum entry_kind entry_kind(uint64_t entry, unsigned level, unsigned physical_bits)
{
    bool large = entry & PAGE_BIT_LARGE;
    uint64_t reserved = ENTRY_ADDRESS & ~((UINT64_C(1) << physical_bits) - 1);
    if (!(entry & PAGE_BIT_PRESENT))
        return ENTRY_NOTHING;
    if (large && level == 2)
        reserved |= LARGE_BYTES - 4096;
    if (entry & reserved || (large && level != 2))
        return ENTRY_RESERVED;
    return level == 1 || large ? ENTRY_LEAF : ENTRY_LINK;
}

static inline gpa_t entry_to(uint64_t entry)
{
    return GPA(entry & ENTRY_ADDRESS);
}

/* What one entry of a level spans. */
static inline uint64_t entry_span(unsigned level)
{
    return UINT64_C(8) << 9 * level;
}

static inline unsigned entry_index(uint64_t address, unsigned level)
{
    return address >> (3 + 9 * level) & (TABLE_ENTRIES - 1);
}

static inline uint64_t entry_load(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static inline void entry_store(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* Bits 0 to 47 as an address: bit 47 decides about those above. */
static inline gva_t address_canonical(uint64_t address)
{
    return GVA((uint64_t)((int64_t)(address << 16) >> 16));
}

static inline bool address_is_canonical(uint64_t address)
{
    return address_canonical(address).value == address;
}

#endif
