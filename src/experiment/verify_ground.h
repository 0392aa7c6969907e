/* Where `vcost verify` tries things: instructions and loops of abi/instructions.h, natively in a process of
 * their own, or in a domain. */
#ifndef VCOST_EXPERIMENT_VERIFY_GROUND_H
#define VCOST_EXPERIMENT_VERIFY_GROUND_H

#include "abi/instructions.h"
#include "base/stop.h"
#include "domain/cpu.h"
#include "workload/chase.h"
#include "workload/image.h"

#include <stdbool.h>
#include <stdint.h>

enum ending_kind { ENDING_VALUE, ENDING_TRAP, ENDING_FAILED };

/* What came of it. */
struct ending {
    enum ending_kind kind;
    uint64_t value;
    unsigned vector;    /* of an exception … */
    uint64_t code;      /* … its error code, 0 for those that have none … */
    uint64_t address;   /* … CR2 of a page fault, 0 otherwise … */
    uint64_t rip;       /* … where; 0: that does not matter */
    struct error error; /* failed */
};

/* What is executed, with RAX, RCX and RDX. */
struct program {
    enum instruction number;
    uint64_t rax, rcx, rdx;
};

/* A domain with code and data of its own. Starts zeroed. */
struct ground {
    const struct monitor_ops *monitor;
    const struct stop *stop;
    struct image image; /* owned */
    struct memory data; /* owned; a list to be walked */
    struct chase_layout list;
    struct domain *domain;   /* owned; NULL: only natively */
    struct native *native;   /* owned; mapped, shared with the process that executes */
    bool sync_write;         /* of linked kernels beside it: vm_config.sync_write, */
    unsigned fill;           /* .fill, */
    struct spare_cpu *spare; /* and .spare */
    bool hostile; /* every port, device and hypercall is answered, not those alone that programs need */
    unsigned io, devices, hypercalls, syscalls,
        internal; /* that came out of the guest since the last program began */
};

/* `monitor` NULL: only natively. */
int ground_open(
    struct ground *ground, const struct monitor_ops *monitor, const struct stop *stop, struct error *error);
/* The same, with room for so many page tables more than those of code and data take. */
int ground_open_with(struct ground *ground, const struct monitor_ops *monitor, const struct stop *stop,
    size_t spare_tables, struct error *error);
void ground_close(struct ground *ground); /* harmless on one that is zeroed, and after a failure */

/* In a process of its own, at CPL 3; whatever it does is told. */
struct ending ground_native(struct ground *ground, const struct program *program);
/* In the domain at CPL 3 or 0; after GROUND_SECONDS it is told to stop, which is a failure with ECANCELED. */
struct ending ground_guest(struct ground *ground, unsigned privilege, const struct program *program);
enum { GROUND_SECONDS = 20 }; /* which no machine is too busy for */
struct ending ground_guest_within(
    struct ground *ground, unsigned privilege, const struct program *program, double seconds);

/* Walks the list and computes, in the domain or natively. `bits` is the same wherever it is done right. */
int ground_compute(struct ground *ground, uint64_t bits[static 2], struct error *error);
/* What the first of them has to be, without executing anything. */
uint64_t ground_expects(const struct ground *ground);

/* "0x63", "#GP(0x1a)", "#PF(0x4) at 0x3fff0000", a sentence. */
void ending_phrase(const struct ending *ending, char *text, size_t size);

/* Whether two are the same: of exceptions all but where, unless both say that. */
bool ending_same(const struct ending *one, const struct ending *other);

#endif
