/* What a CPU does to translate an address by a guest's page tables (SDM volume 3, 4.5 to 4.8): which entries
 * it reads, whether it faults, the accessed and dirty bits that it sets. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_TRANSLATE_H
#define VCOST_MONITOR_DEPRIVILEGED_TRANSLATE_H

#include "monitor/deprivileged/entry.h"
#include "monitor/deprivileged/fault.h"
#include "monitor/deprivileged/write_log.h"

/* The entries of a table in guest memory; NULL where there is none. */
typedef uint64_t *table_at(void *context, gpa_t table);

struct translation {
    gpa_t root;
    unsigned physical_bits;
    table_at *at;
    void *context;
    const struct write_log *log; /* where entries whose bits are set are noted; NULL: nowhere */
};

/* The entries that lead to an address, each read once: read[i] is of level TABLE_LEVELS - i, in the table at
 * table[i]. A table without memory ends it as an entry that is not present does. */
struct path {
    unsigned reads;
    gpa_t table[TABLE_LEVELS];
    uint64_t read[TABLE_LEVELS];
    bool found; /* the last is a leaf */
    bool reserved;
};

/* An access of a CPU with CR0.WP and EFER.NXE set, SMEP and SMAP not. 0, and the bits are set in the tables
 * and in *path. 1: a page fault with the error code *code, which has at least the bits of `access` and may be
 * 0, and nothing is set. Negative: the entries change faster than they can be read. */
int translate_access(
    const struct translation *translation, gva_t address, unsigned access, struct path *path, unsigned *code);

#endif
