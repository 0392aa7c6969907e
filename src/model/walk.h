/* Page walks: one translation after all TLBs have missed, entry by entry through the caches.
 *
 * One dimension: walker.cycles are charged; the walk cache is asked for levels 2, 3 … (below the root's); the first
 * that has an entry gives the table with which the walk begins. Each entry is read at its physical address
 * through the caches from walker.cache_level on, and charged to BUCKET_GUEST of its level. Entries that lead to
 * tables go into the walk cache of their level, if there is one, when they have been read. A leaf ends it.
 *
 * Two: the guest's walk as above, but for this: the walk caches of the guest's tables hold the table's host
 * physical address; the root and every table that was read from an entry are translated first, by
 * nested_translate(); so is the page of the leaf at last. The page that results has the smaller of both sizes.
 *
 * nested_translate(): the nested TLB (for pages that leaves lead to only with nested.tlb.data) is asked by the
 * 4 KiB page of the guest physical address; a hit is charged to BUCKET_NESTED_TLB. Else a walk of the host's
 * tables as of one dimension, with nested.walk_caches, without walker.cycles, charged to BUCKET_HOST; the page,
 * whose size is the leaf's, goes into the nested TLB. */
#ifndef VCOST_MODEL_WALK_H
#define VCOST_MODEL_WALK_H

#include "model/account.h"
#include "model/caches.h"
#include "model/ground.h"
#include "model/tlbs.h"

/* The walk caches of one dimension; [level]: those that hold entries of that level, NULL: none. */
struct walk_caches {
    struct walk_cache {
        struct tags tags;
        unsigned cycles;
    } all[MACHINE_WALK_CACHES_MAX];
    size_t count;
    struct walk_cache *of[PAGE_LEVELS_MAX + 1];
};

int walk_caches_init(struct walk_caches *caches, const struct machine_walk_cache *list, size_t count,
    uint64_t seed, struct error *error);
void walk_caches_free(struct walk_caches *caches);
void walk_caches_clear(struct walk_caches *caches);

/* One step, for those who watch: an entry that was read. */
struct walk_step {
    bool host;       /* of the host's tables */
    unsigned level;  /* 1 … */
    uint64_t at;     /* host physical address of the entry */
    uint64_t guest;  /* guest physical, nested only */
    uint64_t entry;
    unsigned served; /* cache level; caches.count + 1: memory */
    unsigned cycles;
};

struct walker {
    const struct machine *machine;
    struct caches *caches;
    struct account *account;
    struct walk_caches guest_caches, host_caches;
    struct tags nested_tlb; /* only with machine->nested.has_tlb */
    struct ground *guest_ground, *host_ground; /* guest_ground: of guest physical memory */
    void (*watch)(void *context, const struct walk_step *step); /* NULL: nobody does */
    void *context;
};

enum walk_end { WALK_DONE, WALK_ABSENT /* the guest's */, WALK_HOST_ABSENT, WALK_SWITCHES };

#endif
