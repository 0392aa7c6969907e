/* What the files share that run a virtual CPU: a turn is what happens between two times that its child runs.
 *
 * Of all functions here the caller holds the lock of the virtual CPU, and memory_lock for reading. They
 * answer TURN_ON, the guest goes on; TURN_EXIT, *exit says why not; or negative: the monitor failed. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_TURN_H
#define VCOST_MONITOR_DEPRIVILEGED_TURN_H

#include "monitor/deprivileged/internal.h"

enum turn { TURN_EXIT, TURN_ON };

/* ---- traps.c: what a child hands over ---- */

int turn_fail(struct vm_exit *exit, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The guest raises an exception, or is interrupted. */
int turn_inject(struct vcpu *vcpu, const struct guest_fault *fault, struct vm_exit *exit);
int trap_take(struct vcpu *vcpu, struct space *space, struct child *child, const struct child_trap *trap,
    struct vm_exit *exit, struct error *error);

/* ---- page_fault.c ---- */

int page_fault_take(struct vcpu *vcpu, struct space *space, const struct child_trap *trap,
    struct vm_exit *exit, struct error *error);

/* ---- outcomes.c: what was emulated (vcpu->outcome), and what that asks of the outside ---- */

int outcome_take(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
int outcome_io(struct vcpu *vcpu, struct vm_exit *exit);
/* An access to memory, part by part; `before`: the machine as it was before it was emulated. */
int outcome_device(struct vcpu *vcpu, const struct machine *before, struct vm_exit *exit);
/* What the outside answered arrives; 1: there is more of the same access. Takes both locks. */
int outcome_answer(struct vcpu *vcpu, struct vm_exit *exit);

/* ---- interrupts.c: the timer, and what it interrupts ---- */

/* Whether one is due; and whether the guest lets one in just here. */
bool interrupts_due(const struct vcpu *vcpu);
bool interrupts_allowed(const struct vcpu *vcpu);
int interrupts_take(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
int interrupts_set_waker(struct vcpu *vcpu, struct error *error);
/* RDMSR and WRMSR of a register of the APIC. */
int interrupts_model(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
int interrupts_halt(struct vcpu *vcpu, struct vm_exit *exit);
/* Halted: goes on when an interrupt is due, which it takes then; TURN_EXIT: none ever comes. No locks. */
int interrupts_rest(struct vcpu *vcpu, struct vm_exit *exit);

#endif
