/* A machine as data: caches, translation caches, page walker and what transitions cost. Read from a JSON file
 * of share/machines/ (or of the user) by the tables of machine_record.c, of which the JSON Schema
 * vcost.machine/1 is made.
 *
 * Every figure has a source: each object has "sources", a text for each of its other members that says where
 * the value is from (a vendor's manual with its number and table, a published measurement), or "assumed". A
 * file in which one lacks is refused, as is a member that is not known, each by one sentence with its place.
 *
 * Cycles are whole core cycles at `ghz`. Sizes are bytes. Level 1 is the nearest to the core; levels of page
 * tables count from the leaves: 1 holds 4 KiB leaves, 2 holds 2 MiB leaves, 3 1 GiB leaves, 4 (or 5) is the
 * root. */
#ifndef VCOST_MODEL_MACHINE_H
#define VCOST_MODEL_MACHINE_H

#include "base/error.h"
#include "base/pool.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MACHINE_LINE_BYTES = 64, /* of every cache */
    MACHINE_CACHES_MAX = 8,
    MACHINE_CACHE_LEVELS_MAX = 4,
    MACHINE_TLBS_MAX = 16,
    MACHINE_TLB_LEVELS_MAX = 2,
    MACHINE_WALK_CACHES_MAX = 4,
    MACHINE_PAGES_MAX = 3,
    MACHINE_PREFETCHERS_MAX = 4,
    MACHINE_FLIGHTS_MAX = 128, /* lines on their way for one prefetcher */
    MACHINE_SOURCES_MAX = 16,
    MACHINE_NAME_MAX = 30,
    MACHINE_ENTRIES_MAX = 1 << 20, /* of a translation cache */
    MACHINE_CYCLES_MAX = 1000000   /* of anything */
};
#define MACHINE_CACHE_BYTES_MAX (UINT64_C(1) << 32)

/* Which accesses a cache serves. */
enum machine_use { USE_DATA, USE_INSTRUCTIONS, USE_BOTH, MACHINE_USES };
extern const char *const machine_use_names[MACHINE_USES]; /* "data", "instructions", "both" */

/* Which set a number n (of a line, of a page) goes to, of `sets`. BITS: n mod sets, sets a power of two. XOR:
 * (n ^ n / sets) mod sets, likewise a power of two (Skylake's second-level TLB: Gras et al., "Translation
 * Leak-aside Buffer", USENIX Security 2018, table 1). HASH: floor(random_mix(n) * sets / 2^64), any number of
 * sets: stands for the undisclosed hash over the slices of a shared cache. */
enum machine_index { INDEX_BITS, INDEX_XOR, INDEX_HASH, MACHINE_INDICES };
extern const char *const machine_index_names[MACHINE_INDICES]; /* "bits", "xor", "hash" */

/* Which entry of a full set goes: the least recently used one, the one that came first, or one at random
 * (tags.h says by which numbers). */
enum machine_replacement { REPLACE_LRU, REPLACE_FIFO, REPLACE_RANDOM, MACHINE_REPLACEMENTS };
extern const char *const machine_replacement_names[MACHINE_REPLACEMENTS]; /* "lru", "fifo", "random" */

/* What a cache holds of what is in the levels above (nearer to the core): all of it (what it drops they drop,
 * too), nothing (it is filled by what the level above drops, and what it serves leaves it), or just what it
 * happens to. */
enum machine_holds { HOLDS_INCLUSIVE, HOLDS_EXCLUSIVE, HOLDS_EITHER, MACHINE_HOLDS };
extern const char *const machine_holds_names[MACHINE_HOLDS]; /* "inclusive", "exclusive", "either" */

struct machine_source {
    const char *field, *source; /* in the pool that the machine was read into */
};

struct machine_sources {
    struct machine_source items[MACHINE_SOURCES_MAX];
    size_t count;
};

/* The shape of every table of tags. entries is a multiple of ways, ways at least 1; ways = entries: fully
 * associative. */
struct machine_shape {
    unsigned entries, ways;
    enum machine_index index;
    enum machine_replacement replacement;
};

struct machine_cache {
    unsigned level; /* 1 …; of a level there is one for both uses or one for each */
    enum machine_use use;
    uint64_t bytes; /* bytes / 64 is a multiple of ways */
    unsigned ways;
    unsigned
        cycles; /* from the load to its use when this level has it: all in all, not beyond the level above */
    enum machine_index index;
    enum machine_replacement replacement;
    enum machine_holds holds; /* of level 1: either */
    struct machine_sources sources;
};

struct machine_memory {
    unsigned cycles;        /* from the load to its use: of this node … */
    unsigned remote_cycles; /* … and of another one */
    struct machine_sources sources;
};

/* A translation lookaside buffer. Of a level, a use and a page size there is one at most. A level 1 hit costs
 * nothing beyond the cache; `cycles` of level 1 are what it costs nevertheless, and mostly 0. */
struct machine_tlb {
    unsigned level; /* 1 or 2 */
    enum machine_use use;
    uint64_t pages[MACHINE_PAGES_MAX]; /* bytes of the pages that it holds */
    size_t page_count;
    struct machine_shape shape;
    unsigned cycles; /* that a hit costs, beyond a hit in level 1 */
    struct machine_sources sources;
};

/* Caches entries of page tables above the leaves, by the upper bits of the address that is translated (SDM
 * volume 3, 4.10.3 "Paging-structure caches"). A hit for level L spares reading entries of level L and above.
 */
struct machine_walk_cache {
    unsigned levels[MACHINE_PAGES_MAX + 1]; /* of the entries that it holds: 2 (entries that lead to tables of
                                               4 KiB leaves), 3, 4, 5 */
    size_t level_count;
    struct machine_shape shape;
    unsigned cycles; /* that a hit costs */
    struct machine_sources sources;
};

struct machine_walker {
    unsigned cache_level;    /* the first cache that its reads look into: 1 or 2 */
    unsigned cycles;         /* that a walk costs beside its reads */
    unsigned set_bit_cycles; /* for an accessed or dirty bit that has to be set */
    struct machine_sources sources;
};

/* Caches translations from guest physical to host physical pages (AMD: Bhargava et al., "Accelerating
 * Two-Dimensional Page Walks for Virtualized Systems", ASPLOS 2008, 4.2). */
struct machine_nested_tlb {
    struct machine_shape shape;
    unsigned cycles; /* that a hit costs */
    bool data;       /* it also has the pages that leaves lead to, not only those with tables in them */
    struct machine_sources sources;
};

/* The second dimension, for a machine that has it. */
struct machine_nested {
    unsigned levels; /* of the host's tables, as walked: Arm's stage 2 may begin lower (concatenated roots) */
    struct machine_walk_cache walk_caches[MACHINE_WALK_CACHES_MAX]; /* of the host's tables */
    size_t walk_cache_count;
    bool has_tlb;
    struct machine_nested_tlb tlb;
    struct machine_sources sources;
};

/* What translation caches survive. */
struct machine_tags {
    bool guests;    /* entering and leaving a guest (AMD's ASID, Intel's VPID) */
    bool processes; /* another process's page tables (PCID, Arm's ASID) */
    struct machine_sources sources;
};

/* What a prefetcher goes by (prefetch.h). STREAM: accesses at a constant distance within a page, and on.
 * REGION: pages of which much is used, or all pages; it fetches the lines around the one that missed. */
enum machine_prefetch { PREFETCH_STREAM, PREFETCH_REGION, MACHINE_PREFETCHES };
extern const char *const machine_prefetch_names[MACHINE_PREFETCHES]; /* "stream", "region" */

/* A hardware prefetcher of data. */
struct machine_prefetcher {
    enum machine_prefetch kind;
    unsigned misses;    /* it sees the accesses that caches up to this level do not have; 0: all */
    unsigned fills;     /* the cache level that it fetches into */
    unsigned trackers;  /* STREAM: pages that it watches at once, a power of two; REGION: 1 */
    unsigned after;     /* STREAM: steps of one distance; REGION: lines used of the page before, 0: any */
    unsigned distance;  /* STREAM: at most, in lines, from one access to the next; REGION: 1 */
    unsigned ahead;     /* STREAM: accesses; REGION: lines above */
    unsigned behind;    /* REGION: lines below */
    unsigned in_flight; /* lines that may be on their way for it */
    bool crosses;       /* STREAM: goes on in the next page of virtual memory */
    struct machine_sources sources;
};

/* Who else fills the last cache: other cores, other guests. */
struct machine_neighbours {
    unsigned lines_per_us; /* that they bring into it */
    struct machine_sources sources;
};

/* What lies below a machine that was measured as a guest: what it calls native is nested. */
struct machine_below {
    uint64_t page;       /* bytes of the host's pages */
    unsigned fragmented; /* per cent of its own frames that do not follow the one before */
    struct machine_sources sources;
};

/* Cycles of what is not memory. Those of the monitor's own work are for its shortest way. */
struct machine_costs {
    unsigned exit;         /* leaving a guest and entering it again, nothing done between */
    unsigned fault;        /* a page fault into a kernel and back */
    unsigned page_switch;  /* other page tables: writing CR3; "switch" in the file */
    unsigned flush_page;   /* INVLPG or the like */
    unsigned hypercall;    /* direct paging: asking for one change, beside the exit */
    unsigned hidden_fault; /* shadow paging: finding out what to map and mapping it, beside the exit */
    unsigned table_store;  /* shadow paging: carrying out a store to a guarded table, beside the exit */
    unsigned table_sync;   /* shadow paging: comparing one table with what was made of it */
    unsigned nested_fault; /* nested paging: giving the guest a page that it touched first, beside the exit */
    struct machine_sources sources;
};

struct machine {
    const char *name, *summary;     /* "barcelona": letters a-z, digits, '.' and '-'; one line */
    const char *file;               /* as it was named to machine_parse(); NULL: it was not read from one */
    char sha256[SHA256_TEXT_BYTES]; /* of its text; "" */
    unsigned year;
    double ghz;
    unsigned levels;                   /* of page tables: 4 or 5 */
    uint64_t pages[MACHINE_PAGES_MAX]; /* leaves that it knows, 4096 first */
    size_t page_count;
    struct machine_cache caches[MACHINE_CACHES_MAX];
    size_t cache_count;
    struct machine_memory memory;
    struct machine_tlb tlbs[MACHINE_TLBS_MAX];
    size_t tlb_count;
    struct machine_walker walker;
    struct machine_walk_cache walk_caches[MACHINE_WALK_CACHES_MAX];
    size_t walk_cache_count;
    bool has_nested;
    struct machine_nested nested;
    struct machine_tags tags;
    struct machine_costs costs;
    struct machine_prefetcher prefetchers[MACHINE_PREFETCHERS_MAX];
    size_t prefetcher_count;
    bool has_neighbours;
    struct machine_neighbours neighbours;
    bool has_below;
    struct machine_below below;
    struct machine_sources sources; /* of year, ghz, levels, pages */
};

/* Whether a machine can be called so: it becomes a part of cells' ids, and of file names. */
bool machine_name_fits(const char *name);

struct record;
extern const struct record machine_record; /* vcost.machine/1 */

/* Reads a machine from the text of a file; texts are kept in the pool, which must outlive the machine. `file`
 * is its name in sentences. -EINVAL with the place of what is wrong. */
int machine_parse(const char *text, size_t bytes, const char *file, struct pool *pool,
    struct machine *machine, struct error *error);

/* The machine of --on model:NAME: a preset (machine_preset()), or the path of a file, which ends in ".json".
 * -ENXIO names the presets. */
int machine_find(const char *name, struct pool *pool, struct machine *machine, struct error *error);

/* The presets, from share/machines/, in alphabetical order; name NULL past the end. */
struct machine_preset {
    const char *name, *choice, *file, *summary; /* "NAME", "model:NAME", "NAME.json" */
    const char *text;                           /* of the file */
    size_t bytes;
};
struct machine_preset machine_preset(size_t index);

#endif
