/* Copies of a guest's tables, and which of their entries children hold something of (shadow_sync.h is what
 * for).
 *
 * A copy is of a frame as a table of one level; a frame may have one of each. It lives while the entry of
 * another leads to it or it is a root. An entry is held once a child may have what it maps, or there is a
 * copy of what it links to. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_SHADOW_COPIES_H
#define VCOST_MONITOR_DEPRIVILEGED_SHADOW_COPIES_H

#include "monitor/deprivileged/place.h"
#include "monitor/deprivileged/shadow_sync.h"

/* Of each frame. What concerns leaves of 2 MiB is in the first frame there is of those they cover. */
struct shadow_frame {
    slot_t leaves;    /* the held entries that map this frame by 4 KiB */
    slot_t large;     /* and those by 2 MiB that begin here */
    uint32_t copies;  /* the first one's number; 0: no table */
    uint16_t guarded; /* frames of these 2 MiB that are */
    bool unsync;      /* has copies, but children may write to it */
    uint8_t quiet;    /* comparisons in a row, since it is, that found nothing changed */
};

enum held { HELD_NOTHING, HELD_LEAF, HELD_LINK };

struct copy {
    struct slot_table slots;
    gpa_t table;
    uint32_t next; /* of the same frame */
    slot_t parents;
    uint8_t level; /* 0: this number is free */
    bool root;
    uint8_t held[TABLE_ENTRIES];
    uint8_t filled[TABLE_ENTRIES]; /* of held leaves: 1 after a fault of the guest's kernel, 2 of user code */
    uint64_t entries[TABLE_ENTRIES];
};

static inline struct copy *copy_of(const struct shadow *shadow, uint32_t number)
{
    return slot_table(&shadow->tables, slot_of(number, 0));
}

struct shadow_frame *shadow_frame(const struct shadow *shadow, gpa_t address);

/* Children must not write to it: it is a table, in sync with its copies. */
bool frame_is_guarded(const struct shadow_frame *frame);
/* Write-protects a table in all children, and no longer. */
void frame_guard(struct shadow *shadow, gpa_t table);
void frame_unguard(struct shadow *shadow, gpa_t table);

/* The number of the copy of a table; 0: none. obtain() makes it, if it can (overflow). */
uint32_t copy_find(const struct shadow *shadow, gpa_t table, unsigned level);
uint32_t copy_obtain(struct shadow *shadow, gpa_t table, unsigned level);
/* Nothing leads to it any more and it is no root: it goes, with all that it alone leads to. */
void copy_release(struct shadow *shadow, uint32_t number);
void copy_drop_all(struct shadow *shadow);

/* From now on a child may have what an entry, which is a leaf, maps. */
void copy_hold_leaf(struct shadow *shadow, uint32_t number, unsigned index);
void copy_hold_link(struct shadow *shadow, uint32_t number, unsigned index, uint32_t below);

/* An entry becomes what the table has now: children lose what that no longer says. */
void copy_change(struct shadow *shadow, uint32_t number, unsigned index, uint64_t now);
bool copy_compare(struct shadow *shadow, uint32_t number); /* whether an entry has changed */

/* A run that maps or protects `run->bytes` of memory from `to` on, but guarded frames not writable. */
void copy_emit(struct shadow *shadow, struct run run, gpa_t to);

#endif
