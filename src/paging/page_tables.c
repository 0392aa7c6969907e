#include "paging/page_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { ENTRIES = 512, LARGEST_LEAF = 3 };

#define PAGE_BYTES UINT64_C(4096)
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)
#define PHYSICAL_MAX (ADDRESS_MASK + PAGE_BYTES)
#define RIGHTS_MASK                                                                                          \
    (PAGE_BIT_PRESENT | PAGE_BIT_WRITE | PAGE_BIT_USER | PAGE_BIT_HIDDEN | PAGE_BIT_LATER |                  \
        PAGE_BIT_NO_EXECUTE)
#define LINK_BITS (PAGE_BIT_PRESENT | PAGE_BIT_WRITE | PAGE_BIT_USER | PAGE_BIT_ACCESSED)

/* ---- entries ---- */

/* What one entry of a level spans: 4 KiB at level 1, then times 512 each. */
static uint64_t span(unsigned level)
{
    return UINT64_C(8) << 9 * level;
}

static unsigned index_of(uint64_t address, unsigned level)
{
    return address >> (3 + 9 * level) & (ENTRIES - 1);
}

static unsigned leaf_level(uint64_t page_bytes)
{
    for (unsigned level = 1; level <= LARGEST_LEAF; level++)
        if (span(level) == page_bytes)
            return level;
    return 0;
}

static uint64_t load(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

/* Released: a table is filled before a link to it can be seen. */
static void store(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static bool is_link(uint64_t entry, unsigned level)
{
    return level > 1 && entry & PAGE_BIT_PRESENT && !(entry & PAGE_BIT_LARGE);
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return entry && level <= LARGEST_LEAF && !is_link(entry, level);
}

static uint64_t bits_of(unsigned rights)
{
    uint64_t there = rights & PAGE_LATER ? PAGE_BIT_LATER : PAGE_BIT_PRESENT;
    return (rights & (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE) ? there : 0) |
           (rights & PAGE_WRITE ? PAGE_BIT_WRITE : 0) | (rights & PAGE_USER ? PAGE_BIT_USER : 0) |
           (rights & PAGE_EXECUTE ? 0 : PAGE_BIT_NO_EXECUTE);
}

unsigned page_entry_rights(uint64_t entry)
{
    unsigned user = entry & PAGE_BIT_USER ? PAGE_USER : 0;
    if (!(entry & PAGE_BIT_PRESENT))
        return user;
    return user | PAGE_READ | (entry & PAGE_BIT_WRITE ? PAGE_WRITE : 0) |
           (entry & PAGE_BIT_NO_EXECUTE ? 0 : PAGE_EXECUTE);
}

static struct page_leaf leaf_of(uint64_t entry, unsigned level, uint64_t address)
{
    uint64_t bytes = span(level);
    return (struct page_leaf){
        .from = GVA(address & -bytes),
        .to = GPA(entry & ADDRESS_MASK & -bytes),
        .bytes = bytes,
        .rights = page_entry_rights(entry),
        .accessed = entry & PAGE_BIT_ACCESSED,
        .dirty = entry & PAGE_BIT_DIRTY,
    };
}

static uint64_t *entry_of(const struct page_tables *tables, gpa_t table, unsigned level, uint64_t address)
{
    uint64_t *entries = tables->memory.at(tables->memory.context, table);
    return entries ? entries + index_of(address, level) : NULL;
}

/* The entry for an address at the level `lowest`, or at the level, *level, where the tables end before. NULL:
 * a table without memory. */
static uint64_t *find(const struct page_tables *tables, uint64_t address, unsigned lowest, unsigned *level)
{
    gpa_t table = tables->root;
    for (*level = tables->levels;; --*level) {
        uint64_t *entry = entry_of(tables, table, *level, address);
        if (!entry || *level == lowest || !is_link(load(entry), *level))
            return entry;
        table = GPA(load(entry) & ADDRESS_MASK);
    }
}

/* ---- tables ---- */

uint64_t page_tables_need(unsigned levels, uint64_t bytes, uint64_t page_bytes)
{
    uint64_t need = 0;
    for (unsigned level = 1; level < levels; level++)
        if (span(level) >= page_bytes)
            need += (bytes / span(level + 1) + 2) * PAGE_TABLE_BYTES; /* both ends may be partly used */
    return need;
}

static int lost_table(struct error *error)
{
    return error_set(error, EFAULT, "a page table lies outside the memory that tables stand in");
}

static int new_table(struct page_tables *tables, gpa_t *table, uint64_t **entries, struct error *error)
{
    int rc = tables->memory.take(tables->memory.context, table, error);
    if (rc < 0)
        return rc;
    *entries = tables->memory.at(tables->memory.context, *table);
    if (!*entries)
        return lost_table(error);
    memset(*entries, 0, PAGE_TABLE_BYTES);
    return 0;
}

int page_tables_init(struct page_tables *tables, struct error *error)
{
    uint64_t *entries;
    return new_table(tables, &tables->root, &entries, error);
}

static bool is_empty(const uint64_t *entries)
{
    for (int i = 0; entries && i < ENTRIES; i++)
        if (entries[i])
            return false;
    return entries;
}

/* Gives back the table of `level` that has the entry for an address, if it is empty, and those above. */
static void release(struct page_tables *tables, uint64_t address, unsigned level)
{
    for (unsigned at; level < tables->levels; level++) {
        uint64_t *link = find(tables, address, level + 1, &at);
        if (!link || at != level + 1 || !is_link(*link, at))
            return;
        gpa_t table = GPA(*link & ADDRESS_MASK);
        if (!is_empty(tables->memory.at(tables->memory.context, table)))
            return;
        store(link, 0);
        tables->memory.give(tables->memory.context, table);
    }
}

/* ---- ranges ---- */

static bool is_canonical(const struct page_tables *tables, uint64_t address)
{
    unsigned above = 64 - (12 + 9 * tables->levels);
    return (uint64_t)((int64_t)(address << above) >> above) == address;
}

static int check(const struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error)
{
    uint64_t last = from.value + bytes - 1;
    if (bytes && (from.value | bytes) % PAGE_BYTES == 0 && bytes <= span(tables->levels) * (ENTRIES / 2) &&
        last > from.value && is_canonical(tables, from.value) && is_canonical(tables, last))
        return 0;
    return error_set(error, EINVAL,
        "%" PRIu64 " bytes of guest memory at 0x%" PRIx64 " are not whole pages of one half of its addresses",
        bytes, from.value);
}

/* What is done to every leaf of a range that has one of the bits `when`. */
struct action {
    uint64_t when, clear, set;
    bool releases;                                             /* tables that become empty */
    void (*each)(void *context, const struct page_leaf *leaf); /* as it was found; may be NULL */
    void *context;
};
static const struct action unmap = {.when = UINT64_MAX, .clear = UINT64_MAX, .releases = true};

/* A CPU may set accessed and dirty bits meanwhile. */
static uint64_t replace(uint64_t *entry, const struct action *action)
{
    uint64_t new, old = load(entry);
    do
        new = old & action->when ? (old & ~action->clear) | action->set : old;
    while (new != old &&
           !__atomic_compare_exchange_n(entry, &old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return old;
}

static void for_leaves(struct page_tables *tables, gva_t from, uint64_t bytes, const struct action *action)
{
    unsigned level;
    for (uint64_t next, done = 0; done < bytes; done = next) {
        uint64_t address = from.value + done, *entry = find(tables, address, 1, &level);
        next = done + span(level) - (address & (span(level) - 1));
        if (entry && is_leaf(load(entry), level)) {
            struct page_leaf leaf = leaf_of(replace(entry, action), level, address);
            if (action->each)
                action->each(action->context, &leaf);
        }
        if (action->releases && (next >= bytes || !((from.value + next) & (span(level + 1) - 1))))
            release(tables, address, level);
    }
}

/* Fills a table with what a leaf of `level` says, in smaller leaves. */
static void fill(uint64_t *entries, uint64_t leaf, unsigned level)
{
    uint64_t frame = leaf & ADDRESS_MASK & -span(level);
    uint64_t bits = leaf & ~(ADDRESS_MASK | (level == 2 ? PAGE_BIT_LARGE : 0));
    for (uint64_t i = 0; i < ENTRIES; i++)
        entries[i] = (frame + i * span(level - 1)) | bits;
}

/* An accessed or dirty bit that a CPU sets meanwhile is not lost. */
static int split_leaf(struct page_tables *tables, uint64_t *entry, unsigned level, struct error *error)
{
    gpa_t table;
    uint64_t *entries, leaf = load(entry);
    int rc = new_table(tables, &table, &entries, error);
    if (rc < 0)
        return rc;
    do
        fill(entries, leaf, level);
    while (!__atomic_compare_exchange_n(
        entry, &leaf, table.value | LINK_BITS, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return 0;
}

static int split_to(struct page_tables *tables, uint64_t address, uint64_t page_bytes, struct error *error)
{
    for (unsigned level;;) {
        uint64_t *entry = find(tables, address, 1, &level);
        if (!entry || !is_leaf(load(entry), level) || level <= 1 || span(level) <= page_bytes)
            return 0;
        int rc = split_leaf(tables, entry, level, error);
        if (rc < 0)
            return rc;
    }
}

/* Sees to it that no leaf lies across an end of the range: none is larger than what the end is a multiple of.
 */
static int split_ends(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error)
{
    const uint64_t ends[] = {from.value, from.value + bytes};
    int rc = check(tables, from, bytes, error);
    for (int i = 0; rc == 0 && i < 2; i++)
        if (ends[i])
            rc = split_to(tables, ends[i], ends[i] & -ends[i], error);
    return rc;
}

/* ---- changing ---- */

int page_tables_split(struct page_tables *tables, gva_t address, uint64_t page_bytes, struct error *error)
{
    int rc = check(tables, GVA(address.value & -PAGE_BYTES), PAGE_BYTES, error);
    if (rc == 0 && !leaf_level(page_bytes))
        rc = error_set(error, EINVAL, "there are no pages of %" PRIu64 " bytes", page_bytes);
    return rc < 0 ? rc : split_to(tables, address.value, page_bytes, error);
}

static int change(
    struct page_tables *tables, gva_t from, uint64_t bytes, const struct action *action, struct error *error)
{
    int rc = split_ends(tables, from, bytes, error);
    if (rc == 0)
        for_leaves(tables, from, bytes, action);
    return rc;
}

int page_tables_unmap(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error)
{
    return change(tables, from, bytes, &unmap, error);
}

int page_tables_protect(
    struct page_tables *tables, gva_t from, uint64_t bytes, unsigned rights, struct error *error)
{
    const struct action set = {.when = UINT64_MAX, .clear = RIGHTS_MASK, .set = bits_of(rights)};
    return change(tables, from, bytes, &set, error);
}

int page_tables_hide(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error)
{
    const uint64_t there = PAGE_BIT_PRESENT | PAGE_BIT_LATER;
    const struct action hide = {there, there, PAGE_BIT_HIDDEN, .each = NULL};
    return change(tables, from, bytes, &hide, error);
}

int page_tables_show(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error)
{
    const struct action show = {PAGE_BIT_HIDDEN, PAGE_BIT_HIDDEN, PAGE_BIT_PRESENT, .each = NULL};
    return change(tables, from, bytes, &show, error);
}

int page_tables_scan(struct page_tables *tables, gva_t from, uint64_t bytes, uint64_t clear,
    void (*each)(void *context, const struct page_leaf *leaf), void *context, struct error *error)
{
    const struct action scan = {
        UINT64_MAX, clear & (PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY), .each = each, .context = context};
    int rc = check(tables, from, bytes, error);
    if (rc == 0)
        for_leaves(tables, from, bytes, &scan);
    return rc;
}

/* ---- mapping ---- */

/* Is there anything where the leaves of a range are to be? */
static int check_free(const struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error)
{
    unsigned level;
    for (uint64_t done = 0; done < bytes;) {
        uint64_t address = from.value + done, *entry = find(tables, address, 1, &level);
        if (!entry)
            return lost_table(error);
        if (load(entry))
            return error_set(error, EEXIST, "guest memory at 0x%" PRIx64 " is mapped already", address);
        done += span(level) - (address & (span(level) - 1));
    }
    return 0;
}

static int put(
    struct page_tables *tables, uint64_t address, unsigned level, uint64_t leaf, struct error *error)
{
    for (unsigned at;;) {
        uint64_t *entries, *entry = find(tables, address, level, &at);
        gpa_t table;
        if (!entry)
            return lost_table(error);
        if (at == level) {
            store(entry, leaf);
            return 0;
        }
        int rc = new_table(tables, &table, &entries, error);
        if (rc < 0)
            return rc;
        store(entry, table.value | LINK_BITS);
    }
}

/* Whatever was made for a range that cannot be mapped whole goes again: there was nothing before. */
static void undo(struct page_tables *tables, gva_t from, uint64_t done)
{
    unsigned level;
    for_leaves(tables, from, done, &unmap);
    find(tables, from.value + done, 1, &level);
    release(tables, from.value + done, level);
}

int page_tables_map(struct page_tables *tables, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    unsigned rights, struct error *error)
{
    unsigned level = leaf_level(page_bytes);
    if (!level || (from.value | to.value | bytes) % page_bytes || bytes > PHYSICAL_MAX ||
        to.value > PHYSICAL_MAX - bytes)
        return error_set(error, EINVAL,
            "a guest mapping at 0x%" PRIx64 " is not aligned to its pages of %" PRIu64
            " bytes, or its memory lies beyond 52 bits",
            from.value, page_bytes);
    int rc = check(tables, from, bytes, error);
    if (rc < 0 || (rc = check_free(tables, from, bytes, error)) < 0)
        return rc;
    uint64_t bits = bits_of(rights) | tables->preset | PAGE_BIT_MAPPED | (level > 1 ? PAGE_BIT_LARGE : 0);
    for (uint64_t done = 0; rc == 0 && done < bytes; done += page_bytes) {
        rc = put(tables, from.value + done, level, (to.value + done) | bits, error);
        if (rc < 0)
            undo(tables, from, done);
    }
    return rc;
}

void page_tables_free(struct page_tables *tables)
{
    uint64_t half = span(tables->levels) * (ENTRIES / 2);
    for_leaves(tables, GVA(0), half, &unmap);
    for_leaves(tables, GVA(-half), half, &unmap);
    tables->memory.give(tables->memory.context, tables->root);
}

/* ---- walking ---- */

void page_tables_walk(const struct page_tables *tables, gva_t address, struct page_walk *walk)
{
    const unsigned all = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_USER;
    gpa_t table = tables->root;
    unsigned rights = all;
    *walk = (struct page_walk){0};
    for (unsigned level = is_canonical(tables, address.value) ? tables->levels : 0; level; level--) {
        const uint64_t *at = entry_of(tables, table, level, address.value);
        if (!at)
            return;
        uint64_t entry = load(at), index = index_of(address.value, level);
        walk->read[walk->reads++] = (struct page_read){GPA(table.value + index * sizeof entry), entry};
        rights &= page_entry_rights(entry);
        if (is_link(entry, level)) {
            table = GPA(entry & ADDRESS_MASK);
            continue;
        }
        if (is_leaf(entry, level) && entry & PAGE_BIT_PRESENT) {
            walk->leaf = leaf_of(entry, level, address.value);
            walk->leaf.rights = rights;
        }
        return;
    }
}
