/* The events of the price list: single operations whose cost virtualization changes.
 *
 * An event is a row of a table: what it is, where it can happen, and how it is made to happen many times in a
 * row and timed. Each family has a file with its rows (events_*.c); events.c joins them.
 *
 * A bench is an event that is open on a runner, natively or in a domain of its own. Use: event_open(),
 * event_run() as often as wanted, event_close(). Experiments do this by way of runner.h (event_kind.h). */
#ifndef VCOST_EVENT_EVENT_H
#define VCOST_EVENT_EVENT_H

#include "base/error.h"
#include "domain/domain.h"
#include "host/memory.h"
#include "runner/local.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_group {
    EVENT_EXITS,    /* entering and leaving the monitor */
    EVENT_INDIRECT, /* what that does to caches and TLBs */
    EVENT_NANO,     /* the nanobenchmarks of Adams and Agesen (ASPLOS 2006) */
    EVENT_MEMORY,   /* memory management */
    EVENT_LINKED,   /* what a guest's kernel does, by the linked kernel, the same on each monitor */
    EVENT_CODE,     /* executing code: instruction TLB and cache */
    EVENT_CLOCK,
    EVENT_GROUPS
};
/* "exits", "indirect", "nano", "memory", "kernel", "code", "clock", and a title for people. */
const char *event_group_name(enum event_group group);
const char *event_group_title(enum event_group group);

struct event_bench;

/* What one call of run() did. */
struct event_run {
    uint64_t count; /* events that happened, at least 1 */
    uint64_t ticks; /* of the time-stamp counter for them, without preparation */
};

/* How an event happens natively, or in a guest. Either `impossible`, or `entry`, `make` or `run`. */
#define EVENT_SIZE UINT64_MAX /* as event_way.data_bytes: as much memory as the event's size */
struct event_way {
    const char *impossible; /* why it cannot happen there: a sentence without full stop */
    const char *entry;      /* of the workload image: makes the event job->steps times (see event_call()) */
    bool kernel;            /* in a guest: the entry, or what run() calls, runs at CPL 0 */
    bool irqchip;           /* in a guest: the domain needs domain_config.irqchip */
    bool handling;          /* in a guest: it needs a laboratory (lab.h) */
    bool linked; /* in a guest: by the linked kernel (domain/guest_kernel.h); no domain is made for it */
    bool tables; /* in a guest: its kernel changes its page tables, or what is translated by them, by itself;
                    one whose monitor is to be asked cannot */
    const char *elsewhere; /* where a guest is a process: why it is not there what its name says, a sentence
                              without full stop; NULL: it is */
    bool code;             /* the data is machine code: executable, and not writable for a guest */
    uint64_t data_bytes; /* memory for it, of pages of data_page_bytes (0: 4 KiB), before open() is called */
    uint64_t data_page_bytes;
    size_t spare_tables; /* in a guest: domain_config.spare_tables */
    uint64_t most;       /* events in one run at most; 0: any number */
    bool waits;          /* it sleeps by design: time off the CPU is no disturbance */
    /* Makes ready; domain and data are there already. -ENOTSUP with a sentence: cannot happen on this host.
     */
    int (*open)(struct event_bench *bench, struct error *error);
    /* Before each sample; and what of it a sample is to tell besides its time, which is there already. */
    int (*begin)(struct event_bench *bench, struct error *error);
    void (*tell)(struct event_bench *bench, struct sample *sample);
    /* Puts what the entry needs into the image's job, before each run. */
    void (*aim)(const struct event_bench *bench, struct workload_job *job);
    /* Natively: makes one event; so many calls are timed. */
    int (*make)(struct event_bench *bench, struct error *error);
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
    /* The event of the same size on the same runner that its cost is relative to, and that is measured in
     * turns with it; NULL: the same event on native. */
    const char *against;
    struct event_way native, guest;
};

struct event_bench {
    struct prepared prepared; /* its domain is owned, NULL for native; the figure's note is its runner's */
    const struct event *event;
    const struct event_way *way;
    const struct placement_config *place; /* image, clock, CPUs … */
    uint64_t bytes;                       /* its size; 0 where the event has none */
    struct memory data;                   /* of way->data_bytes; owned */
    struct counters passed; /* of way->linked: the CPU time of its guests, where that is another process's */
    struct lab *lab;        /* of the domain; NULL unless way->handling; owned */
    void *own;              /* the event's */
};

/* Event number `index`, in the order of groups; NULL past the end. */
const struct event *event_at(size_t index);
const struct event *event_find(const char *name);
const struct event_way *event_way(const struct event *event, const struct runner_ops *runner);

/* Opens an event on a runner of this machine. -ENOTSUP with a sentence where it cannot happen there. */
int event_open(const struct event *event, uint64_t bytes, struct runner *runner, struct event_bench **bench,
    struct error *error);
int event_run(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error);
void event_close(struct event_bench *bench); /* NULL is allowed */

#endif
