/* What the files of `vcost verify` share. */
#ifndef VCOST_EXPERIMENT_VERIFY_INTERNAL_H
#define VCOST_EXPERIMENT_VERIFY_INTERNAL_H

#include "experiment/verify_ground.h"
#include "result/trial.h"

/* The trials of one monitor while they are made. */
struct trials {
    struct trial *list; /* grows; owned by whoever reads it at last */
    size_t count, room;
    const char *monitor;
    bool failed; /* no memory */
};
/* One more, with monitor and class, "held" so far; its name is made of the title. NULL: no memory. */
struct trial *trials_add(struct trials *trials, enum trial_class class, int privilege, const char *title);
void trial_fails(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* After what was added last was tried. A stop makes all kinds of calls fail: a trial during which it was
 * asked is worth nothing, whatever came of it, and is taken back: -EINTR. -ENOMEM: `failed`. */
int trials_end(struct trials *trials, const struct stop *stop, struct error *error);

/* ---- verify_cases.c: fidelity ---- */

/* What an instruction did natively and in the guest, and what is due in the guest. */
struct evidence_of {
    struct ending native, guest, due;
    bool deprivileged; /* guest code runs at the host's CPL 3, in its segments */
    bool emulated;     /* it failed since the monitor's emulator has not this instruction */
};
/* Fills in outcomes, what is seen, the verdict and its reason. */
void trial_judge(struct trial *trial, const struct evidence_of *evidence);

/* Tries everything of fidelity in the ground's domain. -EINTR: stop was asked. */
int verify_fidelity(struct ground *ground, struct trials *trials, struct error *error);

/* ---- verify_kernel.c: fidelity of a whole kernel ---- */

/* `seed` decides what is drawn at random. -EINTR likewise. */
struct monitor_facts;
int verify_kernel(struct ground *ground, const struct monitor_facts *facts, uint64_t seed,
    struct trials *trials, struct error *error);

/* ---- verify_apart.c ---- */

/* What is tried in a process of its own. */
struct apart {
    void (*run)(void *context, struct trial *trial); /* fills in `guest`, verdict and reason */
    void *context;
    const struct stop *stop;
    double seconds; /* after which it is ended */
};
/* Whatever becomes of that process (it crashes, is killed, or does not end) is what has failed, and nothing
 * of it is left. It is not waited for once stop is asked. */
void trial_apart(const struct apart *apart, struct trial *trial);

/* ---- verify_safety.c ---- */

struct safety {
    const struct monitor_ops *monitor;
    const struct stop *stop;
    double patience;  /* seconds that the monitor may take longer than its guest may run */
    const char *only; /* the title of the one case to try; NULL: all */
};
enum { SAFETY_PATIENCE = 15 };
/* Tries everything of safety, each in a process of its own, where it has a domain, and another beside it that
 * computes all the time. -EINTR likewise. */
int verify_safety(const struct safety *safety, struct trials *trials, struct error *error);

#endif
