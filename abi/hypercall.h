/* What a guest kernel that knows that it is a guest asks its monitor for (`paravirt`), and how the monitor
 * calls it. Everything in it is hostile until checked, once.
 *
 * How to ask. RAX: the number (HYPERCALL_… below); arguments in RDI, RSI, RDX, R10, R8, R9, those not named
 * are ignored. Then either SYSCALL at CPL 0, or a call of the stub whose address HYPERCALL_ASK_STUB tells:
 * the same registers, needs 8 bytes of stack, is faster. The answer is in RAX: 0 or a count, or a negative
 * errno with the number that Linux gives it (written out below). RCX and R11 are lost, as by
 * SYSCALL; all other registers are kept. The numbers collide with no system call of Linux, so that a filter
 * can tell them apart by number alone. At CPL 3 there are no hypercalls: SYSCALL is a system call to the
 * guest kernel whatever RAX holds.
 *
 * What is handed over in memory is named by its guest PHYSICAL address, and lies in memory (no device,
 * -EFAULT) of one piece: the monitor does not walk tables that it is just asked to change. It reads each word
 * once.
 *
 * Page tables (SDM volume 3, 4.5, 4 levels, entries for 4 KiB and 2 MiB pages) are the guest's own, in its
 * own memory, as on hardware; it reads them where it maps them read-only, but changes them only by asking. To
 * keep that so, each 4 KiB frame of guest memory is one of these at a time, for as long as anything refers to
 * it as such:
 *   - a table of level 1, 2, 3 or 4: because an entry of the level above links to it, or because it is
 * pinned;
 *   - writable: because a present, writable leaf in a table in use maps it;
 *   - neither: free to become either. Read-only leaves may map anything, tables too.
 * A table is checked whole when it comes into use. Refused are: an entry that would make a frame two of these
 * (-EBUSY); a table that is not in memory (-EFAULT); an entry that links, over whatever way, to itself
 * (-EBUSY: a frame has one level); reserved bits, 1 GiB pages, bit 7 in entries of level 1 and 4 (-EINVAL).
 * An entry that is not present may hold anything else. A leaf may name an address without memory: using it
 * then is an access to a device.
 *
 * When an answer is there, all that was done is in effect: nothing stale is left, there is no INVLPG.
 * Accessed and dirty bits are set as hardware would: a page whose entry has not both takes a fault, inside
 * the monitor, at the first access and at the first write; who does not look at them sets both, which is
 * faster.
 *
 * Adapted from what Xen offers to paravirtual guests (xen/include/public/xen.h: mmu_update,
 * update_va_mapping, mmuext_op, set_trap_table, stack_switch, iret). */
#ifndef VCOST_ABI_HYPERCALL_H
#define VCOST_ABI_HYPERCALL_H

#define HYPERCALL_FIRST 0x20764300
#define HYPERCALL(number) (HYPERCALL_FIRST + (number))
#define HYPERCALL_COUNT 16

/* ASK(item) -> value, below 2^63. -EINVAL (22): no such item. */
#define HYPERCALL_ASK HYPERCALL(0)
#define HYPERCALL_ASK_VERSION 0 /* HYPERCALL_VERSION */
#define HYPERCALL_ASK_STUB 1    /* the virtual address to call instead of SYSCALL; 0: there is none */
#define HYPERCALL_ASK_BATCH 2   /* how many updates one UPDATE takes at most */
#define HYPERCALL_VERSION 1

/* CONSOLE(address, bytes) -> 0. Text for people, 1 to HYPERCALL_CONSOLE_BYTES; what is not printable ASCII or
 * a newline becomes '?'. The monitor keeps so much of it as it has room for. -EINVAL: bytes; -EFAULT (14):
 * address. */
#define HYPERCALL_CONSOLE HYPERCALL(1)
#define HYPERCALL_CONSOLE_BYTES 1024

/* ---- page tables ----
 * Errors of these: -EINVAL, -EFAULT, -EBUSY (16) as above, and -ENOMEM (12): the monitor has no room to keep
 * track. What fails has changed nothing. */

/* UPDATE(address, count) -> how many were done, in order. As write(2): if the first fails, its error; if a
 * later one fails, the number of those before it, and asking for the rest tells the error. count: 1 to
 * ASK_BATCH, else -EINVAL; address: of struct hypercall_update, a multiple of 8, else -EINVAL. -ENOENT (2):
 * `where` lies in no table in use (such a frame is ordinary memory: write it). Requests for the neighbours of
 * an entry in ascending order are carried out together. */
#define HYPERCALL_UPDATE HYPERCALL(2)
#define HYPERCALL_BATCH 512
/* In the low bits of hypercall_update.where, of an entry's address, which is a multiple of 8. Others:
 * -EINVAL. */
#define HYPERCALL_SET 0  /* the entry becomes `value` */
#define HYPERCALL_KEEP 1 /* the same, but it keeps its accessed and dirty bits if it maps the same frame */

/* MAP(virtual, entry, how) -> 0. The leaf for `virtual` in the address space in use becomes `entry`: for a
 * single page after a fault. `virtual`: canonical, a multiple of what the leaf maps, which bit 7 of `entry`
 * tells (only if it is present; else 4 KiB); how: HYPERCALL_SET or _KEEP. -ENOENT: there is no table that
 * could have this leaf. */
#define HYPERCALL_MAP HYPERCALL(3)

/* UNMAP(virtual, bytes) -> pages of 4 KiB gone through, of the address space in use: present leaves become 0,
 * the rest is passed over, so normally bytes / 4096. PROTECT(virtual, bytes, set, clear): present leaves get
 * and lose bits, of HYPERCALL_PROTECT_BITS, and keep accessed and dirty. virtual, bytes: multiples of 4096,
 * in one half of the addresses, bytes 4096 to HYPERCALL_RANGE_BYTES. -EINVAL: these, other bits, one bit in
 * both; a 2 MiB leaf that is partly inside. As write(2): less than asked tells where the error is. */
#define HYPERCALL_UNMAP HYPERCALL(4)
#define HYPERCALL_PROTECT HYPERCALL(5)
#define HYPERCALL_RANGE_BYTES 0x40000000
#define HYPERCALL_PROTECT_BITS 0x8000000000000006 /* writable, user, no-execute */

/* PIN(address, level) -> 0: the table is kept in use, whether linked to or not, so that it is checked once.
 * level: 1 to
 * 4. -EINVAL: level, address no multiple of 4096; -EEXIST (17): pinned already. UNPIN(address): the reverse;
 * -ENOENT: it is not pinned; -EBUSY: it is the address space in use. */
#define HYPERCALL_PIN HYPERCALL(6)
#define HYPERCALL_UNPIN HYPERCALL(7)

/* SWITCH(root, stack) -> 0: the address space in use is the one of a table of level 4 that is pinned
 * (-ENOENT), bits 0 to 11 and 63 as in CR3 ignored; stack: as STACK, in the same go. */
#define HYPERCALL_SWITCH HYPERCALL(8)

/* ---- entries and return ---- */

/* ENTRIES(address) -> 0: of a struct hypercall_entries, a multiple of 8, copied. -EINVAL: one is neither 0
 * nor canonical. An event without entry: an exception is reported outside as a triple fault is, a system call
 * answers -ENOSYS (38), a tick is not made. */
#define HYPERCALL_ENTRIES HYPERCALL(9)

/* STACK(rsp) -> 0: the top of the kernel's stack for entries from CPL 3, a multiple of 16, canonical, else
 * -EINVAL; 0 with SWITCH: as before. An entry from CPL 0 goes on below the RSP there is (aligned to 16), as
 * on hardware. */
#define HYPERCALL_STACK HYPERCALL(10)

/* RETURN(): to what a struct hypercall_frame says, in place of IRET; it lies at RSP, or where the stub was
 * called, above the return address. Does not come back. All registers but those in the frame are as at the
 * call. The frame's vector, error_code and address are not looked at; cs tells the level by its low two bits,
 * 0 or 3, with ss those of the domain (abi/domain.h); of rflags CF, PF, AF, ZF, SF, TF, IF, DF, OF and AC
 * count. -EINVAL: cs, ss, rip or rsp not canonical; -EFAULT: the frame. */
#define HYPERCALL_RETURN HYPERCALL(11)

/* TICK(nanoseconds) -> 0: the timer's entry is entered so long after, each time anew, while IF is set (else
 * as soon as it is; several become one). 0: none; else HYPERCALL_TICK_MIN to _MAX, or -EINVAL. */
#define HYPERCALL_TICK HYPERCALL(12)
#define HYPERCALL_TICK_MIN 10000
#define HYPERCALL_TICK_MAX 10000000000

/* HALT() -> 0: nothing until the next tick, with IF set; without a tick asked for, outside learns that the
 * guest halts. YIELD() -> 0: the CPU is free for another virtual CPU or process. */
#define HYPERCALL_HALT HYPERCALL(13)
#define HYPERCALL_YIELD HYPERCALL(14)

/* OUT(port, value) -> 0: what a 32-bit OUT does, outside, without the fault that the instruction takes here.
 * port: 0 to 0xffff, else -EINVAL. */
#define HYPERCALL_OUT HYPERCALL(15)

/* Other numbers from HYPERCALL_FIRST on, and all below: -ENOSYS. */

/* The indices of hypercall_entries.entry: exceptions have their vector. */
#define HYPERCALL_ENTRY_SYSTEM_CALL 32
#define HYPERCALL_ENTRY_TICK 33
#define HYPERCALL_ENTRY_COUNT 34

#ifndef __ASSEMBLER__
#include <stdint.h>

struct hypercall_update {
    uint64_t where; /* guest physical, of the entry; HYPERCALL_SET or HYPERCALL_KEEP */
    uint64_t value;
};

/* Virtual addresses of code; 0: none. Entered at CPL 0 with RSP at a struct hypercall_frame, IF, TF and DF
 * clear, RAX, RCX and R11 lost, all other registers as they were. */
struct hypercall_entries {
    uint64_t entry[HYPERCALL_ENTRY_COUNT];
};

/* A multiple of 16 bytes, so that a function may be called from an entry. */
struct hypercall_frame {
    uint64_t address;    /* of a page fault, what CR2 holds; else 0 */
    uint64_t vector;     /* the index of the entry */
    uint64_t error_code; /* of exceptions that have one (SDM volume 3, table 6-1); else 0 */
    uint64_t rax, rcx, r11;
    uint64_t rip, cs, rflags, rsp, ss;
    uint64_t unused; /* 0 */
};
#endif
#endif
