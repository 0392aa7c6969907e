/* Prefetchers as src/model/prefetch.h tells them, made of what was accessed before. */
#ifndef VCOST_TESTS_NAIVE_PREFETCH_H
#define VCOST_TESTS_NAIVE_PREFETCH_H

#include "naive_file.h"

/* What they need of the machine. */
struct naive_reach {
    void *context;
    /* Where a virtual address is; false: nowhere. */
    bool (*find)(void *context, uint64_t address, uint64_t *physical);
    /* Brings a line into the caches from a level on: the level that had it, and its cycles. */
    unsigned (*bring)(void *context, uint64_t physical, unsigned from, uint64_t *cycles);
};

enum { NAIVE_HISTORY = 80, NAIVE_SLOTS = 64, NAIVE_FLIGHTS = 1 << 12 };

struct naive_prefetch {
    const struct naive_file *machine;
    struct naive_reach reach;
    struct naive_seen {
        struct naive_slot {
            bool used;
            uint64_t page, lines[NAIVE_HISTORY], next; /* lines: the last ones, no two alike side by side */
            unsigned count;
        } slots[NAIVE_SLOTS];
        bool touched[64]; /* lines of the page that was used last */
        uint64_t page;
        unsigned before;
    } of[NAIVE_MOST];
    struct naive_flight {
        unsigned prefetcher;
        uint64_t line, arrives;
    } flights[NAIVE_FLIGHTS]; /* the last ones */
    unsigned flight_count;
    bool near; /* a page is known: */
    uint64_t near_page, near_physical;
    uint64_t fetched; /* lines */
};

void naive_prefetch_begin(
    struct naive_prefetch *prefetch, const struct naive_file *machine, const struct naive_reach *reach);
/* After an access, begun at `now`, that a level served in so many cycles: what it waits. */
uint64_t naive_prefetch_after(struct naive_prefetch *prefetch, uint64_t address, uint64_t physical,
    unsigned level, uint64_t cycles, uint64_t now);

#endif
