/* A guest that comes up with anything: its memory, once for what is tested and once for the naive MMU, and
 * dice that make entries, tables and addresses which meet often. */
#ifndef VCOST_TESTS_NAIVE_GUEST_H
#define VCOST_TESTS_NAIVE_GUEST_H

#include "naive_mmu.h"

/* Two pieces that share a large page, of which the first is where tables are mostly, and two large pages
 * more. The last frame is in no entry that is made here. */
#define FIRST_START UINT64_C(0x1e0000)
#define FIRST_BYTES UINT64_C(0x20000)
#define SECOND_START UINT64_C(0x200000)
#define SECOND_BYTES UINT64_C(0x400000)
#define LOW_START UINT64_C(0x8000)
#define LOW_BYTES UINT64_C(0x8000)
#define GUEST_LAST_FRAME (SECOND_START + SECOND_BYTES - 4096)

enum { HOT_ENTRIES = 6 }; /* at each end of a table of level 1 */

extern struct naive_memory ours, theirs;
extern uint64_t guest_seed, root;
/* A frame that may well be a table of this level. */
extern uint64_t (*guest_table_of)(unsigned level);

void guest_take_memory(void);
void guest_free(void);

uint64_t dice(uint64_t sides);
void both_write(uint64_t address, uint64_t value);
uint64_t any_frame(void);
uint64_t any_entry(unsigned level);
unsigned any_index(unsigned level);
uint64_t any_address(void);

#endif
