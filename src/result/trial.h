/* What `vcost verify` tried on monitors, and how each of them stands with the three goals that Popek and
 * Goldberg (1974) set: fidelity (a program behaves in the guest as on the machine that the guest is shown),
 * performance (most instructions run without the monitor), safety (the monitor stays in control). */
#ifndef VCOST_RESULT_TRIAL_H
#define VCOST_RESULT_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

/* What trials are about, and which goal that is a part of. */
enum trial_class {
    TRIAL_COMPUTATION, /* results and state of ordinary code */
    TRIAL_SENSITIVE,   /* instructions that tell of or depend on the system's state, and do not trap */
    TRIAL_PRIVILEGED,  /* instructions for CPL 0 */
    TRIAL_EXCEPTIONS,
    TRIAL_KERNEL, /* a guest kernel with processes of its own */
    TRIAL_SAFETY,
    TRIAL_CLASSES
};
extern const struct trial_class_words {
    const char *name, *title; /* "computation", … in files; for people */
} trial_classes[TRIAL_CLASSES];

enum goal { GOAL_FIDELITY, GOAL_SAFETY, GOALS }; /* those that are told by counting */

/* What the outcome in the guest is like. */
enum trial_seen {
    SEEN_NOTHING, /* it was not tried, or it is no question here */
    SEEN_SAME,    /* as is due in the guest, which is as natively */
    SEEN_OWN,     /* as is due in the guest, and natively it is another */
    SEEN_HOST,    /* as natively: the host's state shows */
    SEEN_TRAP,    /* an exception, where none is due */
    SEEN_OTHER,
    SEEN_KINDS
};
extern const char *const trial_seen_names[SEEN_KINDS]; /* "nothing", "same", "own", "host", "trap", "other" */

enum trial_verdict {
    TRIAL_HELD,
    TRIAL_DIFFERS, /* not held, and no monitor of that make can: the reason says why */
    TRIAL_FAILED,
    TRIAL_UNTRIED,
    TRIAL_VERDICTS
};
extern const char *const trial_verdict_names[TRIAL_VERDICTS]; /* "held", "differs", "failed", "untried" */

enum { TRIAL_OUTCOME_BYTES = 64, TRIAL_REASON_BYTES = 240 };

struct trial {
    char name[40];    /* stable: [a-z0-9-] */
    char monitor[16]; /* "kvm" */
    char title[64];   /* for people */
    enum trial_class class;
    int privilege; /* the CPL that it ran at: 3 or 0; -1: does not apply */
    char native[TRIAL_OUTCOME_BYTES], guest[TRIAL_OUTCOME_BYTES]; /* outcomes; "" for none */
    char due[TRIAL_OUTCOME_BYTES]; /* what the machine that the guest is shown would have; "" likewise */
    enum trial_seen seen;
    enum trial_verdict verdict;
    char reason[TRIAL_REASON_BYTES]; /* why it is not held; "" if it is */
};

static inline enum goal trial_goal(const struct trial *trial)
{
    return trial->class == TRIAL_SAFETY ? GOAL_SAFETY : GOAL_FIDELITY;
}

/* A monitor, whether it is here or not. */
struct verified {
    char monitor[16];
    char label[48];             /* "kvm (shadow, PVM)" */
    bool here;                  /* it could be used */
    char reason[256];           /* why it could not */
    double slowdown, low, high; /* a ratio, and its 95 % interval; NAN: none */
    char slowdown_reason[160];  /* why there is none */
    struct trial_counts {
        unsigned held, differs, failed, untried;
    } goals[GOALS];
};

/* Counts the trials of a monitor. */
void verified_count(struct verified *verified, const struct trial *trials, size_t count);

/* Whether something has failed. */
static inline bool verified_failed(const struct verified *verified)
{
    return verified->goals[GOAL_FIDELITY].failed || verified->goals[GOAL_SAFETY].failed;
}

/* As JSON (record.h). */
struct record;
extern const struct record trial_record, verified_record;

#endif
