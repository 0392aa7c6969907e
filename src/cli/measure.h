/* The one path of all commands that measure: from the options that were read to the exit status. */
#ifndef VCOST_CLI_MEASURE_H
#define VCOST_CLI_MEASURE_H

#include "cli/command.h"
#include "cli/common_options.h"
#include "cli/outputs.h"
#include "experiment/schedule.h"
#include "experiment/chase.h"
#include "experiment/setting.h"
#include "result/result.h"

/* What the steps of one run share. */
struct session {
    const struct invocation *invocation;
    const struct measured *how;
    const struct measure_options *options; /* with which the command's own begin */
    struct setting setting;                /* open, and probed for --on */
    struct outputs outputs;
    struct result result; /* owned */
    double started;       /* clock_seconds(), before anything was made ready */
    bool shown;           /* it has been already: a step may set it */
    bool passed;          /* a threshold that the user set was */
    bool wrong_usage;     /* found only after measuring: what failed does so for that */
    void *own;            /* the command's; not owned */
};

/* What is particular to a command. Steps that are NULL are left out. */
struct measured {
    bool cells;         /* its result is its cells: without any sample it has failed */
    bool every_monitor; /* without --on it runs on all that can be used, not on those alone that go without
                           saying */
    bool no_guests;     /* it runs nothing in a guest: monitors are not tried out */
    bool needs_kvm;  /* its guests are KVM's alone, whatever --on could say: without, it says so and ends */
    bool programs;   /* it measures processes, which run on any CPU that may be used: there is no --cpu */
    bool untimed;    /* nothing is timed: what else runs does not matter */
    bool also_tells; /* it has something to say where nothing can be measured (setting.cannot_measure) */
    /* Makes ready, with all outputs open. */
    int (*plan)(struct session *session, struct error *error);
    /* Measures. Being stopped is no failure. `result` is released also after one. */
    int (*measure)(
        struct session *session, const struct progress *progress, struct result *result, struct error *error);
    /* What is done with the result before it is written, which it is also if this fails. */
    int (*follow)(struct session *session, struct error *error);
    /* The session's result for people. */
    void (*view)(const struct session *session, struct document *document);
    /* Releases what session->own holds, also after a failure of any step. */
    void (*end)(struct session *session);
};

/* Catches signals, opens outputs, binds to a CPU, finds out what monitors do here, measures, writes. Returns
 * the exit status, and dies of a signal that came in between. */
int measure_run(const struct invocation *invocation, const struct measured *how, void *own);

/* ---- for its steps ---- */

/* Measures with the line of progress, and adds to the result what was asked for: for a step that measures
 * once more. */
int measure_result(struct session *session, struct result *result, struct error *error);

/* Shows the session's result to people before it is written. */
int measure_show(struct session *session, struct error *error);

/* --quick, --time and --seed. */
struct budget measure_budget(const struct session *session);

#endif
