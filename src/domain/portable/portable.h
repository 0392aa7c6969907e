/* A domain that can be stopped at any moment, taken out of its monitor as data, and go on elsewhere: its
 * memory is one piece here (regions of it, with holes between them, in the guest), nothing in it names an
 * address of this host, and its virtual CPUs run in threads that can be parked.
 *
 * Who holds one uses it from one thread. Its virtual CPUs' threads are its own. */
#ifndef VCOST_DOMAIN_PORTABLE_H
#define VCOST_DOMAIN_PORTABLE_H

#include "abi/portable.h"
#include "base/error.h"
#include "base/stop.h"
#include "domain/domain.h"
#include "host/numa.h"
#include "monitor/machine_state.h"
#include "monitor/monitor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum portable_workload {
    PORTABLE_CHASE,
    PORTABLE_WRITER,
    PORTABLE_VECTORS,
    PORTABLE_SELFTEST,
    PORTABLE_WORKLOADS
};

struct portable_workload_info {
    const char *name;
    const char *summary; /* one line */
    const char *unit;    /* of what it does: "hops" */
    unsigned cpus_max;
};
extern const struct portable_workload_info portable_workloads[PORTABLE_WORKLOADS];

enum { PORTABLE_NAME_BYTES = 48, PORTABLE_RESULTS_MAX = PORTABLE_CPUS_MAX, PORTABLE_REGIONS_MAX = 8 };

/* Where the guest finds a part of its memory (regions.h): [start, start + bytes) guest physical. */
struct portable_region {
    uint64_t start, bytes;
};

/* All that there is to know of a domain but for its state and memory; kept with them. */
struct portable_plan {
    char name[PORTABLE_NAME_BYTES]; /* [A-Za-z0-9][A-Za-z0-9._-]* */
    char monitor[16];
    enum portable_workload workload;
    uint64_t memory_bytes; /* a multiple of 2 MiB, at least PORTABLE_BYTES_MIN: the sum of: */
    struct portable_region regions[PORTABLE_REGIONS_MAX]; /* by start; regions.h */
    size_t region_count;        /* 0, of one that is to be made: all from guest physical 0 on */
    uint64_t laid_out_bytes;    /* of that the workload has its place in the first so many; 0: in all */
    uint64_t working_set_bytes; /* of all virtual CPUs; 0: as much as there is room for */
    unsigned cpus;
    uint64_t work;           /* 0: endless */
    uint64_t rate;           /* writer: bytes of pages a second at most; 0: as fast as it can */
    double ticks_per_second; /* of the time-stamp counter, where it was started */
    bool tsc_settable;       /* there: what is written to the guest's time-stamp counter takes effect */
    /* Set by portable_create(): guest physical addresses, of each virtual CPU's job or each process's log. */
    uint64_t results[PORTABLE_RESULTS_MAX];
    size_t result_count;
};

#define PORTABLE_BYTES_MIN (UINT64_C(8) << 20)
#define PORTABLE_BYTES_MAX (UINT64_C(1) << 40)

/* -EINVAL with a sentence: it is no name of a domain. */
int portable_name_check(const char *name, struct error *error);

/* Is it one that can be? Of one from outside `results` are looked at, too. -EINVAL with a sentence. */
int portable_plan_check(const struct portable_plan *plan, bool with_results, struct error *error);

struct portable;

/* What this host is to do for its memory; not part of the domain, and asked for anew wherever it goes. */
struct portable_wish {
    struct numa_nodes nodes; /* on these only; none: wherever the kernel places it */
    bool locked;             /* all of it in physical memory, and kept there */
    bool forkable;           /* all of it there from the start, in a form that clones can map */
};

/* A new one, parked before its first instruction. `wish` may be NULL. Errors also as memory_map_request(),
 * memory_lock() and memory_check_nodes() have them: that it is so is counted. */
int portable_create(const struct portable_plan *plan, const struct monitor_ops *monitor,
    const struct monitor_facts *facts, const struct portable_wish *wish, struct portable **portable,
    struct error *error);

/* One whose memory, as the plan has it, is here already and outlives it; its virtual CPUs have no state yet.
 * `like` (may be NULL): what one has had on this host, whose state it is to be put into; its virtual CPUs are
 * shown the same CPUID, so the monitor is not asked which there is (struct monitor_kept). */
int portable_open(const struct portable_plan *plan, const struct monitor_ops *monitor, struct backing memory,
    const struct machine_state *like, struct portable **portable, struct error *error);

/* Stops what runs. NULL is allowed. */
void portable_destroy(struct portable *portable);

const struct portable_plan *portable_plan(const struct portable *portable);
void *portable_memory(const struct portable *portable); /* plan->memory_bytes, all regions in turn */
struct domain *portable_domain(const struct portable *portable);

/* Makes the threads of the virtual CPUs, parked: portable_resume(), which would, then has less to do. */
int portable_ready(struct portable *portable, struct error *error);
/* Lets every virtual CPU that is parked run on. */
int portable_resume(struct portable *portable, struct error *error);
/* When it returns 0 none is inside the guest: each is parked, or has ended. -ETIMEDOUT: one did not leave
 * within some seconds; all go on then. */
int portable_pause(struct portable *portable, struct error *error);

/* Comes before portable_resize(), while it may still run: has the workload give up, within some seconds, what
 * is not in the first `bytes` of its memory. When it could not it is offered again what is there: -EBUSY it
 * stands still, -ETIMEDOUT, -EINTR. Errors also as portable_resize(). */
int portable_resize_begin(
    const struct portable *portable, uint64_t bytes, const struct stop *stop, struct error *error);

/* Lets its last region end elsewhere (regions.h), so that it has `bytes` in all; new memory is zeros, and
 * placed and locked as is wished. No virtual CPU may run. *given_back: by how much what this process has in
 * memory, or a descriptor that it shares with the guest's, fell. -EINVAL: that would cut the workload's own
 * memory, or is more than there are addresses for here (portable_set_room()); -ENOTSUP: memory that clones
 * could map. -EBUSY: portable_resize_begin() would have been needed. */
int portable_resize(struct portable *portable, uint64_t bytes, const struct portable_wish *wish,
    uint64_t *given_back, struct error *error);

/* Behind its memory there are addresses up to so many bytes in all, from where it begins, that are free for
 * it: as many as portable_room() says for memory of portable_map_memory(). */
void portable_set_room(struct portable *portable, uint64_t bytes);
static inline uint64_t portable_room(uint64_t memory_bytes)
{
    return 2 * memory_bytes;
}

/* Holds its virtual CPUs outside of the guest, or lets them go on, without pausing it: it counts as running.
 * Any thread; held by several it goes on when each has let it go. Errors as above: then it is not held. */
int portable_hold(struct portable *portable, bool held, struct error *error);

enum portable_phase { PORTABLE_PAUSED, PORTABLE_RUNNING, PORTABLE_DONE, PORTABLE_FAILED };
extern const char *const portable_phases[];

struct portable_status {
    enum portable_phase phase;
    uint64_t done;          /* of all virtual CPUs together */
    uint64_t checksum;      /* PORTABLE_DONE */
    uint64_t wrong;         /* the same: what the workload itself found wrong */
    uint64_t generation[2]; /* in memory now */
    uint64_t seen[2];       /* as the first virtual CPU's workload read it last; zeros: it does not look */
    double longest_seconds; /* the most that its time-stamp counter went on at once; NAN: it does not look */
    uint64_t backwards;     /* how often it went back */
    uint64_t added_pages;   /* of memory that came later its workload uses so many, */
    uint64_t added_writes;  /* and has written to such so often */
    struct error error;     /* PORTABLE_FAILED: why */
};
void portable_status(const struct portable *portable, struct portable_status *status);

/* Readable (poll) when a virtual CPU has ended or failed. */
int portable_eventfd(const struct portable *portable);

/* Where its memory was asked for as forkable: from now on nobody changes what *descriptor has of it (it stays
 * the domain's), which others may map, private, from its start on; the domain itself copies what it writes.
 * Once, and while all virtual CPUs are parked; portable_freezes() tells whether it can. */
bool portable_freezes(const struct portable *portable);
int portable_freeze(
    struct portable *portable, const struct portable_wish *wish, int *descriptor, struct error *error);

/* The state of all virtual CPUs and the machine; all are parked or have ended. The second is for one of
 * portable_open(), parked. */
int portable_save(struct portable *portable, struct machine_state *state, struct error *error);
int portable_restore(struct portable *portable, const struct machine_state *state,
    const struct state_pause *pause, struct error *error);

/* Tries, in a guest of its own, whether what is written to a guest's time-stamp counter takes effect. Takes
 * about a millisecond. */
int portable_clock_settable(const struct monitor_ops *monitor, bool *settable, struct error *error);

/* Maps memory for one: private, of large pages if this machine has any; shared, of small ones, where the
 * monitor runs guests in another process. A forkable one's is shared, faulted in, and joined to large pages
 * if this kernel does that. -ENOTSUP: what is wished for cannot be, with that monitor or together. */
int portable_map_memory(uint64_t bytes, const struct monitor_ops *monitor, const struct portable_wish *wish,
    struct memory *memory, struct error *error);

struct backing portable_backing(const struct memory *memory);

/* Which monitor one goes on with: `asked`, or if that is NULL the one that its plan names; then the plan
 * names it. -ENOTSUP: this vcost has no such monitor, or its guest was told which one it runs on. */
int portable_choose_monitor(struct portable_plan *plan, const struct monitor_ops *asked,
    const struct monitor_ops **monitor, struct error *error);

/* Writes a new generation ID, and counts. */
int portable_new_generation(struct portable *portable, struct error *error);

/* While it is on, the pages that were written are recorded: one bit for each 4 KiB of its memory here, all of
 * them at first, and each until it is cleared; then the next write counts. `first` and `pages` as in
 * monitor_ops.dirty_clear. -ENOTSUP: this monitor cannot. */
int portable_log(struct portable *portable, bool on, struct error *error);
int portable_dirty(struct portable *portable, uint64_t *bitmap, struct error *error);
int portable_dirty_clear(
    struct portable *portable, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error);

/* The part of its memory that is its workload's alone, bytes [*first, *end) of it here: no page tables, and
 * nothing that this process looks at. Empty where that is not known (kernel-selftest); where it is known, the
 * same is true of all from plan->laid_out_bytes on. */
void portable_data_range(const struct portable_plan *plan, uint64_t *first, uint64_t *end);

/* How long its virtual CPUs could have run so far, and had no CPU: others had it, in seconds of all together.
 * NAN: the kernel does not tell. */
double portable_waited(const struct portable *portable);

/* What the monitor has counted. */
void portable_counters(const struct portable *portable, struct counters *counters);

#endif
