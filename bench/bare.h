/* What a guest's start is held against: the ioctls of /dev/kvm that it cannot do without, and nothing else.
 */
#ifndef VCOST_BENCH_BARE_H
#define VCOST_BENCH_BARE_H

#include <stdint.h>

/* The time-stamp counter around one entry and inside it. */
struct entry {
    uint64_t before, inside, after;
};

/* Makes a virtual machine that reads its counter, and enters it `count` times. What fails is named by the
 * result; NULL if nothing does. */
const char *bare_enter(struct entry *entries, unsigned count);

#endif
