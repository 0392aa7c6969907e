/* The caches and TLBs that CPUID tells, as a chase meets them: at which working set each is just full. */
#ifndef VCOST_RESULT_TOLD_LEVELS_H
#define VCOST_RESULT_TOLD_LEVELS_H

#include "result/result.h"

struct told_level {
    enum reach_kind kind;
    char name[12];            /* "L1d", "L2", "L1 TLB" */
    double working_set_bytes; /* of the chase that just fits */
    uint64_t bytes, entries;  /* as CPUID has it; entries of a TLB only, whose bytes are of working set */
    bool last_cache;
};

enum { TOLD_LEVELS_MAX = HOST_CACHES_MAX + HOST_TLBS_MAX };

struct told_levels {
    struct told_level levels[TOLD_LEVELS_MAX]; /* caches by size, then TLBs */
    size_t count;
};

/* The levels that a chase of that order can show whose pages are of page_bytes: data and unified caches, and
 * for line-per-page and line-per-large-page TLBs for loads. */
void told_levels(
    const struct host *host, enum chase_order order, uint64_t page_bytes, struct told_levels *told);

/* How much of a working set one entry of a TLB for pages of page_bytes stands for: a page, or what is walked
 * for each of the order's lines if that is more. 0 if page_bytes is. */
uint64_t told_bytes_an_entry(enum chase_order order, uint64_t page_bytes);

#endif
