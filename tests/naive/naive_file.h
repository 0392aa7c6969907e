/* A machine's file (vcost.machine/1), read without any of vcost's readers and without judging it: files that
 * are wrong end the program. */
#ifndef VCOST_TESTS_NAIVE_FILE_H
#define VCOST_TESTS_NAIVE_FILE_H

#include "naive_table.h"

enum { NAIVE_MOST = 16 };

struct naive_cache {
    unsigned level, cycles;
    bool data, instructions;
    enum { NAIVE_EITHER, NAIVE_INCLUSIVE, NAIVE_EXCLUSIVE } holds;
    struct naive_shape shape;
};

struct naive_tlb {
    unsigned level, cycles;
    bool data, instructions;
    bool pages[3]; /* 4 KiB, 2 MiB, 1 GiB */
    struct naive_shape shape;
};

struct naive_walk_cache {
    bool levels[6];
    unsigned cycles;
    struct naive_shape shape;
};

struct naive_prefetcher {
    bool region, crosses;
    unsigned misses, fills, trackers, after, distance, ahead, behind, in_flight;
};

struct naive_file {
    char name[64];
    double ghz;
    unsigned levels, nested_levels;
    struct naive_cache caches[NAIVE_MOST];
    struct naive_tlb tlbs[NAIVE_MOST];
    struct naive_walk_cache walk_caches[NAIVE_MOST], nested_walk_caches[NAIVE_MOST];
    unsigned cache_count, tlb_count, walk_cache_count, nested_walk_cache_count;
    unsigned memory, remote;
    unsigned walk_first, walk_cycles, set_bit_cycles;
    bool nested, nested_tlb, nested_data;
    struct naive_shape nested_shape;
    unsigned nested_cycles;
    bool guest_tags, process_tags;
    unsigned exit, fault, page_switch, flush_page, hypercall, hidden_fault, table_store, table_sync,
        nested_fault;
    struct naive_prefetcher prefetchers[NAIVE_MOST];
    unsigned prefetcher_count;
    unsigned neighbours; /* lines in a microsecond */
};

void naive_file_read(const char *path, struct naive_file *file);

#endif
