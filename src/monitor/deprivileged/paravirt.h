/* A guest whose kernel asks (abi/hypercall.h), on the side of the virtual CPU: its requests, and its entries
 * in place of an IDT. A guest that has asked for nothing yet is run as on hardware, by its IDT; the first
 * request puts its page tables under validation (frames.h), for good.
 *
 * One virtual CPU: a guest with more that asks is stopped with that sentence, and one that has asked gets no
 * more. All is called as space.c's functions are. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_PARAVIRT_H
#define VCOST_MONITOR_DEPRIVILEGED_PARAVIRT_H

#include "monitor/deprivileged/hypercalls.h"
#include "monitor/deprivileged/machine.h"

struct vcpu;

#define PARAVIRT_ONE_CPU "%s carries out requests of guests with one virtual CPU only"

struct paravirt {
    struct vcpu *vcpu;
    struct hypercalls hypercalls;
    struct hypercall_outcome outcome; /* of the last request */
    struct hypercall_entries entries;
    uint64_t stack; /* for entries from CPL 3 */
    bool has_stack;
};

/* Whether a number in RAX is a request, from CPL 0. */
bool paravirt_is_request(uint64_t number);

/* The guest asks for the first time, or (pins, which may be NULL) had asked for these before it was saved.
 * NULL and *error: its tables are refused, or the monitor has no memory; ENOTSUP: it has several virtual
 * CPUs. */
struct paravirt *paravirt_open(struct vcpu *vcpu, const struct frame_pins *pins, struct error *error);
void paravirt_close(struct paravirt *paravirt); /* NULL is allowed */

/* Carries out the request in the registers: the machine stands behind it, RAX holds the answer, and what the
 * virtual CPU is still to do is paravirt->outcome (of kind HALT, TICK, YIELD and OUT). Negative: the monitor
 * cannot go on. */
int paravirt_ask(struct paravirt *paravirt, struct machine *machine, struct error *error);

/* Whether a machine is in a state that requests keep: whatever else changes it must not lead out of it. */
bool paravirt_allows(const struct paravirt *paravirt, const struct machine *machine);
/* The system registers are set from outside. -EINVAL and the like: validation refuses the tables. */
int paravirt_set_system(struct paravirt *paravirt, const struct vcpu_system *system, struct error *error);

/* An exception, HYPERCALL_ENTRY_SYSTEM_CALL or _TICK, by the guest's entry. False: it has none, or its stack
 * cannot be written. */
bool paravirt_enter(const struct paravirt *paravirt, struct machine *machine, unsigned index,
    const struct guest_fault *fault);

#endif
