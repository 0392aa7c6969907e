/* How a workload is run and sampled, wherever it runs: the experiments' only view of native execution, of
 * domains and of other machines.
 *
 * Use: runner_open() on what a placement has mapped, runner_prepare() a workload, runner_sample() as often as
 * wanted, the next workload …, runner_close() before the placement is cleared. */
#ifndef VCOST_RUNNER_RUNNER_H
#define VCOST_RUNNER_RUNNER_H

#include "base/error.h"
#include "monitor/monitor.h"
#include "runner/page_proof.h"
#include "runner/placement.h"
#include "runner/sample.h"
#include "runner/workload_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runner_ops;
struct remote;
struct modelled;
struct account;

/* A runner that can be opened, again and again, on its placement. */
struct runner_config {
    const struct runner_ops *ops;
    struct placement *placement; /* must outlive it */
    char name[64];               /* as in --on; part of the cells' ids */
    char label[48];              /* how a person reads it: "kvm (shadow, PVM)" */
    enum technique technique;
    uint64_t guest_page_bytes;         /* leaves of the guest's own tables; 0 for native */
    bool sync_write;                   /* vm_config.sync_write, */
    unsigned fill;                     /* and .fill */
    const struct monitor_facts *facts; /* of its monitor, as domain_probe() found them; NULL for native */
    const struct modelled *modelled;   /* what is simulated (modelled.h); NULL: nothing is */
    struct remote *remote;             /* the connection to the machine that it is on; NULL: this one */
};

struct runner_ops {
    const char *name;                  /* as in --on */
    const char *summary;               /* one line for `vcost list` */
    const struct monitor_ops *monitor; /* NULL for one without */
    bool on_request;                   /* it runs only where it is named */
    bool deterministic; /* it gives the same figure each time: one sample is enough, and has no interval */

    int (*open)(const struct runner_config *config, struct runner **runner, struct error *error);
    /* Makes a workload ready, instead of the one before. -ENOTSUP with a sentence where it cannot run. */
    int (*prepare)(
        struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error);
    int (*sample)(
        struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error);
    /* What pages the memory of its placement really has. */
    int (*proof)(struct runner *runner, struct page_proof *proof, struct error *error);
    void (*close)(struct runner *runner);
};

/* What all runners begin with. */
struct runner {
    struct runner_config config;
    struct workload workload;      /* that is prepared; kind NULL: none */
    char note[160];                /* what a reader should know about its figures; "" for nothing */
    const struct account *account; /* of the workload: where its simulated cycles went; NULL: it is not
                                      simulated */
};

extern const struct runner_ops runner_native, runner_kvm, runner_paravirt, runner_shadow;

/* Runner number `index` of those on this machine; NULL past the end. */
const struct runner_ops *runner_at(size_t index);
const struct runner_ops *runner_find(const char *name);

/* A runner of this machine. */
struct runner_config runner_here(const struct runner_ops *ops, struct placement *placement,
    const struct monitor_facts *facts, uint64_t guest_page_bytes);

static inline int runner_open(const struct runner_config *config, struct runner **runner, struct error *error)
{
    return config->ops->open(config, runner, error);
}

/* Each group of cells that are compared is prepared with one seed, so that a list is laid out once and walked
 * by all. */
static inline int runner_prepare(
    struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    return runner->config.ops->prepare(runner, workload, seed, error);
}

static inline int runner_sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error)
{
    return runner->config.ops->sample(runner, effort, sample, error);
}

static inline int runner_proof(struct runner *runner, struct page_proof *proof, struct error *error)
{
    return runner->config.ops->proof(runner, proof, error);
}

static inline void runner_close(struct runner *runner) /* NULL is allowed */
{
    if (runner)
        runner->config.ops->close(runner);
}

#endif
