/* What a program touched over time (`vcost run --heat`): pages of 4 KiB, and regions of 2 MiB that hold some
 * of them, by the accessed bits of the guest's page tables, which are read and cleared at an interval; and
 * what this CPU's TLBs can hold of it. All that is pointed to stands in the result's pool. */
#ifndef VCOST_RESULT_HEAT_H
#define VCOST_RESULT_HEAT_H

#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instructions: what can be executed (its entry lacks NX); data: all else. */
enum heat_side { HEAT_OF_DATA, HEAT_OF_INSTRUCTIONS, HEAT_SIDES };
extern const char *const heat_side_names[HEAT_SIDES];

/* In an interval between two readings, over all of about the usual length; and ever. */
struct heat_counts {
    double median; /* NAN: there was no reading */
    uint64_t most, ever;
};

struct heat_step {         /* a reading */
    double from_ns, to_ns; /* since the first process began */
    uint64_t pages[HEAT_SIDES], regions[HEAT_SIDES];
};

struct heat_region {
    char address[24]; /* "0x200000200000" */
    enum heat_side side;
    uint64_t pages;    /* that were ever touched, of 512 */
    uint32_t *touched; /* of them, in each column of the picture */
    size_t columns;
};

/* What the TLBs of this CPU hold of a side in pages of one size. */
struct heat_reach {
    enum heat_side side;
    uint64_t page_bytes; /* 4 KiB, 2 MiB */
    double median;       /* entries that an interval takes: pages, or regions */
    uint64_t most;
    uint64_t level1, level2; /* entries; 0: not known, for `reason` */
    const char *reason;      /* NULL */
};
enum { HEAT_REACHES = 2 * HEAT_SIDES };

struct heat_process {
    const char *name;
    struct heat_step *steps;
    size_t step_count;
    struct heat_counts pages[HEAT_SIDES], regions[HEAT_SIDES];
    struct heat_region *touched; /* by address, data first where both are in one */
    size_t touched_count;
    struct heat_reach reach[HEAT_REACHES];
    size_t reach_count;
};

struct ran_heat {
    bool known;
    const char *reason; /* why there is none, or why it ends early; NULL */
    double interval_ns; /* that was asked for */
    double ran_ns;      /* how long this run took: reading costs time */
    double column_ns;   /* of the picture */
    size_t columns;
    struct heat_process *processes; /* who touched most first */
    size_t process_count;
};

/* How many entries a host's TLBs have for pages of a size, level 1 or 2: of the side's own, and those that
 * both share. 0: its CPUID tells of none. */
uint64_t heat_tlb_entries(const struct host *host, enum heat_side side, unsigned level, uint64_t page_bytes);

/* Fills in what the TLBs hold, once the host is known. */
void heat_set_reach(const struct host *host, struct ran_heat *heat);

#endif
