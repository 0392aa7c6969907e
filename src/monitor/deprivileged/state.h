/* What the files share that take the state of a virtual CPU out and put it in (machine_state.h), in KVM's
 * structures, so that a domain may go on under another monitor if that shows it as much. What guests do not
 * have here is as after a reset.
 *
 * Of all take and put functions the caller owns the virtual CPU. 0, or negative with *error: -ENOMEM;
 * -EPROTO: a part is missing, or what it says cannot be; -ENOTSUP: this host or monitor has not what it
 * needs. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_STATE_H
#define VCOST_MONITOR_DEPRIVILEGED_STATE_H

#include "monitor/deprivileged/internal.h"

#include <linux/kvm.h>

/* x87, SSE, AVX, AVX-512: what travels of the XSAVE area (doc/saved-domain.md). */
#define STATE_COMPONENTS UINT64_C(0xe7)

/* A part of this virtual CPU, zeroed; NULL with *error. */
void *state_add(
    struct vcpu *vcpu, struct machine_state *state, enum state_kind kind, size_t bytes, struct error *error);
/* NULL with *error: there is none, or of another size (bytes 0: of any; *found, which may be NULL, is how
 * many it has). `what` is for the sentence. */
const void *state_find(const struct vcpu *vcpu, const struct machine_state *state, enum state_kind kind,
    size_t bytes, const char *what, size_t *found, struct error *error);

/* state_cpuid.c: what the processor has, as the guest sees it. */
int state_take_cpuid(struct vcpu *vcpu, struct machine_state *state, struct error *error);
uint64_t state_xcr0_here(void); /* as the host has it; 0: it has no XSAVE */

/* state_xsave.c: the FPU's registers. Where a component of the area stands is the CPU's own: that is checked.
 * What is put in goes into the first child that runs (state_arrive() in internal.h). */
int state_take_xsave(struct vcpu *vcpu, struct machine_state *state, struct error *error);
int state_put_xsave(struct vcpu *vcpu, const struct machine_state *state, struct error *error);

/* state_requests.c: what a guest's kernel has asked for (paravirt.h); nothing, where it has not. It is put in
 * behind everything else: memory and CR3 as they were name its page tables, which are validated anew. */
int state_take_requests(struct vcpu *vcpu, struct machine_state *state, struct error *error);
void state_drop_requests(struct vcpu *vcpu); /* as if it had asked for nothing */
int state_put_requests(struct vcpu *vcpu, const struct machine_state *state, struct error *error);

#endif
