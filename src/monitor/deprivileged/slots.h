/* Who refers to what, for tables of 512 entries: each entry is a slot, which is in at most one list. Lists
 * are found from what is referred to and through all that refers to it; joining and leaving take no time. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_SLOTS_H
#define VCOST_MONITOR_DEPRIVILEGED_SLOTS_H

#include "base/error.h"
#include "monitor/deprivileged/entry.h"

#include <stddef.h>
#include <stdint.h>

/* Number of the table * 512 + index of the entry. Tables count from 1 on, so 0 is no slot: the end of a list.
 */
typedef uint32_t slot_t;

struct slot_links {
    slot_t next, previous;
};

/* The first member of what the owner keeps of a table. */
struct slot_table {
    uint32_t free; /* the next number that is free */
    struct slot_links slots[TABLE_ENTRIES];
};

struct slot_tables {
    size_t table_bytes; /* of the owner's structure; set before anything else */
    /* its own */
    struct slot_table **list;
    size_t room, count; /* the highest number that was ever used */
    uint32_t free;
};

/* A zeroed one; -ENOMEM. */
int slot_tables_take(struct slot_tables *tables, uint32_t *number, struct error *error);
/* None of its slots is in a list any more. */
void slot_tables_give(struct slot_tables *tables, uint32_t number);
void slot_tables_free(struct slot_tables *tables);

static inline slot_t slot_of(uint32_t table, unsigned index)
{
    return table * TABLE_ENTRIES + index;
}

/* The table that has a slot, as its owner knows it. */
static inline void *slot_table(const struct slot_tables *tables, slot_t slot)
{
    return tables->list[slot / TABLE_ENTRIES];
}

static inline unsigned slot_index(slot_t slot)
{
    return slot % TABLE_ENTRIES;
}

slot_t slot_next(const struct slot_tables *tables, slot_t slot);
void slot_join(struct slot_tables *tables, slot_t slot, slot_t *first);
void slot_leave(struct slot_tables *tables, slot_t slot, slot_t *first);

#endif
