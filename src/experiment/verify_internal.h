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

/* ---- verify_safety.c ---- */

/* Tries everything of safety, each in a domain of its own, with one beside it that computes. -EINTR likewise.
 */
int verify_safety(
    const struct monitor_ops *monitor, const struct stop *stop, struct trials *trials, struct error *error);

#endif
