/* Instructions that the CPU refuses to guest code because it runs at Linux's CPL 3: done here as the CPU that
 * the guest believes to have would do them (SDM volume 2). Decoded by Zydis. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_EMULATE_H
#define VCOST_MONITOR_DEPRIVILEGED_EMULATE_H

#include "monitor/deprivileged/machine.h"

enum outcome_kind {
    EMULATED_NEXT,   /* done: the machine stands where it goes on */
    EMULATED_FAULT,  /* the guest raises `fault`, at the instruction, where the machine still stands (INT n:
                       behind it) */
    EMULATED_IO,     /* port I/O: the machine stands where it goes on; what is read is still to arrive,
                       emulate_arrive() */
    EMULATED_DEVICE, /* the same of memory: `bytes` at `address`, of which some or all is a device's */
    EMULATED_MODEL, /* RDMSR or WRMSR of a register (`address`) that is not the machine's, perhaps its APIC's:
                      reads RAX and RDX, or writes `value`. The machine stands at the instruction, `bytes`
                      long */
    EMULATED_HALT,  /* HLT; the machine stands behind it */
    EMULATED_HYPERCALL,  /* VMCALL, VMMCALL; the machine stands behind it */
    EMULATED_FLUSH_PAGE, /* translations of `address` are to be forgotten; done otherwise */
    EMULATED_FLUSH,      /* those of the address space in use */
    EMULATED_FLUSH_ALL,  /* those of all */
    EMULATED_UNABLE      /* nothing is done: this monitor cannot do it, and `name` is what it is called */
};

/* Where what is read goes. */
struct arrival {
    unsigned name; /* of a register, as Zydis numbers them; 0: memory, at `address` */
    bool sign_extends;
    uint64_t address;
};

struct outcome {
    enum outcome_kind kind;
    struct guest_fault fault;
    uint64_t address; /* guest virtual */
    uint16_t port;
    bool write;
    unsigned bytes; /* io: 1, 2, 4; device: 1, 2, 4, 8 */
    uint64_t value; /* that is written */
    struct arrival arrival;
    char name[16];
};

/* The instruction at RIP, which the CPU refused with exception `vector` and this error code. What is not
 * known here raises that exception in the guest. A repeated string instruction is done once, and then stands
 * there again. */
void emulate(struct machine *machine, unsigned vector, uint64_t code, struct outcome *outcome);

/* SYSCALL, which the machine stands behind already, with RCX and R11 as the CPU set them. */
void emulate_syscall(struct machine *machine, struct outcome *outcome);

/* The instruction at RIP, which touches memory of a device. Only MOV and its kin. */
void emulate_device(struct machine *machine, struct outcome *outcome);

/* The instruction at RIP, which stores to memory that is write-protected since it is a page table. MOV as
 * emulate_device(); others that kernels change tables by are done at once (next, or fault; a repeated string
 * instruction as far as a page goes, and it stands there again). UNABLE: nothing is done, and the guest
 * itself can. */
void emulate_store(struct machine *machine, struct outcome *outcome);

/* What was read arrives. (Memory that it cannot go to any more stays as it is.) */
void emulate_arrive(struct machine *machine, const struct outcome *outcome, uint64_t value);

#endif
