/* Where cycles went. Each is charged to one bucket, so that the buckets add up to the total. */
#ifndef VCOST_MODEL_ACCOUNT_H
#define VCOST_MODEL_ACCOUNT_H

#include <stdint.h>

enum { ACCOUNT_LEVELS = 5 };

enum bucket {
    BUCKET_DATA, /* … + level - 1: the access itself, served by that cache level (1 … 4) */
    BUCKET_DATA_MEMORY = BUCKET_DATA + 4,
    BUCKET_TLB,                   /* … + level - 1: hits in that TLB (1, 2) */
    BUCKET_WALK = BUCKET_TLB + 2, /* walker.cycles, and hits in walk caches of either dimension */
    BUCKET_GUEST, /* … + level - 1: reads of entries of that level; native, shadow and direct tables, too */
    BUCKET_HOST = BUCKET_GUEST + ACCOUNT_LEVELS, /* … + level - 1: of the host's tables */
    BUCKET_NESTED_TLB = BUCKET_HOST + ACCOUNT_LEVELS,
    BUCKET_BITS,   /* accessed and dirty bits that were set */
    BUCKET_EXIT,   /* costs.exit, and what the monitor does then */
    BUCKET_FAULT,  /* costs.fault: page faults and ticks of the kernel above which the program runs */
    BUCKET_SWITCH, /* costs.switch, costs.flush_page */
    BUCKET_LATE,   /* what remained of the way of lines that were prefetched */
    BUCKETS
};

/* "data L1", "guest tables level 3" …: unique, for people and files. */
const char *bucket_name(enum bucket bucket);

struct account {
    uint64_t accesses; /* model_access() */
    uint64_t cycles;   /* in all: the clock */
    uint64_t bucket[BUCKETS];
    uint64_t guest_reads[ACCOUNT_LEVELS], host_reads[ACCOUNT_LEVELS]; /* [level - 1]: entries read */
    uint64_t tlb_hits[2], walks;
    uint64_t walk_cache_hits, host_walk_cache_hits, nested_tlb_hits, nested_tlb_misses;
    uint64_t exits, faults, hidden_faults, table_stores, tables_synced, hypercalls, switches, flushes;
    uint64_t guest_faults, ticks, turns,
        bits_set;        /* faults: of the host, those that the guest's kernel has */
    uint64_t prefetches; /* lines that prefetchers fetched */
};

/* Adds all that was counted. */
void account_add(struct account *sum, const struct account *more);

static inline void account_charge(struct account *account, unsigned bucket, uint64_t cycles)
{
#ifdef MODEL_WITHOUT_ACCOUNT /* what the account costs: bench/model.c */
    return;
#endif
    account->bucket[bucket] += cycles;
    account->cycles += cycles;
}

#endif
