#include "domain/x86_64/paging.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { TABLE_BYTES = 4096, ENTRIES = 512, ROOT_LEVEL = 4 };

#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)

/* What one entry of a level spans: 4 KiB at level 1, then times 512 each. */
static uint64_t span(unsigned level)
{
    return UINT64_C(1) << (12 + 9 * (level - 1));
}

static unsigned leaf_level(uint64_t page_bytes)
{
    for (unsigned level = 1; level < ROOT_LEVEL; level++)
        if (span(level) == page_bytes)
            return level;
    return 0;
}

static uint64_t *entry_of(const struct page_tables *tables, uint64_t table, unsigned level, gva_t address)
{
    return (uint64_t *)(tables->base + table) + address.value / span(level) % ENTRIES;
}

uint64_t page_tables_need(uint64_t bytes, uint64_t page_bytes)
{
    uint64_t need = 0;
    for (unsigned level = leaf_level(page_bytes); level && level < ROOT_LEVEL; level++)
        need += (bytes / (span(level) * ENTRIES) + 2) * TABLE_BYTES; /* both ends may be partly used */
    return need;
}

static int new_table(struct page_tables *tables, uint64_t *table, struct error *error)
{
    if (tables->next + TABLE_BYTES > tables->end)
        return error_set(error, ENOMEM, "the guest's page tables do not fit the memory set aside for them");
    *table = tables->next;
    tables->next += TABLE_BYTES;
    memset(tables->base + *table, 0, TABLE_BYTES);
    return 0;
}

int page_tables_init(
    struct page_tables *tables, char *base, uint64_t first, uint64_t end, struct error *error)
{
    *tables = (struct page_tables){.base = base, .next = first, .end = end};
    return new_table(tables, &tables->root.value, error);
}

/* Finds, or makes, the entry of `level` for an address. Tables carry all rights: the leaf decides. */
static int find_entry(
    struct page_tables *tables, gva_t address, unsigned level, uint64_t **entry, struct error *error)
{
    uint64_t table = tables->root.value;
    for (unsigned at = ROOT_LEVEL; at > level; at--) {
        uint64_t *link = entry_of(tables, table, at, address);
        if (!(*link & PAGE_PRESENT)) {
            uint64_t made = 0;
            int rc = new_table(tables, &made, error);
            if (rc < 0)
                return rc;
            *link = made | PAGE_PRESENT | PAGE_WRITE | PAGE_USER | PAGE_ACCESSED_DIRTY;
        }
        table = *link & ADDRESS_MASK;
    }
    *entry = entry_of(tables, table, level, address);
    return 0;
}

int page_tables_map(struct page_tables *tables, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    uint64_t rights, struct error *error)
{
    unsigned level = leaf_level(page_bytes);
    if (!level || (from.value | to.value | bytes) % page_bytes)
        return error_set(error, EINVAL,
            "a guest mapping at 0x%" PRIx64 " is not aligned to its pages of %" PRIu64 " bytes", from.value,
            page_bytes);
    uint64_t bits = rights | PAGE_PRESENT | PAGE_ACCESSED_DIRTY | (level > 1 ? PAGE_LARGE : 0);
    for (uint64_t offset = 0; offset < bytes; offset += page_bytes) {
        uint64_t *entry;
        int rc = find_entry(tables, GVA(from.value + offset), level, &entry, error);
        if (rc < 0)
            return rc;
        *entry = (to.value + offset) | bits;
    }
    return 0;
}

uint64_t *page_tables_leaf(const struct page_tables *tables, gva_t address, uint64_t *page_bytes)
{
    uint64_t table = tables->root.value;
    for (unsigned level = ROOT_LEVEL; level; level--) {
        uint64_t *entry = entry_of(tables, table, level, address);
        if (!(*entry & PAGE_PRESENT))
            return NULL;
        if (level == 1 || *entry & PAGE_LARGE) {
            *page_bytes = span(level);
            return entry;
        }
        table = *entry & ADDRESS_MASK;
    }
    return NULL;
}
