/* A monitor is mechanism: it creates a virtual machine, gives it memory, enters a virtual CPU and takes its
 * exits. What a domain is made of (page tables, kernel, workload) is domain/'s business. One table of
 * functions a monitor.
 *
 * A vm and its vcpus belong to one thread at a time, except kick(). Every function that can fail returns 0 or
 * a negative errno and fills *error. */
#ifndef VCOST_MONITOR_MONITOR_H
#define VCOST_MONITOR_MONITOR_H

#include "base/address.h"
#include "base/error.h"
#include "host/memory.h"
#include "monitor/monitor_facts.h"
#include "monitor/vcpu_state.h"

#include <stdbool.h>
#include <stdint.h>

struct vm;
struct vcpu;

/* Why a virtual CPU came back. */
enum vm_exit_kind {
    EXIT_IO,          /* it executed IN or OUT */
    EXIT_MMIO,        /* it accessed a guest physical address without memory */
    EXIT_HALT,        /* it executed HLT */
    EXIT_SHUTDOWN,    /* triple fault */
    EXIT_INTERRUPTED, /* a signal or kick(): nothing happened inside, enter again to go on */
    EXIT_FAILED       /* the monitor cannot go on with it: detail says why */
};

struct vm_exit {
    enum vm_exit_kind kind;
    uint16_t port;    /* io */
    unsigned size;    /* io: bytes */
    bool write;       /* io, mmio */
    gpa_t address;    /* mmio */
    char detail[128]; /* failed */
};

/* What the monitor counted since the VM was created. A figure that this kernel does not count is UINT64_MAX.
 */
struct monitor_counters {
    uint64_t exits;             /* of the virtual CPU */
    uint64_t page_faults;       /* taken by the monitor on behalf of the guest */
    uint64_t page_faults_fixed; /* of those, that it answered by mapping a page */
    uint64_t tlb_flushes;
    uint64_t pages_4k, pages_2m, pages_1g; /* leaves mapped now in the tables the CPU walks for the guest */
};

/* What is fixed when a virtual machine is created. */
struct vm_config {
    bool irqchip; /* interrupt controllers (local APICs, I/O APIC) in the monitor; HLT then waits inside it */
};

enum { VCPUS_MAX = 4, MONITORS_MAX = 4 };

struct monitor_ops {
    const char *name;    /* "kvm": what --on calls it */
    const char *summary; /* one line for `vcost list` */

    /* Says what is known without running a guest: whether it can be used at all and, if not, why and what to
     * do. */
    void (*describe)(struct monitor_facts *facts);

    int (*create)(const struct vm_config *config, struct vm **vm, struct error *error);
    /* Backs guest physical memory from `start` on with `memory`, which stays the caller's and must outlive
     * the VM. */
    int (*region)(
        struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, struct error *error);
    /* Virtual CPU number `id`, from 0 on and each once, below VCPUS_MAX. */
    int (*vcpu)(struct vm *vm, unsigned id, struct vcpu **vcpu, struct error *error);
    /* Lets the monitor's kernel side answer 32-bit writes to a port, or to a guest physical address without
     * memory, by signalling an eventfd, which stays the caller's (KVM_IOEVENTFD). */
    int (*answer_port)(struct vm *vm, uint16_t port, int eventfd, struct error *error);
    int (*answer_address)(struct vm *vm, gpa_t address, int eventfd, struct error *error);
    /* Records from now on (or no more) which pages of a region the guest writes; the region must be there. */
    int (*log_dirty)(
        struct vm *vm, unsigned slot, gpa_t start, const struct memory *memory, bool on, struct error *error);
    /* Fetches and clears what was recorded: one bit a 4 KiB page, bitmap for all of the region. */
    int (*dirty)(struct vm *vm, unsigned slot, uint64_t *bitmap, struct error *error);

    /* The system state is set before the first entry; setting is dear, reading (after an exit) is cheap. */
    int (*set_system)(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error);
    void (*get_system)(const struct vcpu *vcpu, struct vcpu_system *system);
    /* The registers as of the last exit, and for the next entry. */
    void (*set_registers)(struct vcpu *vcpu, const struct vcpu_registers *registers);
    void (*get_registers)(const struct vcpu *vcpu, struct vcpu_registers *registers);

    /* Runs the guest until it leaves. Fails only if the monitor itself cannot be called. */
    int (*enter)(struct vcpu *vcpu, struct vm_exit *exit, struct error *error);
    /* Makes a running or coming enter() return EXIT_INTERRUPTED; from any thread or signal handler. */
    void (*kick)(struct vcpu *vcpu);

    /* Of the VM, and of its virtual CPU number 0. */
    int (*counters)(struct vm *vm, struct monitor_counters *counters, struct error *error);
    void (*destroy)(struct vm *vm); /* and its vcpus */
};

/* Monitor number `index` of those that this vcost has, at most MONITORS_MAX; NULL past the end. */
const struct monitor_ops *monitor_at(size_t index);

#endif
