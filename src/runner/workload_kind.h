/* What is executed: a workload is of a kind and has the kind's parameters. One structure of functions a kind;
 * the experiments, the files and the agent know a workload only by it.
 *
 * The upper half is data: what a file says, ids, what is checked. It needs nothing that runs. The lower half
 * makes a workload happen on a runner; only runners and schedulers call it (runner.h). */
#ifndef VCOST_RUNNER_WORKLOAD_KIND_H
#define VCOST_RUNNER_WORKLOAD_KIND_H

#include "base/error.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workload_kind;
struct json_t;
struct record;
struct field_hook;
struct runner;
struct prepared;
struct effort;
struct sample;

enum { WORKLOAD_BYTES = 64 };

/* A workload may be copied like a number: the texts in it are static, or in a pool that outlives it. */
struct workload {
    const struct workload_kind *kind;
    alignas(uint64_t) unsigned char parameters[WORKLOAD_BYTES]; /* the kind's structure */
};

struct workload_kind {
    const char *name; /* "chase", "event" */

    /* A struct workload as JSON (record.h), in files and on the wire: {"workload": "chase", "parameters": …}.
     */
    const struct record *record;
    /* Whether an object is of this kind. What no other takes is an event: kept by its name. */
    bool (*takes)(const struct json_t *object);

    /* As files and people call it: "chase", the name of an event. */
    const char *(*label)(const struct workload *workload);
    /* Whether this vcost can run it, as far as can be told without trying: -EINVAL for what cannot be. */
    int (*check)(const struct workload *workload, struct error *error);
    /* How much of a placement's memory it needs; 0 for one that has memory of its own. NULL: as if 0. */
    uint64_t (*bytes)(const struct workload *workload);

    /* ---- on a runner, wherever that is ---- */

    /* All runners on one placement take the same effort, planned on the first of them. */
    bool shared_effort;
    /* Finds out, by runner_sample(), how much makes a sample of about so many seconds, and warms up. *effort
     * is zeroed at first, and later what it was when the same was planned before, which may be kept. */
    int (*plan)(struct runner *runner, double seconds, struct effort *effort, struct error *error);

    /* ---- for runners in this process (local.h) ---- */

    int (*open)(struct runner *runner, const struct workload *workload, uint64_t seed,
        struct prepared **prepared, struct error *error);
    /* Fills the metrics and the operations of the sample. */
    int (*sample)(
        struct prepared *prepared, const struct effort *effort, struct sample *sample, struct error *error);
    void (*close)(struct prepared *prepared);
};

/* All kinds, NULL at the end. The table stands above the rooms of all kinds (event/kinds.c). */
extern const struct workload_kind *const workload_kinds[];

/* For tables of fields: {"workload", FIELD_VARIANT, FIELD_AT(struct x, workload), .hook = &workload_hook}.
 * What is read is well-formed; whether this vcost can run it, check() tells. */
extern const struct field_hook workload_hook;

#endif
