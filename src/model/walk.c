#include "model/walk.h"

static const uint64_t address_mask = UINT64_C(0x000ffffffffff000);

static unsigned index_of(uint64_t address, unsigned level)
{
    return address >> walk_shift(level) & 511;
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return level == 1 || entry & PAGE_BIT_LARGE;
}

/* ---- walk caches ---- */

int walk_caches_init(struct walk_caches *caches, const struct machine_walk_cache *list, size_t count,
    uint64_t seed, struct error *error)
{
    int rc = 0;
    *caches = (struct walk_caches){.count = count};
    for (size_t i = 0; rc == 0 && i < count; i++) {
        caches->all[i].cycles = list[i].cycles;
        for (size_t k = 0; k < list[i].level_count; k++)
            caches->of[list[i].levels[k]] = &caches->all[i];
        rc = tags_init(&caches->all[i].tags, TAGS_KEYED, &list[i].shape, seed, error);
    }
    if (rc < 0)
        walk_caches_free(caches);
    return rc;
}

void walk_caches_free(struct walk_caches *caches)
{
    for (size_t i = 0; i < caches->count; i++)
        tags_free(&caches->all[i].tags);
}

void walk_caches_clear(struct walk_caches *caches)
{
    for (size_t i = 0; i < caches->count; i++)
        tags_clear(&caches->all[i].tags);
}

void walk_caches_clear_domain(struct walk_caches *caches, unsigned domain)
{
    for (size_t i = 0; i < caches->count; i++)
        tags_drop_marked(&caches->all[i].tags, (TAGS - TAG_SPACES) << 4, (uint64_t)domain * TAG_SPACES << 4);
}

/* The level of the table that a walk begins with: the root's, or what a cached entry of level
 * `from` or above gives: then *table. */
TAGS_INLINE unsigned begin(const struct walk_dimension *tables, unsigned tag, uint64_t address, unsigned from,
    struct walk_table *table)
{
    uint64_t value;
    struct walk_caches *caches = tables->caches;
    for (unsigned level = from; caches && level <= tables->levels; level++) {
        struct walk_cache *cache = caches->of[level];
        if (!cache)
            continue;
        uint64_t number = address >> walk_shift(level);
        if (!tags_find_value(&cache->tags, number, walk_key(number, level, tag), &value))
            continue;
        *table = walk_unpacked(value);
        return level - 1;
    }
    return tables->levels;
}

TAGS_INLINE void keep(const struct walk_dimension *tables, unsigned level, unsigned tag, uint64_t address,
    struct walk_table table)
{
    struct walk_cache *cache = tables->caches ? tables->caches->of[level] : NULL;
    if (!cache)
        return;
    uint64_t number = address >> walk_shift(level);
    tags_put_value(&cache->tags, number, walk_key(number, level, tag), walk_packed(table));
}

/* ---- reading entries ---- */

/* The entry of a table for an address: its value, which is read. */
TAGS_INLINE uint64_t read_entry(struct walker *walker, const struct walk_dimension *tables,
    struct walk_table table, unsigned level, uint64_t address)
{
    unsigned index = index_of(address, level);
    uint64_t entry = tables->ground->tables[table.number].entries[index],
             at = table.address + index * sizeof entry;
    struct cache_served served = walk_read_at(walker, tables, level, at);
    if (walker->watch)
        walker->watch(walker->context,
            &(struct walk_step){tables->host, level, at, entry, served.level, served.cycles});
    return entry;
}

static struct translated_page page_of(uint64_t entry, unsigned level)
{
    uint64_t bytes = UINT64_C(1) << walk_shift(level);
    return (struct translated_page){entry & address_mask & -bytes, bytes};
}

/* The table to which an entry of a table leads. */
static struct walk_table table_below(
    const struct walk_dimension *tables, struct walk_table table, unsigned level, uint64_t address)
{
    uint64_t entry = tables->ground->tables[table.number].entries[index_of(address, level)];
    return (struct walk_table){
        entry & address_mask, ground_table_number(tables->ground, entry & address_mask)};
}

/* ---- one dimension ---- */

enum walk_end walk_native(struct walker *walker, const struct walk_dimension *tables, unsigned tag,
    uint64_t address, struct walk_result *result)
{
    struct walk_table table = tables->root;
    result->begun = begin(tables, tag, address, 2, &table);
    walk_charge_begun(walker, tables, result->begun);
    for (unsigned level = result->begun;; level--) {
        uint64_t entry = read_entry(walker, tables, table, level, address);
        result->level = level;
        if (!(entry & PAGE_BIT_PRESENT))
            return WALK_ABSENT;
        if (is_leaf(entry, level)) {
            result->page = page_of(entry, level);
            return WALK_DONE;
        }
        table.address = entry & address_mask;
        if (entry & PAGE_BIT_SWITCH) {
            result->table = table.address;
            return WALK_SWITCHES;
        }
        table.number = ground_table_number(tables->ground, table.address);
        keep(tables, level, tag, address, table);
    }
}

unsigned walk_begin_above(const struct walk_dimension *tables, unsigned tag, uint64_t address, unsigned last,
    struct walk_table leaf)
{
    struct walk_table table = tables->root;
    const unsigned begun = begin(tables, tag, address, last + 2, &table);
    for (unsigned level = begun; level > last; level--) {
        table = level == last + 1 ? leaf : table_below(tables, table, level, address);
        keep(tables, level, tag, address, table);
    }
    return begun;
}

size_t walk_reads_above(const struct walk_dimension *tables, uint64_t address, unsigned begun, unsigned last,
    uint64_t at[static PAGE_LEVELS_MAX])
{
    struct walk_table table = tables->root;
    size_t count = 0;
    for (unsigned level = tables->levels; level > last; level--) {
        if (level <= begun)
            at[count++] = walk_entry_at(table, level, address);
        if (level - 1 > last)
            table = table_below(tables, table, level, address);
    }
    return count;
}

void walk_told_above(struct walker *walker, const struct walk_dimension *tables, uint64_t address,
    unsigned begun, unsigned last)
{
    uint64_t at[PAGE_LEVELS_MAX];
    size_t count = walk_reads_above(tables, address, begun, last, at);
    for (size_t i = 0; i < count; i++)
        walk_read_at(walker, tables, begun - (unsigned)i, at[i]);
}

/* ---- two ---- */

static const uint64_t small_page = 4096;

/* Where a guest physical address is, and the size of the host's page around it. */
static bool nested_translate(struct walker *walker, const struct walk_dimension *host, uint64_t address,
    bool data, struct walk_result *result)
{
    const struct machine_nested *nested = &walker->machine->nested;
    bool cached = nested->has_tlb && (!data || nested->tlb.data);
    uint64_t number = address / small_page, key = number << 4 | host->domain << 1 | 1, value;
    if (cached && tags_find_value(&walker->nested_tlb, number, key, &value)) {
        account_charge(walker->account, BUCKET_NESTED_TLB, nested->tlb.cycles);
        walker->account->nested_tlb_hits++;
        result->page = (struct translated_page){value & address_mask, UINT64_C(1) << (value & 63)};
        return true;
    }
    walker->account->nested_tlb_misses += cached;
    if (walk_native(walker, host, host->domain, address, result) != WALK_DONE) {
        result->missing = address;
        return false;
    }
    uint64_t within = address & (result->page.bytes - 1) & -small_page;
    result->page.address += within;
    if (cached)
        tags_put_value(&walker->nested_tlb, number, key,
            result->page.address | (unsigned)__builtin_ctzll(result->page.bytes));
    return true;
}

/* A leaf of the guest's is read: the page is the smaller one of it and the host's, around the address. */
static enum walk_end finish(struct walker *walker, const struct walk_dimension *host, uint64_t entry,
    unsigned level, uint64_t address, struct walk_result *result)
{
    const struct translated_page guest = page_of(entry, level);
    uint64_t physical = guest.address | (address & (guest.bytes - 1));
    if (!nested_translate(walker, host, physical, true, result))
        return WALK_HOST_ABSENT;
    uint64_t bytes = guest.bytes < result->page.bytes ? guest.bytes : result->page.bytes;
    /* nested_translate() gives the 4 KiB page; the whole one begins where its size says, on both sides alike
     */
    result->page = (struct translated_page){result->page.address & -bytes, bytes};
    return WALK_DONE;
}

enum walk_end walk_leaf(struct walker *walker, const struct walk_dimension *guest,
    const struct walk_dimension *host, struct walk_table table, uint64_t address, struct walk_result *result)
{
    uint64_t entry = read_entry(walker, guest, table, 1, address);
    result->level = 1;
    return entry & PAGE_BIT_PRESENT ? finish(walker, host, entry, 1, address, result) : WALK_ABSENT;
}

/* The guest's table at a guest physical address. */
static bool find_table(struct walker *walker, const struct walk_dimension *guest,
    const struct walk_dimension *host, uint64_t physical, struct walk_table *table,
    struct walk_result *result)
{
    if (!nested_translate(walker, host, physical, false, result))
        return false;
    *table = (struct walk_table){result->page.address, ground_table_number(guest->ground, physical)};
    return true;
}

enum walk_end walk_nested(struct walker *walker, const struct walk_dimension *guest,
    const struct walk_dimension *host, unsigned tag, uint64_t address, struct walk_result *result)
{
    struct walk_table table = {.number = SIZE_MAX};
    unsigned level = begin(guest, tag, address, 2, &table), begun = level;
    walk_charge_begun(walker, guest, begun);
    if (table.number == SIZE_MAX && !find_table(walker, guest, host, guest->root.address, &table, result))
        return WALK_HOST_ABSENT;
    for (;; level--) {
        uint64_t entry = read_entry(walker, guest, table, level, address);
        result->level = level;
        if (!(entry & PAGE_BIT_PRESENT))
            return WALK_ABSENT;
        if (is_leaf(entry, level)) {
            enum walk_end end = finish(walker, host, entry, level, address, result);
            result->begun = begun; /* not that of a walk of the host's tables */
            return end;
        }
        if (!find_table(walker, guest, host, entry & address_mask, &table, result))
            return WALK_HOST_ABSENT;
        keep(guest, level, tag, address, table);
    }
}

/* ---- all of it ---- */

int walker_init(struct walker *walker, const struct machine *machine, uint64_t seed, struct error *error)
{
    const struct machine_nested *nested = &machine->nested;
    walker->machine = machine;
    walker->cache_level = machine->walker.cache_level;
    int rc =
        walk_caches_init(&walker->guest_caches, machine->walk_caches, machine->walk_cache_count, seed, error);
    if (rc == 0 && machine->has_nested)
        rc = walk_caches_init(
            &walker->host_caches, nested->walk_caches, nested->walk_cache_count, seed, error);
    if (rc == 0 && machine->has_nested && nested->has_tlb)
        rc = tags_init(&walker->nested_tlb, TAGS_KEYED, &nested->tlb.shape, seed, error);
    if (rc < 0)
        walker_free(walker);
    return rc;
}

void walker_free(struct walker *walker)
{
    walk_caches_free(&walker->guest_caches);
    walk_caches_free(&walker->host_caches);
    tags_free(&walker->nested_tlb);
}

void walker_clear(struct walker *walker)
{
    walk_caches_clear(&walker->guest_caches);
    walk_caches_clear(&walker->host_caches);
    if (walker->nested_tlb.marks)
        tags_clear(&walker->nested_tlb);
}
