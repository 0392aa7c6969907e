/* A virtual CPU as its guest sees it, and the memory that it sees: state and translations, as data. Knows no
 * process and runs nothing.
 *
 * Whatever the guest's memory holds, only memory of its regions is touched. A guest may change it meanwhile:
 * each word is read once. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_MACHINE_H
#define VCOST_MONITOR_DEPRIVILEGED_MACHINE_H

#include "monitor/deprivileged/translate.h"
#include "monitor/deprivileged/write_log.h"
#include "monitor/guest_memory.h"
#include "monitor/vcpu_state.h"
#include "paging/page_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SDM volume 1, 3.4.3; volume 3, 2.5, 4.1.3, 4.7. */
#define FLAG_FIXED (UINT64_C(1) << 1)
#define FLAG_TF (UINT64_C(1) << 8)
#define FLAG_IF (UINT64_C(1) << 9)
#define FLAG_DF (UINT64_C(1) << 10)
#define FLAG_IOPL (UINT64_C(3) << 12)
#define FLAG_NT (UINT64_C(1) << 14)
#define FLAG_RF (UINT64_C(1) << 16)
#define FLAG_VM (UINT64_C(1) << 17)
#define FLAG_AC (UINT64_C(1) << 18)
#define FLAG_VIRTUAL (UINT64_C(3) << 19) /* VIF, VIP */
#define CR0_WRITE_PROTECT (UINT64_C(1) << 16)
#define CR0_ALIGNMENT_MASK (UINT64_C(1) << 18)
#define CR0_PAGING (UINT64_C(1) << 31)
#define CR4_FIVE_LEVELS (UINT64_C(1) << 12)
#define EFER_SYSCALL (UINT64_C(1) << 0)

enum {
    VECTOR_DEBUG = 1,
    VECTOR_BREAKPOINT = 3,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_NOT_PRESENT = 11,
    VECTOR_STACK = 12,
    VECTOR_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_ALIGNMENT = 17
};

/* An exception for the guest. */
struct guest_fault {
    unsigned vector;
    uint64_t code;    /* of the vectors that have one */
    uint64_t address; /* of a page fault, for CR2 */
    bool software;    /* INT n, INT3, INTO: the gate must allow it at this privilege */
};

struct machine {
    struct vcpu_registers registers; /* RFLAGS as the guest has them */
    struct vcpu_system system;
    uint64_t kernel_gs_base; /* what SWAPGS takes */
    uint64_t task_priority;  /* CR8 */
    bool has_apic;           /* its timer, in x2APIC mode: CPUID tells */
    const struct guest_memory *memory;
    const struct write_log *log; /* of what the guest writes, where the monitor does it for it, too */
    /* NULL, or by which machine_write() stores to memory: what may be page tables whose changes are followed.
     * Parts of one page. */
    bool (*store)(void *context, gpa_t where, const void *value, size_t bytes);
    void *store_context;
};

static inline unsigned machine_privilege(const struct machine *machine)
{
    return machine->system.cs_selector & 3;
}

/* Where [address, address + bytes) is here; NULL: not all of it is memory of one region. The region is told
 * if `region` is not NULL. */
void *guest_physical(
    const struct guest_memory *memory, gpa_t address, uint64_t bytes, const struct guest_region **region);

/* The tables that CR3 names, to be walked. */
struct page_tables machine_tables(const struct machine *machine);

/* As which an address is touched. */
struct guest_access {
    bool write, fetch, user;
};

struct translated {
    struct page_walk walk; /* leaf.rights: what all entries allow together */
    gpa_t physical;        /* of the address itself */
};

/* Translates as the CPU does, with all checks, and sets accessed and dirty bits. False: *fault is what it
 * raises. */
bool machine_translate(const struct machine *machine, gva_t address, struct guest_access access,
    struct translated *translation, struct guest_fault *fault);

/* Whether bytes, of two pages at most, may all be touched so, before any is. False: *fault; one of the second
 * page tells where that begins. */
bool machine_may_touch(const struct machine *machine, gva_t address, size_t bytes, struct guest_access access,
    struct guest_fault *fault);

/* Copies from and to guest virtual memory. False: *fault; where there is no memory, that is a page fault,
 * too.
 */
bool machine_read(const struct machine *machine, gva_t from, void *to, size_t bytes,
    struct guest_access access, struct guest_fault *fault);
bool machine_write(const struct machine *machine, gva_t to, const void *from, size_t bytes,
    struct guest_access access, struct guest_fault *fault);

/* How many of `bytes` from an address on lie in its page. */
static inline size_t to_page_end(uint64_t address, size_t bytes)
{
    size_t left = PAGE_TABLE_BYTES - address % PAGE_TABLE_BYTES;
    return left < bytes ? left : bytes;
}

/* How many bytes of code, at most `room`, can be read at RIP. */
size_t machine_code(const struct machine *machine, uint8_t *code, size_t room);

/* Whether it is an address that 64-bit code can have. */
bool machine_is_canonical(const struct machine *machine, uint64_t address);

#endif
