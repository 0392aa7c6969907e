#include "model/walk.h"

static const uint64_t address_mask = UINT64_C(0x000ffffffffff000);

/* Bits of an address below those that choose an entry of `level`. */
static unsigned shift_of(unsigned level)
{
    return 12 + 9 * (level - 1);
}

static uint64_t entry_address(uint64_t table, unsigned level, uint64_t address)
{
    return table + (address >> shift_of(level) & 511) * sizeof(uint64_t);
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
        rc = tags_init(&caches->all[i].tags, &list[i].shape, true, seed, error);
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

static uint64_t walk_key(uint64_t number, unsigned level, unsigned tag)
{
    return number << 10 | tag << 4 | level << 1 | 1;
}

/* The table with which a walk of `levels` levels begins: *table is the root's, or that which a cached entry
 * gives. */
static unsigned begin(struct walker *walker, const struct walk_dimension *tables, unsigned tag,
    uint64_t address, uint64_t *table)
{
    struct walk_caches *caches = tables->caches;
    for (unsigned level = 2; caches && level <= tables->levels; level++) {
        struct walk_cache *cache = caches->of[level];
        uint64_t number = address >> shift_of(level);
        if (!cache || !tags_find(&cache->tags, number, walk_key(number, level, tag), table))
            continue;
        account_charge(walker->account, BUCKET_WALK, cache->cycles);
        *(tables->host ? &walker->account->host_walk_cache_hits : &walker->account->walk_cache_hits) += 1;
        return level - 1;
    }
    return tables->levels;
}

static void keep(
    const struct walk_dimension *tables, unsigned level, unsigned tag, uint64_t address, uint64_t table)
{
    struct walk_cache *cache = tables->caches ? tables->caches->of[level] : NULL;
    uint64_t number = address >> shift_of(level);
    if (cache)
        tags_put(&cache->tags, number, walk_key(number, level, tag), table);
}

/* ---- reading entries ---- */

/* An entry whose value is known, from its place in host physical memory. */
static void read_entry(
    struct walker *walker, const struct walk_dimension *tables, unsigned level, uint64_t at, uint64_t entry)
{
    struct account *account = walker->account;
    bool remote = walker->here->policy.node != NODE_LOCAL && ground_is_remote(walker->here, at);
    struct cache_served served =
        caches_access(walker->caches, at, false, walker->machine->walker.cache_level, remote);
    account_charge(account, (tables->host ? BUCKET_HOST : BUCKET_GUEST) + level - 1, served.cycles);
    (tables->host ? account->host_reads : account->guest_reads)[level - 1]++;
    if (walker->watch)
        walker->watch(walker->context,
            &(struct walk_step){tables->host, level, at, entry, served.level, served.cycles});
}

static struct translated_page page_of(uint64_t entry, unsigned level)
{
    uint64_t bytes = UINT64_C(1) << shift_of(level);
    return (struct translated_page){entry & address_mask & -bytes, bytes};
}

/* ---- one dimension ---- */

enum walk_end walk_native(struct walker *walker, const struct walk_dimension *tables, unsigned tag,
    uint64_t address, struct walk_result *result)
{
    uint64_t table = tables->root;
    for (unsigned level = begin(walker, tables, tag, address, &table);; level--) {
        uint64_t at = entry_address(table, level, address), entry = ground_read(tables->ground, at);
        read_entry(walker, tables, level, at, entry);
        result->level = level;
        if (!(entry & PAGE_BIT_PRESENT))
            return WALK_ABSENT;
        table = entry & address_mask;
        if (is_leaf(entry, level)) {
            result->page = page_of(entry, level);
            return WALK_DONE;
        }
        if (entry & PAGE_BIT_SWITCH) {
            result->table = table;
            return WALK_SWITCHES;
        }
        keep(tables, level, tag, address, table);
    }
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
    if (cached && tags_find(&walker->nested_tlb, number, key, &value)) {
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
        tags_put(&walker->nested_tlb, number, key,
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
    const struct walk_dimension *host, uint64_t guest_table, uint64_t table, uint64_t address,
    struct walk_result *result)
{
    uint64_t entry = ground_read(guest->ground, entry_address(guest_table, 1, address));
    read_entry(walker, guest, 1, entry_address(table, 1, address), entry);
    result->level = 1;
    return entry & PAGE_BIT_PRESENT ? finish(walker, host, entry, 1, address, result) : WALK_ABSENT;
}

/* The guest's walk caches hold host physical addresses of tables, so after a hit the guest physical one, by
 * which the tables' contents are kept, is found by looking, which is not charged. */
static uint64_t guest_table_of(const struct walk_dimension *guest, unsigned level, uint64_t address)
{
    uint64_t table = guest->root;
    for (unsigned at = guest->levels; at > level; at--)
        table = ground_read(guest->ground, entry_address(table, at, address)) & address_mask;
    return table;
}

enum walk_end walk_nested(struct walker *walker, const struct walk_dimension *guest,
    const struct walk_dimension *host, unsigned tag, uint64_t address, struct walk_result *result)
{
    uint64_t table = 0;
    unsigned level = begin(walker, guest, tag, address, &table);
    uint64_t guest_table = guest_table_of(guest, level, address);
    if (!table) {
        if (!nested_translate(walker, host, guest_table, false, result))
            return WALK_HOST_ABSENT;
        table = result->page.address;
    }
    for (;; level--) {
        uint64_t entry = ground_read(guest->ground, entry_address(guest_table, level, address));
        read_entry(walker, guest, level, entry_address(table, level, address), entry);
        result->level = level;
        if (!(entry & PAGE_BIT_PRESENT))
            return WALK_ABSENT;
        if (is_leaf(entry, level))
            return finish(walker, host, entry, level, address, result);
        guest_table = entry & address_mask;
        if (!nested_translate(walker, host, guest_table, false, result))
            return WALK_HOST_ABSENT;
        table = result->page.address;
        keep(guest, level, tag, address, table);
    }
}

/* ---- all of it ---- */

int walker_init(struct walker *walker, const struct machine *machine, uint64_t seed, struct error *error)
{
    const struct machine_nested *nested = &machine->nested;
    walker->machine = machine;
    int rc =
        walk_caches_init(&walker->guest_caches, machine->walk_caches, machine->walk_cache_count, seed, error);
    if (rc == 0 && machine->has_nested)
        rc = walk_caches_init(
            &walker->host_caches, nested->walk_caches, nested->walk_cache_count, seed, error);
    if (rc == 0 && machine->has_nested && nested->has_tlb)
        rc = tags_init(&walker->nested_tlb, &nested->tlb.shape, true, seed, error);
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
    if (walker->nested_tlb.keys)
        tags_clear(&walker->nested_tlb);
}
