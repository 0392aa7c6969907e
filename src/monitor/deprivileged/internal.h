/* What the files of this folder share about a VM and its virtual CPUs. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_INTERNAL_H
#define VCOST_MONITOR_DEPRIVILEGED_INTERNAL_H

#include "monitor/deprivileged/apic.h"
#include "monitor/deprivileged/child.h"
#include "monitor/deprivileged/child_look.h"
#include "monitor/deprivileged/emulate.h"
#include "monitor/deprivileged/machine.h"
#include "monitor/deprivileged/paravirt.h"
#include "monitor/deprivileged/run.h"
#include "monitor/deprivileged/shadowing.h"
#include "monitor/deprivileged/waker.h"
#include "monitor/monitor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* What is counted; the names stand in vm.c. */
enum tally {
    TALLY_EXITS,        /* a child handed over, whatever for; */
    TALLY_EXITS_SPUN,   /* of these, on the CPU to spare (child.h, CHILD_SPIN) */
    TALLY_FAULTS,       /* page faults: hidden and true ones */
    TALLY_HIDDEN,       /* answered by mapping what the guest's tables say */
    TALLY_TRUE,         /* the guest's own: injected */
    TALLY_TRAPS,        /* instructions that were emulated */
    TALLY_STORES_LEFT,  /* to page tables, that could not be emulated where each is: the guest's own */
    TALLY_INJECTED,     /* exceptions of all kinds */
    TALLY_FLUSHES,      /* translations forgotten because the guest asked */
    TALLY_HYPERCALLS,   /* of guests that ask */
    TALLY_PAGES_FILLED, /* of 4 KiB, mapped in children, */
    TALLY_PAGES_TORN,   /* and unmapped in those that live on */
    TALLY_DROPS,        /* parts of what is mapped that went for lack of room (child.h) */
    TALLY_MAPPING_NS,   /* what all this took, the way to the helpers and back in it */
    TALLIES
};

/* An address space of the guest, by its root, as the children of one virtual CPU have it. */
struct space {
    gpa_t root;
    struct child *kernel, *user; /* NULL: not made yet, or thrown away */
    bool has_large;              /* a leaf larger than 4 KiB was mapped since all was forgotten */
    uint64_t used;               /* for the least recently used to go */
};
enum { SPACES = 8 };

struct vcpu {
    struct vm *vm;
    struct vcpu *next; /* of its VM */
    unsigned id;
    _Atomic pid_t owner; /* thread; 0: none */
    struct machine machine;
    struct apic apic;
    struct waker *waker; /* NULL until the timer is first used */
    bool halted;         /* until an interrupt; */
    bool halted_closed;  /* by request, with interrupts disabled but for that */

    /* Under `lock`, which its owner holds while the guest runs; others take it by vcpu_seize(). */
    pthread_mutex_t lock;
    struct children *family;
    int known[CHILDREN_MEMORY_MAX]; /* number in the family of a slot's memory; -1: not told yet */
    struct space spaces[SPACES];
    struct child *last; /* that the guest's FPU state is in */
    void *fpu;          /* on the way from one to another */
    void *arriving;     /* XSAVE area that the next child gets instead (state.c); NULL: none */
    size_t arriving_bytes;
    uint64_t clock;
    uint64_t changes, counted; /* of what children have mapped; of these, when `pages` were counted */
    bool pages_known;
    struct child_pages pages;
    _Atomic uint64_t ended_ns; /* CPU time of children that are no more */

    atomic_uint wanted;              /* by how many others */
    _Atomic(struct child *) running; /* in child_run(), or about to be */
    atomic_uint kickers;             /* that may hold `running` */
    atomic_bool kicked;              /* and no enter() has returned for it yet */

    /* The last exit. */
    bool pending; /* its answer is still to arrive in the machine */
    struct outcome outcome;
    uint64_t data;       /* that is read or written */
    unsigned done, part; /* bytes of it: that are dealt with, and that the exit is about */
    bool by_user;        /* the access was CPL 3's */
    struct {
        uint64_t address, rip, count;
    } again; /* hidden faults at one place in a row */

    _Atomic uint64_t tallies[TALLIES];
};

struct vm {
    const struct monitor_ops *ops;
    bool tick; /* vm_config.tick */
    bool
        eager; /* paravirt: an address space is mapped whole when it comes into use; and its guest may ask: */
    bool sync_write;           /* shadow: each store to a page table is emulated */
    unsigned fill;             /* pages around one that was touched, at most */
    struct shadow *shadow;     /* NULL: children are filled and emptied by space.c alone */
    struct paravirt *paravirt; /* NULL: it has not asked for anything yet */
    struct spare_cpu *spare;   /* vm_config.spare */
    const struct stop *stop;
    pthread_mutex_t lock; /* of the list of vcpus */
    pthread_rwlock_t memory_lock;
    struct guest_memory memory;
    struct write_log log; /* under memory_lock */
    struct vcpu *vcpus;
};

static inline void tally(struct vcpu *vcpu, enum tally which, uint64_t count)
{
    atomic_fetch_add_explicit(&vcpu->tallies[which], count, memory_order_relaxed);
}

/* vcpu.c */
int deprivileged_vcpu(struct vm *vm, unsigned id, struct vcpu **vcpu, struct error *error);
void deprivileged_vcpu_free(struct vcpu *vcpu);
int deprivileged_own(struct vcpu *vcpu, struct error *error);
void deprivileged_release(struct vcpu *vcpu);
int deprivileged_reset(struct vcpu *vcpu, struct error *error);
int deprivileged_set_system(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error);
int deprivileged_get_system(struct vcpu *vcpu, struct vcpu_system *system, struct error *error);
int deprivileged_set_registers(
    struct vcpu *vcpu, const struct vcpu_registers *registers, struct error *error);
int deprivileged_get_registers(struct vcpu *vcpu, struct vcpu_registers *registers, struct error *error);
void deprivileged_kick(struct vcpu *vcpu);
/* Makes it come out of its child; from any thread, the virtual CPU as context. */
void vcpu_come_out(void *vcpu);
/* Takes the lock of a virtual CPU that may be running: it comes out of the guest for that. */
void vcpu_seize(struct vcpu *vcpu);
void vcpu_let_go(struct vcpu *vcpu);

/* state.c */
int deprivileged_save_cpu(struct vcpu *vcpu, struct machine_state *state, struct error *error);
int deprivileged_restore_cpu(struct vcpu *vcpu, const struct machine_state *state,
    const struct state_pause *pause, struct error *error);
int deprivileged_save_machine(struct vm *vm, struct machine_state *state, struct error *error);
int deprivileged_restore_machine(
    struct vm *vm, const struct machine_state *state, const struct state_pause *pause, struct error *error);
/* The FPU state that was restored goes into the first child that runs. */
int state_arrive(struct vcpu *vcpu, struct child *child, struct error *error);

/* enter.c, outcomes.c */
int deprivileged_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
int deprivileged_complete(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);

/* space.c: of all these the caller holds the lock of the virtual CPU, and memory_lock for reading. */

/* The child that the machine runs in now, made and filled as the monitor does it. */
int space_child(struct vcpu *vcpu, struct space **space, struct child **child, struct error *error);
/* Maps the page at an address that was touched and may be, and others around it. */
int space_fill(struct vcpu *vcpu, struct space *space, gva_t address, struct error *error);
/* Translations are forgotten: of an address, of the space in use; of a range in all, of all. */
void space_forget_page(struct vcpu *vcpu, gva_t address);
int space_forget(struct vcpu *vcpu, struct error *error);
int space_forget_range(struct vcpu *vcpu, gva_t from, uint64_t bytes, struct error *error);
void space_forget_all(struct vcpu *vcpu);
/* Changes what a child has mapped, and counts. After an error it is to be dropped. */
int space_change(struct vcpu *vcpu, struct child *child, const struct child_change *list, size_t count,
    struct error *error);
/* space_guard.c: in no child of the virtual CPU may the pages of a slot whose bits are set be written any
 * more without a fault. The first bit is of page `first`, a multiple of 64; of so many pages. */
void space_take_writes(
    struct vcpu *vcpu, unsigned slot, uint64_t first, uint64_t pages, const uint64_t *bitmap);
/* Throws a child away that died or that could not be changed. */
void space_drop(struct vcpu *vcpu, struct child *child);
/* What runs say, in the children that there are, in order. One that cannot be changed is thrown away. */
void space_carry_out(struct vcpu *vcpu, const struct run *runs, size_t count);

#endif
