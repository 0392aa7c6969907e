/* The naive machine from within: caches (naive_cache.c), TLBs (naive_tlb.c), walks (naive_walk.c), what a
 * monitor does (naive_sync.c), events (naive_events.c), and memory and accesses (naive_model.c). */
#ifndef VCOST_TESTS_NAIVE_INSIDE_H
#define VCOST_TESTS_NAIVE_INSIDE_H

#include "naive_model.h"
#include "naive_prefetch.h"

/* Of the guest's tables; STORED: stores to it were seen once since the monitor looked last, and of a nested
 * one at all. */
enum { STATES_GUARDED, STATES_STORED, STATES_OUT, STATES_NESTED, STATES_NESTED_STORED };

/* What each domain has of its own. */
struct naive_domain {
    struct naive_memory memory;           /* the guest's */
    struct naive_space guest, host, made; /* made: what native, direct, shadow and agile walk */
    struct naive_dictionary states;       /* of the guest's tables, by guest physical address */
    struct naive_dictionary
        switched; /* agile: by address >> 21, the host's place of the guest's table; 0: none */
    struct naive_dictionary unused, clean; /* the kernel's leaves, by their address: 1, the bit is not set */
    uint64_t out_of_sync;                  /* how many tables are */
    uint64_t out[1024];
    unsigned space;
    uint64_t from, bytes; /* mapped last */
};

struct naive_model {
    struct naive_setting setting;
    const struct naive_file *machine;
    struct naive_account account;
    struct naive_table caches[NAIVE_MOST], tlbs[NAIVE_MOST], walk_caches[NAIVE_MOST],
        host_walk_caches[NAIVE_MOST];
    struct naive_table nested_tlb;
    struct naive_memory host_memory;
    struct naive_domain domains[8];
    unsigned now;
    uint64_t happened[NAIVE_EVENTS], random;
    uint64_t before;                    /* cycles of accounts that are over */
    struct naive_dictionary neighbours; /* by set of the last cache: how many of their lines have come */
    struct naive_prefetch prefetch;
};

/* ---- naive_model.c ---- */

struct naive_domain *naive_running(struct naive_model *model);
unsigned naive_tag(const struct naive_model *model); /* whose entry of a translation cache it is */
bool naive_combines(const struct naive_model *model);
uint64_t naive_smaller(uint64_t a, uint64_t b);
uint64_t naive_host_address(const struct naive_leaf *leaf, uint64_t physical);
/* The host's page around a guest physical address, if it has none yet. */
void naive_back(struct naive_model *model, uint64_t physical);
/* What the guest and the host have for an address, as one leaf. */
void naive_combine(struct naive_model *model, uint64_t address);
/* An access that is not counted as one. */
void naive_touch_address(struct naive_model *model, uint64_t address, enum naive_access access);

/* ---- naive_cache.c ---- */

unsigned naive_cache_levels(const struct naive_file *machine);
/* The level that served it, after the last one: memory; looked for from `first` on. */
unsigned naive_touch(
    struct naive_model *model, uint64_t address, bool instruction, unsigned first, uint64_t *cycles);
unsigned naive_touch_data(struct naive_model *model, uint64_t address, bool instruction, uint64_t *cycles);
void naive_charge(struct naive_model *model, uint64_t *bucket, uint64_t cycles);

/* ---- naive_tlb.c ---- */

bool naive_find_tlb(
    struct naive_model *model, unsigned level, uint64_t address, bool instruction, struct naive_leaf *page);
void naive_put_tlb(struct naive_model *model, unsigned level, uint64_t address, bool instruction,
    const struct naive_leaf *page);
void naive_forget_piece(struct naive_model *model, uint64_t address, unsigned size); /* 0 … 2: 4 KiB … */
void naive_forget_page(struct naive_model *model, const struct naive_leaf *leaf, uint64_t address);
void naive_forget_walks(struct naive_model *model); /* what walk caches have of the guest's tables */
void naive_forget_own(struct naive_model *model);   /* what is the domain's, of all its processes */
void naive_forget_all(struct naive_model *model);

/* ---- naive_walk.c ---- */

enum { NAIVE_DONE, NAIVE_ABSENT, NAIVE_HOST_ABSENT, NAIVE_SWITCHED };
int naive_walk(struct naive_model *model, uint64_t address, struct naive_leaf *page, uint64_t *missing);

/* ---- naive_sync.c ---- */

struct naive_space *naive_kernels(struct naive_model *model); /* the tables that the kernel has */
bool naive_lacks(const struct naive_dictionary *bits, uint64_t leaf);
void naive_set_bits(struct naive_model *model, uint64_t address, bool write);
void naive_leave(struct naive_model *model, uint64_t handling);
void naive_repair(struct naive_model *model, int end, uint64_t address, uint64_t missing);
void naive_enter_monitor(struct naive_model *model); /* writing CR3, where the monitor has the tables */

#endif
