/* Loops in a guest that is made by hand, with the ioctls of /dev/kvm and nothing of vcost's: what the prices
 * of exits and of page-table changes are held against. */
#ifndef VCOST_BENCH_BARE_LOOPS_H
#define VCOST_BENCH_BARE_LOOPS_H

#include <stdint.h>

enum bare_loop {
    BARE_EXIT,      /* CPL 3: OUT, which this process answers by entering again */
    BARE_PTE_CHANGE /* CPL 0: a page-table entry is changed and INVLPG executed; HLT at the end */
};

struct bare_guest;

/* NULL with *what failed. */
struct bare_guest *bare_guest_open(enum bare_loop loop, const char **what);

/* Makes the loop go round `count` times; 0 if it did not. */
uint64_t bare_guest_ticks(struct bare_guest *guest, uint64_t count);

void bare_guest_close(struct bare_guest *guest);

#endif
