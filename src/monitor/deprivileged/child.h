/* Guest code at native speed without hardware help: it runs at the lowest privilege in a process of its own,
 * a child, that has nothing but what the monitor maps for it. Mechanism only: no guest page tables, no
 * privilege levels, no emulation; that is vcpu.c's and the memory policies' business.
 *
 * A family (struct children) belongs to a VM: it holds the memory that may be mapped, and makes children, as
 * many as are wanted. A child is an empty address space below CHILD_TOP and one task that runs in it. All it
 * holds can be made again, so whoever has trouble with one (a failed change, CHILD_DIED) closes it and opens
 * another.
 *
 * How it is built (children.c, nursery.c, stub.S, child.c, child_enter.c, child_filter.c): a small program is
 * executed once a family, the nursery, which forks children. A child has two tasks in one address space. The
 * guest's has no descriptor and, by seccomp, no system call but those by which the stub at the top hands over
 * to the monitor; whatever the guest does that needs the kernel becomes a signal, whose handler in the stub
 * hands over. The other, the helper, alone has the memory's descriptors and may map; it takes orders from a
 * page that nobody in that address space can write. No child outlives the monitor's process or its family.
 *
 * What to believe: what the guest's task reports (registers, kind of trap, numbers) can be forged by the
 * guest, as it can put any of it there itself; it concerns its own registers only. So the monitor itself
 * keeps at which privilege and in which address space a child runs. That a guest reported a trap does not
 * prove that it stopped: never count on it for safety. child_change() is authentic: once it returns, the old
 * mapping is gone on all CPUs.
 *
 * Threads: one at a time for a family and all its children, but for child_kick(). Waits look at the family's
 * stop flag and are bounded. Functions return 0 or a negative errno, and fill *error. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_CHILD_H
#define VCOST_MONITOR_DEPRIVILEGED_CHILD_H

#include "base/error.h"
#include "base/stop.h"
#include "monitor/spare_cpu.h"
#include "monitor/vcpu_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guests may have [CHILD_BOTTOM, CHILD_TOP) mapped. Above are the pages that a child itself needs, up to the
 * end of the lower half (47 bits); below, what Linux keeps unmapped for ordinary users (vm.mmap_min_addr). */
#define CHILD_BOTTOM UINT64_C(0x10000)
#define CHILD_TOP UINT64_C(0x7fffffe00000)

/* The hypercall that takes no signal: guest code jumps here with the address to go on at in RCX, as SYSCALL
 * has it; no stack is used. All registers are reported as they are (RIP: what was in RCX). */
#define CHILD_CALL (CHILD_TOP + 0x100)

enum { CHILDREN_MEMORY_MAX = 48 };

struct children;
struct child;

/* Can this host do it: memfd, execution of one, seccomp filters, clone, signal stacks, FSGSBASE? Tries all of
 * it once, with a guest of a few instructions (some milliseconds). -ENOTSUP: *error says what is missing and
 * what to do. */
int child_possible(struct error *error);

/* Starts a family. `stop` may be NULL and must outlive it. -ENOTSUP: this host cannot do it. */
int children_open(const struct stop *stop, struct children **children, struct error *error);
/* Ends it, with all its children, open or not. NULL is harmless. */
void children_close(struct children *children);

/* Makes a descriptor (a memfd; MAP_SHARED is possible) known to all children of the family, those that are
 * open too. The caller may close it afterwards. Returns its number, for child_change: 0 and up. -ENOSPC:
 * CHILDREN_MEMORY_MAX are there. */
int children_memory(struct children *children, int descriptor, struct error *error);
/* Forgets one: its number may be given out again. What is mapped of it stays mapped. */
void children_memory_forget(struct children *children, unsigned number);

/* How a guest's task and the monitor's thread wait for each other. */
enum child_transport {
    CHILD_SLEEP, /* on the same CPU: each wakes the other and sleeps */
    CHILD_SPIN,  /* on two: each looks for a while (20 us) whether the other has handed over, then sleeps */
    CHILD_EITHER /* what turns out to be faster (transport_switch.h), as far as spare->choice knows already,
                    at first CHILD_SLEEP */
};

/* For all children of the family, from their next run on; at first it is CHILD_SLEEP on the CPUs that the
 * thread which opens a child may use. To sleep, guests run where the calling thread is now, which should stay
 * there; to spin, on *spare, which should have nothing else to do and must outlive the family; NULL is for
 * CHILD_SLEEP alone (-EINVAL). Where the host does not let them run there they stay where they are, and are
 * slow. */
int children_transport(
    struct children *children, enum child_transport transport, struct spare_cpu *spare, struct error *error);

/* Whether the last run of a child was by CHILD_SPIN, chosen or asked for. */
bool children_spun(const struct children *children);

/* A new child with nothing mapped; it runs on the CPUs that the calling thread may use now, unless
 * children_transport() has said something else. */
int child_open(struct children *children, struct child **child, struct error *error);
/* Kills it. NULL is harmless. */
void child_close(struct child *child);

enum child_rights { CHILD_READ = 1, CHILD_WRITE = 2, CHILD_EXECUTE = 4 }; /* = PROT_READ and so on */

enum child_change_kind {
    CHILD_MAP,     /* replaces what is mapped there */
    CHILD_UNMAP,   /* holes are passed over */
    CHILD_PROTECT, /* of what is mapped: holes are passed over */
};

/* A change of what a child has mapped. Everything in multiples of 4 KiB. */
struct child_change {
    uint32_t kind;   /* enum child_change_kind */
    uint32_t rights; /* map, protect: enum child_rights; none: there but not accessible */
    uint64_t start;  /* guest virtual */
    uint64_t bytes;
    uint64_t offset; /* map: in the memory */
    uint32_t memory; /* map: number */
    bool populate;   /* map: enter all pages now, rather than each at its first touch (which Linux then does
                        without a trap): pages that the memory has, and where it reaches so far, or the child
                        may die. Of a large piece Linux may leave some out */
};

/* Carries out changes in the order of the list; many at once are much cheaper than one by one. -EINVAL, and
 * nothing is done: one of them is outside of [CHILD_BOTTOM, CHILD_TOP), not aligned or of no known memory.
 * After any other failure the child is dead (-ENOMEM: no memory; -ESRCH: it died before).
 *
 * The kernel limits how many mappings a process has (vm.max_map_count). What a child has mapped is a cache:
 * when it gets too much, what was changed longest ago is unmapped, as if it had never been asked for. */
int child_change(struct child *child, const struct child_change *list, size_t count, struct error *error);

static inline int child_map(struct child *child, uint64_t start, unsigned memory, uint64_t offset,
    uint64_t bytes, unsigned rights, struct error *error)
{
    const struct child_change change = {.kind = CHILD_MAP,
        .rights = rights,
        .start = start,
        .bytes = bytes,
        .offset = offset,
        .memory = memory};
    return child_change(child, &change, 1, error);
}

static inline int child_unmap(struct child *child, uint64_t start, uint64_t bytes, struct error *error)
{
    return child_change(
        child, &(struct child_change){.kind = CHILD_UNMAP, .start = start, .bytes = bytes}, 1, error);
}

static inline int child_protect(
    struct child *child, uint64_t start, uint64_t bytes, unsigned rights, struct error *error)
{
    const struct child_change change = {
        .kind = CHILD_PROTECT, .rights = rights, .start = start, .bytes = bytes};
    return child_change(child, &change, 1, error);
}

struct child_counts {
    uint64_t runs;     /* times that the guest went on */
    uint64_t orders;   /* system calls that changed what is mapped */
    uint64_t drops;    /* parts that were unmapped for lack of room */
    uint64_t torn;     /* pages that CHILD_UNMAP has unmapped */
    uint64_t mappings; /* there now, as the kernel counts */
};

void child_counts(const struct child *child, struct child_counts *counts);

/* What is mapped of a memory, from a guest virtual address on: the first piece whose pages lie one behind the
 * other there and have the same rights. false: nothing. */
struct child_piece {
    uint64_t start, bytes;
    uint64_t offset; /* in the memory */
    unsigned rights; /* enum child_rights */
};
bool child_mapped(const struct child *child, unsigned memory, uint64_t from, struct child_piece *piece);

/* What the task runs with. RFLAGS: the bits that CPL 3 cannot change are ignored on the way in (IF is always
 * set), and are Linux's on the way out. */
struct child_registers {
    struct vcpu_registers general;
    uint64_t fs_base, gs_base; /* canonical, else child_run() refuses: -EINVAL */
};

enum child_trap_kind {
    CHILD_EXCEPTION, /* vector, error_code, and for vector 14 address. RIP is that of the instruction for
                        faults, behind it for traps (3, 4), as the CPU has it. INT n without a gate of Linux's
                        is vector 13 with error code n * 8 + 2 */
    CHILD_SYSCALL,   /* SYSCALL: number; RIP behind it, RCX and R11 as the instruction leaves them */
    CHILD_INT80,     /* INT 0x80, SYSENTER or a SYSCALL of 32-bit code; number. RAX has its low half only */
    CHILD_CALLED,    /* CHILD_CALL */
    CHILD_KICKED,    /* child_kick(), or the family's stop flag */
    CHILD_DIED       /* detail says why, as far as it is known; nothing but child_close() is left. *registers
                        are unchanged */
};

struct child_trap {
    enum child_trap_kind kind;
    unsigned vector;
    uint64_t error_code; /* of the CPU. Vector 14: write 2, fetch 16. Present (1) and user (4) are no news:
                            Linux enters pages when they are touched (unless populated) and runs guests at
                            CPL 3; set both by your own knowledge */
    uint64_t address;    /* vector 14: CR2 */
    uint64_t number;     /* system call */
    bool no_memory;      /* vector 14: mapped, but the memory ends before (Linux sent SIGBUS) */
    char detail[128];    /* died */
};

/* Lets the guest run with *registers, until it traps, is kicked or dies. Then *registers are those of then.
 * Fails only if nothing was done (registers that cannot be): -EINVAL. */
int child_run(
    struct child *child, struct child_registers *registers, struct child_trap *trap, struct error *error);

/* Makes the running child_run(), or else the next one, return CHILD_KICKED (unless it traps by itself at that
 * moment: then the next one does). From any thread or signal handler, while the child is open. A child that
 * does not answer in time is killed: CHILD_DIED. */
void child_kick(struct child *child);

/* The x87, SSE and AVX state of a child that is not running: XSAVE's standard form, as Linux has it in signal
 * frames (uapi asm/sigcontext.h), child_fpu_bytes() long, the same for all children of a host. A new child
 * has the initial one. It stays with a child: copy it only where a virtual CPU goes from one child to
 * another. Cheap after a signal, a hand-over more after CHILD_CALLED. What is put is what was got from a
 * child: nothing in it is looked at, and a spoiled one kills the child that gets it. -ESRCH: the child died.
 */
size_t child_fpu_bytes(const struct child *child);
int child_fpu_get(struct child *child, void *state, struct error *error);
int child_fpu_put(struct child *child, const void *state, struct error *error);

#endif
