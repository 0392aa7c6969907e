/* The state of a virtual machine and its virtual CPUs, but for memory, as data: taken from one that stands
 * still, kept or sent, and put into a new one. It is a list of parts, each of a kind and of one virtual CPU
 * (or of the machine). What is in a part is the structure of Linux's KVM interface that the kind names (uapi
 * linux/kvm.h, x86-64: it never changes), whatever the monitor; where KVM has none it is said. Parts that
 * come from outside are hostile until machine_state_add() has taken them. */
#ifndef VCOST_MONITOR_MACHINE_STATE_H
#define VCOST_MONITOR_MACHINE_STATE_H

#include "base/error.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are those of the file (doc/saved-domain.md): none ever changes its meaning. */
enum state_kind {
    STATE_CPUID = 1,  /* kvm_cpuid_entry2[]: every leaf and subleaf as obtained */
    STATE_XCRS,       /* kvm_xcrs: XCR0 as obtained */
    STATE_SYSTEM,     /* kvm_sregs */
    STATE_REGISTERS,  /* kvm_regs */
    STATE_XSAVE,      /* the XSAVE area in its standard form */
    STATE_DEBUG,      /* kvm_debugregs */
    STATE_LAPIC,      /* kvm_lapic_state; only with interrupt controllers in the monitor */
    STATE_MSRS,       /* kvm_msr_entry[] */
    STATE_EVENTS,     /* kvm_vcpu_events */
    STATE_RUNNABLE,   /* kvm_mp_state */
    STATE_CLOCK,      /* of the machine: kvm_clock_data */
    STATE_IRQCHIP,    /* of the machine: kvm_irqchip, three of them */
    STATE_ENDED,      /* one byte, 1: its workload had ended; of no monitor */
    STATE_HOST_CPUID, /* of the machine: kvm_cpuid_entry2[], as the host's own processor answers; of no
                         monitor */
    STATE_REQUESTS,   /* what the guest's kernel has asked its monitor for, where it asks (paravirt): struct
                         requests of deprivileged/state_requests.c, and its pins */
    STATE_KINDS
};

enum {
    STATE_OF_MACHINE = 0xffff, /* as the number of a virtual CPU */
    STATE_PART_BYTES_MAX = 1 << 16,
    STATE_PARTS_MAX = 4096
};

struct state_part {
    enum state_kind kind;
    unsigned cpu;
    size_t bytes;
    void *data; /* in the pool */
};

struct machine_state { /* starts zeroed */
    struct pool pool;
    struct state_part *parts;
    size_t count, room;
};

/* Time that passes for the guest while it is stored, for its time-stamp counter (ticks) and for KVM's clock;
 * nothing: the guest goes on as if nothing had happened. */
struct state_pause {
    uint64_t ticks, ns;
};

/* One part more, zeroed. NULL with *error: not of a known kind, larger or more than can be, or no memory. */
void *machine_state_add(
    struct machine_state *state, unsigned kind, unsigned cpu, size_t bytes, struct error *error);

/* NULL: there is none. */
const struct state_part *machine_state_find(
    const struct machine_state *state, enum state_kind kind, unsigned cpu);

void machine_state_free(struct machine_state *state);

#endif
