/* What each frame of a paravirtual guest's memory is used as. A frame is of one type at a time and counts who
 * refers to it as such; it changes its type only when nobody does. From this one rule follows that no table
 * in use can be written by the guest, whatever it asks for (Xen's rule for PV guests: xen/arch/x86/mm.c,
 * "page types"; abi/hypercall.h tells guests).
 *
 * Pure data: reads tables in guest memory, each entry once, and writes single entries that it is asked to. It
 * trusts that nobody else writes a table in use: those who do (the host's side) say frames_forget() and pin
 * again. One thread at a time.
 *
 * Every function that can fail returns 0 or a negative errno of abi/hypercall.h, fills *error, and has then
 * changed nothing. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_FRAMES_H
#define VCOST_MONITOR_DEPRIVILEGED_FRAMES_H

#include "monitor/deprivileged/entry.h"
#include "monitor/deprivileged/frame_map.h"
#include "monitor/deprivileged/place.h"
#include "monitor/deprivileged/slots.h"

#include <stdbool.h>

enum frame_type { FRAME_FREE, FRAME_TABLE_1, FRAME_TABLE_2, FRAME_TABLE_3, FRAME_TABLE_4, FRAME_WRITABLE };

struct frames {
    /* Set before anything else, then constant. */
    unsigned physical_bits; /* of an address in an entry: 32 to 52 */
    size_t tables_max;      /* in use at a time: bounds what one request can cost; more is -ENOMEM */
    /* Its own. */
    struct frame_map map;
    size_t tables;
    struct slot_tables uppers; /* what is known of the tables of level 2 to 4 */
};

struct frame_use {
    enum frame_type type;
    uint32_t references; /* as that, the pin not counted; of a writable frame by 4 KiB leaves alone */
    uint32_t large;      /* writable leaves of 2 MiB over it */
    bool pinned;
};

/* Memory at a guest physical address, which stays the caller's. Adding and removing: -EBUSY while a table is
 * in use, since what its entries say of that memory was judged without it; frames_forget() and pin again. */
int frames_add(struct frames *frames, gpa_t start, void *host, uint64_t bytes, struct error *error);
int frames_remove(struct frames *frames, gpa_t start, struct error *error);
void frames_free(struct frames *frames);

/* false: there is no memory. */
bool frames_look(const struct frames *frames, gpa_t address, struct frame_use *use);
/* The level of the table in use that an address lies in; 0: in none. */
unsigned frames_level(const struct frames *frames, gpa_t address);
/* The memory at an address, to the end of its frame; NULL: none. */
void *frames_host(const struct frames *frames, gpa_t address);
/* The memory of a range; NULL: not all of it is in what one frames_add() gave. */
void *frames_span(const struct frames *frames, gpa_t address, uint64_t bytes);

/* Whether the monitor may write to a frame on the guest's behalf: it has memory and is no table in use. */
bool frames_may_write(const struct frames *frames, gpa_t address);

/* Puts a table in use until unpin, with all that it links to. -EEXIST: it is pinned. */
int frames_pin(struct frames *frames, gpa_t table, unsigned level, struct error *error);
/* -ENOENT: it is not pinned. */
int frames_unpin(struct frames *frames, gpa_t table, struct error *error);

/* Which tables are pinned, in order of their addresses: *pins, whose list is the caller's to free(). -ENOMEM.
 */
struct frame_pins {
    struct frame_pin {
        gpa_t table;
        unsigned level;
    } * list;
    size_t count;
};
int frames_pins(const struct frames *frames, struct frame_pins *pins, struct error *error);

/* No table is in use any more and nothing is pinned, whatever stands in memory. Fills *pins (may be NULL)
 * with what was, as frames_pins() does, for frames_pin_again(), after tables or memory have
 * changed behind this: pins what still can be. Negative, and *error tells of the first that cannot. */
int frames_forget(struct frames *frames, struct frame_pins *pins, struct error *error);
int frames_pin_again(struct frames *frames, const struct frame_pins *pins, struct error *error);

/* Sets the entry at `where` in a table in use. keep: if both map the same frame the old accessed and dirty
 * bits stay. *old and *now are what stood there and stands there, *level of which level. */
struct entry_change {
    unsigned level;
    uint64_t old, now;
};
int frames_set(struct frames *frames, gpa_t where, uint64_t value, bool keep, struct entry_change *change,
    struct error *error);

/* Where a table stands: fills in at most `room` places and returns how many there are: as soon as there are
 * more, room + 1. A table of level 4 in use is pinned, and a root. */
size_t frames_places(const struct frames *frames, gpa_t table, struct table_place *places, size_t room);

#endif
