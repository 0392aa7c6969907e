/* A monitor is mechanism: it creates a virtual machine, gives it memory, enters a virtual CPU and takes its
 * exits. What a domain is made of (page tables, kernel, workload) is domain/'s business. One table of
 * functions a monitor.
 *
 * Threads: functions of a vm may be called by any thread, destroy() only when no other is left. A vcpu has an
 * owner: the first thread that uses it, until that calls release(). Any other thread's call is refused with
 * -EPERM; kick() alone is for all. Every function that can fail returns 0 or a negative errno and fills
 * *error. */
#ifndef VCOST_MONITOR_MONITOR_H
#define VCOST_MONITOR_MONITOR_H

#include "base/address.h"
#include "base/error.h"
#include "base/stop.h"
#include "measure/counters.h"
#include "monitor/monitor_facts.h"
#include "monitor/guest_memory.h"
#include "monitor/machine_state.h"
#include "monitor/spare_cpu.h"
#include "monitor/vcpu_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;
struct vcpu;

/* Why a virtual CPU came back. */
enum vm_exit_kind {
    EXIT_IO,          /* it executes IN, OUT, INS or OUTS */
    EXIT_MMIO,        /* it accesses a guest physical address without memory, or writes a read-only region */
    EXIT_HYPERCALL,   /* it asks the monitor for something: number, arguments; the answer goes to *result */
    EXIT_FAULT,       /* it accesses memory that the host cannot give: address if known */
    EXIT_HALT,        /* it executed HLT */
    EXIT_SHUTDOWN,    /* triple fault */
    EXIT_INTERRUPTED, /* a signal: nothing happened inside, enter again to go on */
    EXIT_KICKED,      /* kick(): the same */
    EXIT_INTERNAL,    /* the monitor failed at something inside: code is its own number, detail says what */
    EXIT_FAILED       /* the monitor cannot go on with it: detail says why */
};

struct vm_exit {
    enum vm_exit_kind kind;
    bool write;           /* io, mmio */
    bool address_known;   /* fault */
    uint16_t port;        /* io */
    uint32_t size, count; /* io, mmio: bytes of one access, 1, 2, 4 or (mmio) up to 8; accesses, more than
                             one only by a string instruction */
    void *data;           /* io, mmio: size * count bytes that the guest writes, or room, zeroed, for what
                             it is to read; valid until the vcpu is entered again */
    gpa_t address;        /* mmio, fault */
    uint64_t rip;         /* fault: of the instruction */
    uint64_t code;        /* internal: e.g. KVM's suberror */
    uint64_t number;      /* hypercall */
    const uint64_t *arguments; /* hypercall: six */
    uint64_t *result;          /* hypercall */
    char detail[128];          /* internal, failed */
};

/* What a monitor would find out again for each virtual machine of this host, in memory that outlives them,
 * and may be shared with other processes: zero at first. To ask KVM which CPUID it supports takes a quarter
 * of a millisecond where this machine is a guest itself. */
enum { MONITOR_KEPT_BYTES = 6144, MONITOR_PLACES = 14 };
struct monitor_kept {
    _Atomic uint32_t bytes;        /* of data, which is there once this is not 0 */
    char data[MONITOR_KEPT_BYTES]; /* as a STATE_CPUID (machine_state.h): what virtual CPUs are shown */
    /* Where counters stand in what the monitor tells, of a VM and of a virtual CPU. */
    struct monitor_places {
        _Atomic uint32_t known;
        int64_t of[MONITOR_PLACES];
    } vm_places, vcpu_places;
};

/* What is fixed when a virtual machine is created. */
struct vm_config {
    bool irqchip; /* interrupt controllers (local APICs, I/O APIC) in the monitor; HLT then waits inside it */
    bool tick;    /* of all that at least the timer of a virtual CPU's local APIC, in x2APIC mode */
    bool sync_write; /* where the monitor itself shadows page tables (`shadow`): it emulates each store to
                        one, rather than look at them when it must */
    unsigned fill;   /* and of those that fill what a process has mapped (`paravirt`, too): pages of 4 KiB, a
                        power of two up to 512, for one that was touched at most; 0: the monitor's own choice */
    struct spare_cpu *spare; /* where guests are processes: a CPU that they may run on, of the first virtual
                                CPU's, if that is faster; NULL: they stay with the caller. Outlives the VM,
                                and is of one thread */
    bool host_clock;         /* the time-stamp counter of its virtual CPUs is the host's, as it is */
    int device; /* open already, for who may not open it again (KVM: /dev/kvm); stays the caller's; 0: none */
    int first_descriptor; /* the descriptors that it keeps are this one or above: lower ones are a program's
                           */
    struct monitor_kept *kept; /* NULL: nothing is kept. Must outlive the creation of its vcpus, and
                                  with first_descriptor the VM */
    const struct stop *stop; /* asked while the creation of the VM and its vcpus is interrupted; may be NULL,
                                must outlive the VM */
};

enum { MONITORS_MAX = 4 };

struct monitor_ops {
    const char *name;    /* "kvm": what --on calls it */
    const char *title;   /* "KVM": in sentences */
    const char *summary; /* one line for `vcost list` */
    bool elsewhere;      /* it runs guests in another process: the backing of regions is shared, with a
                            descriptor (else region() says -ENOTSUP), which must stay mapped here, readable and
                            writable; the host's own mapping of it is of no consequence for the guest: changed()
                            tells */

    /* Says what is known without running a guest: whether it can be used at all and, if not, why and what to
     * do. */
    void (*describe)(struct monitor_facts *facts);

    /* -EINTR: config->stop was asked; -EAGAIN: signals came without end. */
    int (*create)(const struct vm_config *config, struct vm **vm, struct error *error);
    /* Backs guest physical memory from `start` on with `backing`, which stays the caller's and must outlive
     * the region; NULL, or one of 0 bytes, removes what is in the slot. Also while virtual CPUs run. A slot
     * that is in use takes the same region with another REGION_LOG_DIRTY, nothing else. */
    int (*region)(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing, unsigned flags,
        struct error *error);
    /* Whoever changes the guest's tables from outside, for addresses of [from, from + bytes), says so: what
     * was derived from them is gone when it returns, also where a virtual CPU runs. NULL: a change of the
     * host's mapping of the memory behind them is what tells. */
    int (*changed)(struct vm *vm, gva_t from, uint64_t bytes, struct error *error);
    /* Fetches and clears which pages of a region with REGION_LOG_DIRTY the guest has written: one bit a 4 KiB
     * page, bitmap for all of the region. With REGION_LOG_PARTS nothing is cleared. */
    int (*dirty)(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error);
    /* Of a region with REGION_LOG_PARTS: forgets that those of the pages from `first` on were written that
     * have a bit, so that the next write to them is recorded. Both numbers are multiples of 64, or end with
     * the region. NULL: this monitor cannot. */
    int (*dirty_clear)(struct vm *vm, unsigned slot, uint64_t first, uint64_t pages, const uint64_t *bitmap,
        struct error *error);
    /* Lets the monitor's kernel side answer 32-bit writes to a port, or to a guest physical address without
     * memory, by signalling an eventfd, which stays the caller's (KVM_IOEVENTFD). */
    int (*answer_port)(struct vm *vm, uint16_t port, int eventfd, struct error *error);
    int (*answer_address)(struct vm *vm, gpa_t address, int eventfd, struct error *error);

    /* Virtual CPU number `id`, each once, below vcpus_max(). It lives as long as its VM: whoever needs them
     * now and then keeps a pool. */
    int (*vcpu)(struct vm *vm, unsigned id, struct vcpu **vcpu, struct error *error);
    unsigned (*vcpus_max)(const struct vm *vm);
    /* As newly made, but for what set_system() sets and for its local APIC: for the next user of a pooled
     * one. */
    int (*reset)(struct vcpu *vcpu, struct error *error);
    /* The owner gives it up: the next thread that uses it owns it. Harmless from any other thread. */
    void (*release)(struct vcpu *vcpu);
    /* The same by another, who knows that the owner has ended, or is stopped: that one owns it again if it
     * goes on. NULL: nobody can. */
    void (*disown)(struct vcpu *vcpu);

    /* The system state is set before the first entry; setting is dear, reading is cheap. */
    int (*set_system)(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error);
    int (*get_system)(struct vcpu *vcpu, struct vcpu_system *system, struct error *error);
    /* The registers as of the last exit, and for the next entry. While an exit is pending (complete()) they
     * may be those before its instruction; setting them completes it first, or it would still change them. */
    int (*set_registers)(struct vcpu *vcpu, const struct vcpu_registers *registers, struct error *error);
    int (*get_registers)(struct vcpu *vcpu, struct vcpu_registers *registers, struct error *error);

    /* Of that state what changes where code of CPL 3 is left and gone on with again and again: cheap, set
     * with the registers. NULL: this monitor cannot. */
    int (*set_user)(struct vcpu *vcpu, const struct vcpu_user *user, struct error *error);
    /* The registers of the FPU and its extensions, as XSAVE's standard form (SDM volume 1, 13.4): so many
     * bytes. NULL: this monitor cannot. */
    size_t (*extended_bytes)(const struct vm *vm);
    int (*get_extended)(struct vcpu *vcpu, void *area, struct error *error);
    int (*set_extended)(struct vcpu *vcpu, const void *area, struct error *error);

    /* Runs the guest until it leaves. Fails only if the monitor itself cannot be called. The thread must not
     * block the monitor's signal (kick()). */
    int (*enter)(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
    /* Finishes an EXIT_IO, EXIT_MMIO or EXIT_HYPERCALL, which is pending until the next entry, without going
     * on in the guest: the registers are then those after the instruction. *exit is EXIT_INTERRUPTED; or
     * another part of the same access, which is answered as the first and completed again. Harmless when
     * nothing is pending. */
    int (*complete)(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
    /* Makes the running enter(), or else the next one, return EXIT_KICKED; from any thread or signal handler,
     * while the VM lives. Kicks that no enter() has returned for are one. The owner's thread may see a signal
     * (kvm/kick.c) without effect. */
    void (*kick)(struct vcpu *vcpu);

    /* All that a virtual CPU and the machine beside it are in, as parts that are added to the state; and put
     * into new ones that no thread has entered. The machine's clock is put first. NULL: this monitor cannot.
     * A virtual CPU is saved between two entries, by its owner; an exit that is pending is completed.
     * -ENOTSUP: the host has not what the state needs. */
    int (*save_cpu)(struct vcpu *vcpu, struct machine_state *state, struct error *error);
    int (*restore_cpu)(struct vcpu *vcpu, const struct machine_state *state, const struct state_pause *pause,
        struct error *error);
    int (*save_machine)(struct vm *vm, struct machine_state *state, struct error *error);
    int (*restore_machine)(struct vm *vm, const struct machine_state *state, const struct state_pause *pause,
        struct error *error);

    /* Sets in the list what was counted since the creation of the VM (vcpu NULL), or of one virtual CPU.
     * Those that others look up have the same name everywhere: "exits", "page_faults" (taken by the monitor
     * on behalf of the guest), "page_faults_fixed" (of those, that it answered by mapping a page),
     * "tlb_flushes" and "instructions_emulated" of a virtual CPU, and where the guest does not run in the
     * thread of the caller "guest_ns", the CPU time that it took; "pages_4k", "pages_2m", "pages_1g" of a VM
     * (leaves mapped now in the tables that the CPU walks for it). */
    void (*counters)(const struct vm *vm, const struct vcpu *vcpu, struct counters *counters);
    void (*destroy)(struct vm *vm); /* and its vcpus */
};

/* Monitor number `index` of those that this vcost has, at most MONITORS_MAX; NULL past the end. */
const struct monitor_ops *monitor_at(size_t index);

#endif
