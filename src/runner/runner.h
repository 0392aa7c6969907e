/* How one cell is run and sampled, wherever it runs: the experiment's only view of native execution and of
 * domains.
 *
 * A runner is opened on one placement's memory and calls functions of the workload image on it. All local
 * runners of a placement share that memory, so that they walk the same list in the same physical frames. */
#ifndef VCOST_RUNNER_RUNNER_H
#define VCOST_RUNNER_RUNNER_H

#include "base/error.h"
#include "base/stop.h"
#include "host/memory.h"
#include "measure/evidence.h"
#include "monitor/monitor.h"
#include "runner/page_proof.h"
#include "runner/sample.h"
#include "workload/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runner_config {
    const struct image *image; /* must outlive the runner */
    const struct memory *data; /* populated; must outlive the runner */
    uint64_t guest_page_bytes; /* leaves of a guest's own tables; native ignores it */
    const struct monitor_facts
        *facts;              /* of the runner's monitor, as domain_probe() found them; native: NULL */
    const struct stop *stop; /* may be NULL */
};

struct runner;

struct runner_type {
    const char *name;                  /* as in --on */
    const char *summary;               /* one line for `vcost list` */
    const struct monitor_ops *monitor; /* NULL for native */

    int (*open)(const struct runner_type *type, const struct runner_config *config, struct runner **runner,
        struct error *error);
    /* Calls an entry with the image's job. -EINTR if stop was asked. */
    int (*call)(struct runner *runner, workload_function *entry, struct error *error);
    /* What pages there are. To be called when all data has been touched. */
    int (*proof)(struct runner *runner, struct page_proof *proof, struct error *error);
    void (*counters)(struct runner *runner, struct runner_counters *counters);
    void (*close)(struct runner *runner);
};

extern const struct runner_type runner_native, runner_kvm;

/* Runner number `index`; NULL past the end. */
const struct runner_type *runner_at(size_t index);
const struct runner_type *runner_find(const char *name);

/* One open runner with what every call needs. */
struct runner {
    const struct runner_type *type;
    struct runner_config config;
    struct domain *domain; /* NULL for native */
};

int runner_open(const struct runner_type *type, const struct runner_config *config, struct runner **runner,
    struct error *error);
void runner_close(struct runner *runner); /* NULL is allowed */

/* Reads all data in address order, so that every translation is there before something is measured. */
int runner_touch(struct runner *runner, struct error *error);

/* One walk over a chase's list. */
struct walk {
    uint64_t hops;  /* timed, of all chains together */
    uint64_t ticks; /* of the time-stamp counter, for them */
    struct evidence evidence;
    struct runner_counters counters; /* what happened during the call */
};

/* Walks on from cursor[] (an address for each chain), which is moved. The watch must be on the calling
 * thread. */
int runner_walk(struct runner *runner, workload_function *entry, const struct sample_plan *plan,
    uint64_t *cursor, unsigned chains, struct watch *watch, struct walk *walk, struct error *error);

#endif
