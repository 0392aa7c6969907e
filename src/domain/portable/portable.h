/* A domain that can be stopped at any moment, taken out of its monitor as data, and go on elsewhere: all of
 * its memory is one piece, nothing in it names an address of this host, and its virtual CPUs run in threads
 * that can be parked.
 *
 * Who holds one uses it from one thread. Its virtual CPUs' threads are its own. */
#ifndef VCOST_DOMAIN_PORTABLE_H
#define VCOST_DOMAIN_PORTABLE_H

#include "abi/portable.h"
#include "base/error.h"
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

enum { PORTABLE_NAME_BYTES = 48, PORTABLE_RESULTS_MAX = PORTABLE_CPUS_MAX };

/* All that there is to know of a domain but for its state and memory; kept with them. */
struct portable_plan {
    char name[PORTABLE_NAME_BYTES]; /* [A-Za-z0-9][A-Za-z0-9._-]* */
    char monitor[16];
    enum portable_workload workload;
    uint64_t memory_bytes;      /* a multiple of 2 MiB, at least PORTABLE_BYTES_MIN */
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

/* Is it one that can be? Of one from outside `results` are looked at, too. -EINVAL with a sentence. */
int portable_plan_check(const struct portable_plan *plan, bool with_results, struct error *error);

struct portable;

/* What this host is to do for its memory; not part of the domain, and asked for anew wherever it goes. */
struct portable_wish {
    struct numa_nodes nodes; /* on these only; none: wherever the kernel places it */
    bool locked;             /* all of it in physical memory, and kept there */
};

/* A new one, parked before its first instruction. `wish` may be NULL. Errors also as memory_map_request(),
 * memory_lock() and memory_check_nodes() have them: that it is so is counted. */
int portable_create(const struct portable_plan *plan, const struct monitor_ops *monitor,
    const struct monitor_facts *facts, const struct portable_wish *wish, struct portable **portable,
    struct error *error);

/* One whose memory, as the plan has it, is here already and outlives it; its virtual CPUs have no state yet.
 */
int portable_open(const struct portable_plan *plan, const struct monitor_ops *monitor, struct backing memory,
    struct portable **portable, struct error *error);

/* Stops what runs. NULL is allowed. */
void portable_destroy(struct portable *portable);

const struct portable_plan *portable_plan(const struct portable *portable);
void *portable_memory(const struct portable *portable); /* plan->memory_bytes */
struct domain *portable_domain(const struct portable *portable);

/* Lets every virtual CPU that is parked run on. */
int portable_resume(struct portable *portable, struct error *error);
/* When it returns 0 none is inside the guest: each is parked, or has ended. -ETIMEDOUT: one did not leave
 * within some seconds; all go on then. */
int portable_pause(struct portable *portable, struct error *error);

/* Holds its virtual CPUs outside of the guest, or lets them go on, without pausing it: it counts as running.
 * Any thread. Errors as above. */
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
    struct error error;     /* PORTABLE_FAILED: why */
};
void portable_status(const struct portable *portable, struct portable_status *status);

/* Readable (poll) when a virtual CPU has ended or failed. */
int portable_eventfd(const struct portable *portable);

/* The state of all virtual CPUs and the machine; all are parked or have ended. The second is for one of
 * portable_open(), parked. */
int portable_save(struct portable *portable, struct machine_state *state, struct error *error);
int portable_restore(struct portable *portable, const struct machine_state *state,
    const struct state_pause *pause, struct error *error);

/* Tries, in a guest of its own, whether what is written to a guest's time-stamp counter takes effect. Takes
 * about a millisecond. */
int portable_clock_settable(const struct monitor_ops *monitor, bool *settable, struct error *error);

/* Maps memory for one: private, of large pages if this machine has any; shared, of small ones, where the
 * monitor runs guests in another process. */
int portable_map_memory(uint64_t bytes, const struct monitor_ops *monitor, const struct portable_wish *wish,
    struct memory *memory, struct error *error);

struct backing portable_backing(const struct memory *memory);

/* Which monitor one goes on with: `asked`, or if that is NULL the one that its plan names; then the plan
 * names it. -ENOTSUP: this vcost has no such monitor, or its guest was told which one it runs on. */
int portable_choose_monitor(struct portable_plan *plan, const struct monitor_ops *asked,
    const struct monitor_ops **monitor, struct error *error);

/* Writes a new generation ID, and counts. */
int portable_new_generation(struct portable *portable, struct error *error);

/* While it is on, the pages that were written are recorded: one bit for each 4 KiB of memory, all of them at
 * first, and each until it is cleared; then the next write counts. `first` and `pages` as in
 * monitor_ops.dirty_clear. -ENOTSUP: this monitor cannot. */
int portable_log(struct portable *portable, bool on, struct error *error);
int portable_dirty(struct portable *portable, uint64_t *bitmap, struct error *error);
int portable_dirty_clear(
    struct portable *portable, uint64_t first, uint64_t pages, const uint64_t *bitmap, struct error *error);

/* The part of its memory that is its workload's alone, [*first, *end) guest physical: no page tables, and
 * nothing that this process looks at. Empty where that is not known (kernel-selftest). */
void portable_data_range(const struct portable_plan *plan, uint64_t *first, uint64_t *end);

/* What the monitor has counted. */
void portable_counters(const struct portable *portable, struct counters *counters);

#endif
