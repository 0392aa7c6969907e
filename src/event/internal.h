/* What the files of this folder share. */
#ifndef VCOST_EVENT_INTERNAL_H
#define VCOST_EVENT_INTERNAL_H

#include "event/event.h"
#include "event/lab.h"

/* A family's rows. */
struct event_family {
    const struct event *events;
    size_t count;
};
#define EVENT_FAMILY(rows)                                                                                   \
    {                                                                                                        \
        rows, sizeof rows / sizeof rows[0]                                                                   \
    }
extern const struct event_family events_clock, events_exits, events_first_touch, events_interrupts,
    events_linked, events_linux_memory, events_nano, events_code, events_dirty, events_dma, events_faults,
    events_process, events_retouch, events_scattered, events_switch, events_tables;

/* The way of a row that only an operating system can do. */
#define NEEDS_LINUX                                                                                          \
    {                                                                                                        \
        .impossible =                                                                                        \
            "needs an operating system in the guest: measure a virtual machine of yours with it, by --on "   \
            "command:CMD"                                                                                    \
    }

/* Natively only: a process that ends at once, and is waited for. */
int event_fork_and_exit(struct event_bench *bench, struct error *error);

/* Natively only: the minor page faults of the calling thread so far. */
uint64_t event_minor_faults(void);

/* Whether `pages` touches since event_minor_faults() said `before` were as many faults: fewer would mean
 * larger pages than were asked for. A few more may be of this process's own code and stack. -EPROTO if not.
 */
int event_check_faults(uint64_t before, uint64_t pages, struct error *error);

/* Gives `count` pages back to the kernel, whose contents are then gone; and, after they were touched again,
 * whether they were: -EPROTO if not. The mark by which this is seen stands in the middle of each. */
int event_drop_pages(const struct memory *memory, uint64_t count, struct error *error);
int event_check_dropped(const struct memory *memory, uint64_t count, struct error *error);

/* Calls an entry of the image on the bench's runner with job->steps = count and whatever else the caller has
 * put into the image's job; natively, or in the domain at CPL 3 (or 0 if the way says so). Gives back the
 * ticks that the entry wrote. -EPROTO if it wrote none. */
int event_call(
    struct event_bench *bench, const char *entry, uint64_t count, struct event_run *run, struct error *error);

#endif
