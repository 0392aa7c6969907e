/* Which pages the processes of a program touched, as they tell it while it runs: entries in the file that
 * they share with whoever started them, behind struct tally. */
#ifndef VCOST_PROGRAM_HEAT_LOG_H
#define VCOST_PROGRAM_HEAT_LOG_H

#include "program/tally.h"

#include <stdatomic.h>
#include <stdint.h>

enum heat_kind {
    HEAT_NOTHING, /* not written to its end */
    HEAT_PROCESS, /* one has begun, or executed another program: its name */
    HEAT_HARVEST, /* its accessed bits were read and cleared; entries of what it touched come before */
    HEAT_DATA,    /* pages of a region that were touched since the harvest before, and cannot be executed */
    HEAT_CODE     /* likewise, that can */
};

enum { HEAT_PAGES = 512, HEAT_WORDS = HEAT_PAGES / 64, HEAT_NAME_BYTES = 16 };
#define HEAT_REGION_BYTES UINT64_C(0x200000)
#define HEAT_PAGE_BYTES UINT64_C(0x1000)

struct heat_entry {
    _Atomic uint32_t kind;     /* enum heat_kind, written last */
    uint32_t process, harvest; /* from 0 on, each */
    uint32_t reserved;
    uint64_t from_ns, to_ns; /* CLOCK_MONOTONIC: what the harvest tells of */
    uint64_t region;         /* its address, over HEAT_REGION_BYTES */
    union {
        uint64_t pages[HEAT_WORDS]; /* bit i of word w: page 64 w + i of the region */
        char name[HEAT_NAME_BYTES];
    };
};

struct heat_log {
    uint64_t interval_ns;
    uint64_t room;              /* entries */
    _Atomic uint64_t used;      /* of these; larger than room: some had none */
    _Atomic uint32_t processes; /* that were given a number */
    uint32_t reserved;
    struct heat_entry entries[];
};

/* Where it stands in the file, and how much room it takes there, of which only what is written is there. */
#define HEAT_LOG_OFFSET ((sizeof(struct tally) + 4095) & ~(size_t)4095)
#define HEAT_LOG_BYTES ((size_t)256 << 20)

#endif
