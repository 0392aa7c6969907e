/* The events of the price list: single operations whose cost virtualization changes.
 *
 * An event is a row of a table: what it is, where it can happen, and how it is made to happen many times in a
 * row and timed. Each family has a file with its rows (events_*.c); events.c joins them.
 *
 * A place is where events happen: this process (native) or a domain of a monitor. A bench is an event that is
 * open at a place. Use: event_open(), event_run() as often as wanted, event_close(). One thread, bound to
 * place->cpu. */
#ifndef VCOST_EVENT_EVENT_H
#define VCOST_EVENT_EVENT_H

#include "base/error.h"
#include "base/stop.h"
#include "domain/domain.h"
#include "host/memory.h"
#include "measure/clock.h"
#include "runner/runner.h"
#include "runner/sample.h"
#include "workload/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_group {
    EVENT_EXITS,    /* entering and leaving the monitor */
    EVENT_INDIRECT, /* what that does to caches and TLBs */
    EVENT_NANO,     /* the nanobenchmarks of Adams and Agesen (ASPLOS 2006) */
    EVENT_MEMORY,   /* memory management */
    EVENT_CODE,     /* executing code: instruction TLB and cache */
    EVENT_CLOCK,
    EVENT_GROUPS
};
/* "exits", "indirect", "nano", "memory", "code", "clock", and a title for people. */
const char *event_group_name(enum event_group group);
const char *event_group_title(enum event_group group);

/* Memory that must not be given out again before the run ends: who wants frames that nobody has touched yet
 * leaves what it has touched here (hold.h). However much it is, it must cost fork-exit, which is measured in
 * the same process, nothing: it is few mappings, which children do not get. Starts zeroed. */
enum { EVENT_HOLD_AREAS = 2 }; /* pages of 4 KiB, of 2 MiB */
struct event_hold {
    struct event_hold_area {
        uint64_t page_bytes;
        char *next, *end; /* what has not been given out yet */
        void *reserved;   /* owned */
        size_t reserved_bytes;
    } areas[EVENT_HOLD_AREAS];
    size_t count;
};
void event_hold_release(struct event_hold *hold);

struct event_place {
    const struct runner_type *type;    /* runner_native or one with a monitor */
    const struct monitor_facts *facts; /* of its monitor; NULL for native */
    const struct image *image;         /* shared by all places: one runs at a time */
    const struct clock *clock;
    int other_cpu;           /* for a second virtual CPU; -1: there is none */
    unsigned cpu;            /* that the calling thread is bound to */
    const struct stop *stop; /* may be NULL */
    struct event_hold *hold; /* shared by all places */
};

struct event_bench;

/* What one call of run() did. */
struct event_run {
    uint64_t count; /* events that happened, at least 1 */
    uint64_t ticks; /* of the time-stamp counter for them, without preparation */
};

/* How an event happens at one kind of place. Either `impossible`, or `entry`, or functions. */
#define EVENT_SIZE UINT64_MAX /* as event_way.data_bytes: as much memory as the event's size */
struct event_way {
    const char *impossible; /* why it cannot happen there: a sentence without full stop */
    const char *entry;      /* of the workload image: makes the event job->steps times (see event_call()) */
    bool kernel;            /* in a guest: the entry, or what run() calls, runs at CPL 0 */
    bool irqchip;           /* in a guest: the domain needs domain_config.irqchip */
    bool handling;          /* in a guest: the domain needs domain_config.handling */
    bool code;              /* the data is machine code: executable, and not writable for a guest */
    uint64_t data_bytes; /* memory for it, of pages of data_page_bytes (0: 4 KiB), before open() is called */
    uint64_t data_page_bytes;
    uint64_t most; /* events in one run at most; 0: any number */
    bool waits;    /* it sleeps by design: time off the CPU is no disturbance */
    /* Makes ready; domain and data are there already. -ENOTSUP with a sentence: cannot happen on this host.
     */
    int (*open)(struct event_bench *bench, struct error *error);
    /* Makes `count` events (no more than `most`) and times them. */
    int (*run)(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error);
    void (*close)(struct event_bench *bench); /* also after a failed open() */
};

struct event {
    const char *name; /* "cpuid": as on the command line and in cells' ids */
    enum event_group group;
    const char *unit;      /* what one of them is: "exit", "fault", "page", "call" */
    const char *summary;   /* one line for `vcost list events` */
    const char *article;   /* what it stands for in "The Cost of Virtualization" */
    const char *source;    /* where the benchmark's idea or the meaning of the operation comes from */
    const char *steps;     /* what happens, step by step, as sentences */
    const char *advice;    /* what to do about its cost */
    const uint64_t *sizes; /* bytes, ends with 0; NULL: it has no size */
    /* The event of the same size at the same place that it is held against, and that is measured in turns
     * with it; NULL: the same event on native. */
    const char *against;
    struct event_way native, guest;
};

struct event_bench {
    const struct event *event;
    const struct event_way *way;
    struct event_place place;
    uint64_t bytes;        /* its size; 0 where the event has none */
    struct memory data;    /* of way->data_bytes; owned */
    struct domain *domain; /* NULL for native; owned */
    void *own;             /* the event's */
    char note[160];        /* what a reader should know about this figure; "" for nothing */
};

/* Event number `index`, in the order of groups; NULL past the end. */
const struct event *event_at(size_t index);
const struct event *event_find(const char *name);
const struct event_way *event_way(const struct event *event, const struct runner_type *type);

/* Opens an event at a place. -ENOTSUP with a sentence where it cannot happen there. */
int event_open(const struct event *event, uint64_t bytes, const struct event_place *place,
    struct event_bench **bench, struct error *error);
int event_run(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error);
void event_close(struct event_bench *bench); /* NULL is allowed */

/* What happened so far: exits and faults of the guest, faults of this thread. */
void event_counters(const struct event_bench *bench, struct runner_counters *counters);

#endif
