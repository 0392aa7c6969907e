/* Page walks: one translation after all TLBs have missed, entry by entry through the caches.
 *
 * One dimension: walker.cycles are charged; the walk cache is asked for levels 2, 3 … (below the root's); the
 * first that has an entry gives the table with which the walk begins. Each entry is read at its physical
 * address through the caches from walker.cache_level on, and charged to BUCKET_GUEST of its level. Entries
 * that lead to tables go into the walk cache of their level, if there is one, when the table's address is
 * known, before it is read. The key of an entry of level L: address >> (12 + 9 * (L - 1)), L and the tag
 * (tlbs.h; of the host's tables, the domain); its number is the set's. A leaf ends it; so does an entry with
 * PAGE_BIT_SWITCH, which is not kept. A walk cache that is asked and has nothing costs nothing.
 *
 * Two: the guest's walk as above, but for this: the walk caches of the guest's tables hold the table's host
 * physical address; the root and every table that was read from an entry are translated first, by
 * nested_translate(); so is the page of the leaf at last. The page that results has the smaller of both
 * sizes.
 *
 * nested_translate(): the nested TLB (for pages that leaves lead to only with nested.tlb.data) is asked by
 * domain and 4 KiB page of the guest physical address; a hit gives its host physical page and the size of the
 * host's leaf, and is charged to BUCKET_NESTED_TLB. Else a walk of the host's tables as of one dimension,
 * with nested.walk_caches, without walker.cycles, charged to BUCKET_HOST; the 4 KiB page goes into the nested
 * TLB.
 */
#ifndef VCOST_MODEL_WALK_H
#define VCOST_MODEL_WALK_H

#include "model/account.h"
#include "model/caches.h"
#include "model/ground.h"
#include "model/tlbs.h"

/* What one thread changes is so many bytes from what another one reads meanwhile (relay.h): real CPUs hand
 * lines to and fro, some of them in pairs. */
enum { MODEL_APART = 128 };

/* The walk caches of one dimension; [level]: those that hold entries of that level, NULL: none. */
struct walk_caches {
    struct walk_cache {
        struct tags tags;
        _Alignas(MODEL_APART) unsigned cycles;
    } all[MACHINE_WALK_CACHES_MAX];
    size_t count;
    struct walk_cache *of[PAGE_LEVELS_MAX + 1];
};

int walk_caches_init(struct walk_caches *caches, const struct machine_walk_cache *list, size_t count,
    uint64_t seed, struct error *error);
void walk_caches_free(struct walk_caches *caches);
void walk_caches_clear(struct walk_caches *caches);
void walk_caches_clear_domain(struct walk_caches *caches, unsigned domain); /* of the guest's tables */

/* One step, for those who watch: an entry that was read. */
struct walk_step {
    bool host;      /* of the host's tables */
    unsigned level; /* 1 … */
    uint64_t at;    /* host physical address of the entry */
    uint64_t entry;
    unsigned served; /* cache level; caches.count + 1: memory */
    unsigned cycles;
};

/* A table: where it stands in host physical memory, and its number in the ground that it was made in. */
struct walk_table {
    uint64_t address;
    size_t number;
};

/* One set of tables and what walks of it are charged to. */
struct walk_dimension {
    const struct model_ground *ground; /* that the tables stand in */
    struct walk_table root;            /* of level `levels`; its address is one of `ground` */
    unsigned levels;
    struct walk_caches *caches; /* NULL: none */
    bool host;                  /* charged to BUCKET_HOST; steps say so */
    unsigned domain;            /* that they are of */
};

struct walker {
    const struct machine *machine;
    struct caches *caches;
    struct account *account;
    struct walk_caches guest_caches, host_caches;
    struct tags nested_tlb;          /* only with machine->nested.has_tlb */
    const struct model_ground *here; /* the host's physical memory: where frames are near or far */
    unsigned cache_level;            /* machine->walker's */
    void (*watch)(void *context, const struct walk_step *step); /* NULL: nobody does */
    void *context;
};

/* caches, account and here are set, and outlive it. */
int walker_init(struct walker *walker, const struct machine *machine, uint64_t seed, struct error *error);
void walker_free(struct walker *walker);
void walker_clear(struct walker *walker); /* its own caches */

enum walk_end {
    WALK_DONE,
    WALK_ABSENT,      /* an entry is not present: of the tables that are walked first … */
    WALK_HOST_ABSENT, /* … or of the host's */
    WALK_SWITCHES     /* walk_native(): the last entry has PAGE_BIT_SWITCH */
};

/* In shadow tables of agile paging: the address of this entry of level 2 is the host physical one of the
 * guest's own table of level 1. (An ignored bit: SDM volume 3, table 4-19.) */
#define PAGE_BIT_SWITCH (UINT64_C(1) << 11)

struct walk_result {
    struct translated_page page; /* WALK_DONE */
    uint64_t table;              /* WALK_SWITCHES: the address of the table */
    unsigned begun, level;       /* of the first table, of the last entry that was read */
    uint64_t missing;            /* WALK_HOST_ABSENT: the guest physical address that has no page */
};

/* walker.cycles have been charged by whoever calls these. */
enum walk_end walk_native(struct walker *walker, const struct walk_dimension *tables, unsigned tag,
    uint64_t address, struct walk_result *result);
enum walk_end walk_nested(struct walker *walker, const struct walk_dimension *guest,
    const struct walk_dimension *host, unsigned tag, uint64_t address, struct walk_result *result);
/* The rest of one, from a guest's table of level 1. */
enum walk_end walk_leaf(struct walker *walker, const struct walk_dimension *guest,
    const struct walk_dimension *host, struct walk_table table, uint64_t address, struct walk_result *result);

/* ---- parts of walk_native(), for addresses that are known to be mapped by a leaf of level `last` ---- */

/* Bits of an address below those that choose an entry of `level`. */
static inline unsigned walk_shift(unsigned level)
{
    return 12 + 9 * (level - 1);
}

static inline uint64_t walk_key(uint64_t number, unsigned level, unsigned tag)
{
    return number << 10 | tag << 4 | level << 1 | 1;
}

/* What a walk cache keeps of a table: number and frame. A ground has at most 2^24 tables (ground_init()). */
enum { WALK_NUMBER_BITS = 24 };

static inline uint64_t walk_packed(struct walk_table table)
{
    return table.address / PAGE_TABLE_BYTES << WALK_NUMBER_BITS | table.number;
}

static inline struct walk_table walk_unpacked(uint64_t value)
{
    return (struct walk_table){
        (value >> WALK_NUMBER_BITS) * PAGE_TABLE_BYTES, value & ((UINT64_C(1) << WALK_NUMBER_BITS) - 1)};
}

/* What it does with walk caches; `leaf` is the table of level `last`. Of an address for which these do not
 * give that: the level of the table with which it begins. */
unsigned walk_begin_above(const struct walk_dimension *tables, unsigned tag, uint64_t address, unsigned last,
    struct walk_table leaf);

/* For a walk that begins with a table of this level. */
TAGS_INLINE void walk_charge_begun(
    const struct walker *walker, const struct walk_dimension *tables, unsigned begun)
{
    if (begun == tables->levels)
        return;
    account_charge(walker->account, BUCKET_WALK, tables->caches->of[begun + 1]->cycles);
    *(tables->host ? &walker->account->host_walk_cache_hits : &walker->account->walk_cache_hits) += 1;
}

/* An entry at a place in host physical memory. */
TAGS_INLINE struct cache_served walk_read_at(
    const struct walker *walker, const struct walk_dimension *tables, unsigned level, uint64_t at)
{
    struct account *account = walker->account;
    bool remote = walker->here->policy.node != NODE_LOCAL && ground_is_remote(walker->here, at);
    struct cache_served served = caches_access(walker->caches, at, false, walker->cache_level, remote);
    account_charge(account, (tables->host ? BUCKET_HOST : BUCKET_GUEST) + level - 1, served.cycles);
    (tables->host ? account->host_reads : account->guest_reads)[level - 1]++;
    return served;
}

/* Where the entries stand that it reads from a level down to, not with, the leaf: so many. */
size_t walk_reads_above(const struct walk_dimension *tables, uint64_t address, unsigned begun, unsigned last,
    uint64_t at[static PAGE_LEVELS_MAX]);
/* What it charges for these. */
void walk_told_above(struct walker *walker, const struct walk_dimension *tables, uint64_t address,
    unsigned begun, unsigned last);

/* What it charges, if it begins with the table of a level and the leaf's entry stands at `leaf`. */
TAGS_INLINE void walk_told(struct walker *walker, const struct walk_dimension *tables, uint64_t address,
    unsigned begun, unsigned last, uint64_t leaf)
{
    walk_charge_begun(walker, tables, begun);
    if (begun > last)
        walk_told_above(walker, tables, address, begun, last);
    walk_read_at(walker, tables, last, leaf);
}

/* Where an entry for an address stands in a table of its level. */
static inline uint64_t walk_entry_at(struct walk_table table, unsigned level, uint64_t address)
{
    return table.address + (address >> walk_shift(level) & 511) * sizeof(uint64_t);
}

#endif
