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
struct cell;
struct json_t;
struct pool;
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
    const char *name; /* what the ids of its cells begin with: "chase", "events" */

    /* A struct workload as JSON (record.h), in files and on the wire: {"workload": "chase", "parameters": …}.
     */
    const struct record *record;
    /* Whether an object is of this kind. */
    bool (*takes)(const struct json_t *object);
    /* Of the last kind, which takes what no other does: a workload of which only the name is known. */
    struct workload (*named)(const char *name);

    /* What comes behind the runner in a cell's id (cell.h); and back, cut off the end of `text`, with names
     * kept in the pool. Whether that says the same is the caller's to check. */
    void (*write_id)(const struct cell *cell, char *rest, size_t size);
    bool (*read_id)(char *text, struct pool *pool, struct cell *cell);
    /* Why its cells have no page sizes: they are part of what it is. NULL: they have. */
    const char *pageless;

    /* As files and people call it: "chase", the name of an event. */
    const char *(*label)(const struct workload *workload);
    /* The bytes that its curve is over: a working set, the size of an event; 0: it has none. */
    uint64_t (*size)(const struct workload *workload);
    /* What one operation is: "exit", "page"; NULL: not known. NULL for a kind whose operations are not told.
     */
    const char *(*operation)(const struct workload *workload);
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

/* What this vcost knows by its name alone. */
struct workload workload_named(const char *name);

static inline const char *workload_label(const struct workload *workload)
{
    return workload->kind->label(workload);
}

static inline uint64_t workload_size(const struct workload *workload)
{
    return workload->kind->size(workload);
}

static inline const char *workload_operation(const struct workload *workload)
{
    return workload->kind->operation ? workload->kind->operation(workload) : NULL;
}

#endif
