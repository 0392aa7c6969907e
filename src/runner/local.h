/* A runner in this process, native or in a domain: for the kinds of workloads that run on it, and for what
 * the two have in common. */
#ifndef VCOST_RUNNER_LOCAL_H
#define VCOST_RUNNER_LOCAL_H

#include "domain/domain.h"
#include "runner/runner.h"

/* A workload that is open on a runner; what its kind knows of it follows. */
struct prepared {
    struct runner *runner;
    struct domain *domain; /* in which it runs, the runner's or one of its own; NULL: natively */
    const struct counters
        *passing; /* what domains that come and go have counted so far; NULL: there are none */
    bool waits;   /* it sleeps by design: time off the CPU is no disturbance */
    bool partly;  /* of a sample only parts are measured (domains are made for it, and ended): `measured` is
                     their  evidence, in sum since the sample began */
    struct evidence measured;
};

struct local_runner {
    struct runner runner;
    struct domain *domain; /* over the placement's memory; NULL for native, and where nothing is mapped */
    struct prepared *prepared;
};

/* Calls an entry of the image with the image's job: in a domain at CPL 3 (`kernel`: 0), or natively. -EINTR
 * if stop was asked, -EPROTO if it did not run to its end. */
int local_call(const struct prepared *prepared, bool kernel, workload_function *entry, struct error *error);

/* What a domain's monitor has counted; of no domain (NULL): this thread's page faults. */
struct counters local_counters(const struct domain *domain);

/* Of struct runner_ops. Opening reads all data in address order, so that every translation is there before
 * something is measured. */
int local_open(const struct runner_config *config, struct runner **runner, struct error *error);
int local_prepare(struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error);
int local_sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error);
void local_close(struct runner *runner);

#endif
