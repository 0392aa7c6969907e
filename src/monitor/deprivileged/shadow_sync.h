/* Shadow paging's synchronization, as data: a guest that believes that it owns its page tables changes them
 * by plain stores; here is known what its children hold because of which entries, and what to take from them
 * and to give to them so that this is what a TLB could hold.
 *
 * Of each table that a fault has led through there is a copy, as it was when it was last looked at: the
 * children hold nothing that the copies do not say, and the copies are what the tables say but for tables
 * that are not in sync. SYNC_LAZY: a table is write-protected in the children until the guest stores to it;
 * then it may write there as it likes (out of sync); when a fault leads through that table it is compared
 * with the copy, and protected again once comparisons find nothing changed. What stays stale meanwhile may be
 * stale, since INVLPG and writes to CR3 look, too (SDM volume 3, 4.10.4). SYNC_WRITE: a table is always
 * write-protected; each store faults, and is told with address and value. Accessed and dirty bits are set in
 * the guest's tables as hardware would; a leaf that has not both is in no child, or not writable there
 * (translate.h).
 *
 * Guests may do anything with their tables: loops, tables in themselves, wild addresses cost them time and
 * nothing else. What would take more than tables_max tables or more places than are followed ends in
 * RUN_FORGET, and begins anew.
 *
 * Pure data, as hypercalls.h: what is to be done in children goes out as runs. One thread at a time; those of
 * the guest's virtual CPUs that run meanwhile may store to tables. Every function carries out all its runs
 * before it returns; negative: the monitor itself cannot go on. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_SHADOW_SYNC_H
#define VCOST_MONITOR_DEPRIVILEGED_SHADOW_SYNC_H

#include "monitor/deprivileged/entry.h"
#include "monitor/deprivileged/fault.h"
#include "monitor/deprivileged/frame_map.h"
#include "monitor/deprivileged/run.h"
#include "monitor/deprivileged/slots.h"

#include <stdbool.h>
#include <stddef.h>

enum sync_kind { SYNC_LAZY, SYNC_WRITE };

/* What was counted, for the monitor's counters. */
struct shadow_counts {
    uint64_t hidden, injected; /* page faults that the guest never sees, and those that are its own */
    uint64_t stores;           /* to protected tables: emulated (write), or that made one writable (lazy) */
    uint64_t compared;         /* tables, with their copies */
    uint64_t forgotten;        /* times that all was dropped */
};

struct shadow {
    /* Set before anything else, then constant. */
    enum sync_kind sync;
    unsigned physical_bits; /* 32 to 52 */
    unsigned fill;        /* pages of 4 KiB, a power of two up to 512, that one hidden fault fills at most */
    size_t tables_max;    /* at least 8 */
    struct run_list runs; /* carry_out and context */
    /* To read. */
    gpa_t root; /* of the address space in use: CR3, bits 12 to 51 */
    struct shadow_counts counts;
    /* Its own. */
    struct frame_map map;
    struct slot_tables tables;
    uint32_t tables_used;
    bool overflow; /* forget all before the guest goes on */
};

/* Memory at a guest physical address, which stays the caller's. Both forget everything. */
int shadow_add(struct shadow *shadow, gpa_t start, void *host, uint64_t bytes, struct error *error);
int shadow_remove(struct shadow *shadow, gpa_t start, struct error *error);
void shadow_free(struct shadow *shadow);

/* Nothing is in any child any more: the caller has seen to it, or lets RUN_FORGET do it. */
void shadow_dropped(struct shadow *shadow);
int shadow_forget(struct shadow *shadow, struct error *error);

/* A child has faulted. FAULT_STORE (SYNC_WRITE): the instruction, which must be emulated, stores to a table
 * at `to`; shadow_store() is how. A fault may be answered and nothing be mapped: the next one gets further.
 */
int shadow_fault(struct shadow *shadow, gva_t address, unsigned access, struct fault_outcome *outcome,
    struct error *error);

/* The guest, or the monitor for it, stores `bytes` bytes of one frame that has memory (-EFAULT: else), be
 * there a table or not. */
int shadow_store(struct shadow *shadow, gpa_t where, const void *value, size_t bytes, struct error *error);

/* INVLPG; and a write to CR3, of the same value too. Global pages are kept by neither more nor less than
 * others. */
int shadow_flush(struct shadow *shadow, gva_t address, struct error *error);
int shadow_switch(struct shadow *shadow, gpa_t root, struct error *error);

/* An address space will not come back soon: its children are gone. Not the one in use. */
void shadow_end_space(struct shadow *shadow, gpa_t root);

/* A child has lost some of what was filled in it, nobody knows what: it is filled again around what is
 * touched.
 */
void shadow_unfilled(struct shadow *shadow);

#endif
