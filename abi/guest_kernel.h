/* The linked kernel of a domain (guest/kernel) and the code outside: how its image is loaded, what it is told
 * at the start, and what its processes ask it for and leave behind. Everything that the guest says through
 * this is hostile until checked.
 *
 * It runs at the same addresses on every monitor, in the lower half: what runs guests in a process of the
 * host has no upper one. All memory of the guest, one piece from physical address guest_kernel_boot.memory
 * on, is mapped at GUEST_KERNEL_BASE, its image first, in leaves of 4 KiB that only the kernel may use. All
 * its state is in this memory and in registers, and names no address of the host. */
#ifndef VCOST_ABI_GUEST_KERNEL_H
#define VCOST_ABI_GUEST_KERNEL_H

#define GUEST_KERNEL_BASE 0x100000000000
#define GUEST_KERNEL_MAGIC 0x314b545345554756 /* "VGUESTK1", little-endian */
#define GUEST_KERNEL_PROCESSES 4              /* at most, at a time */

/* Offsets in the image. */
#define GUEST_KERNEL_GDT 0x100
#define GUEST_KERNEL_IDT 0x200
#define GUEST_KERNEL_TSS 0x1000
#define GUEST_KERNEL_TEXT 0x2000 /* entry stubs first, then code and constants; before it data */

#define GUEST_KERNEL_VECTORS 0x50 /* in its IDT */
#define GUEST_KERNEL_TICK 0x40    /* the timer's vector */

/* 32-bit OUT: how it leaves for good, */
#define GUEST_KERNEL_PORT_DONE 0xe4  /* every process has ended */
#define GUEST_KERNEL_PORT_PANIC 0xe0 /* guest_kernel_status.panic says why */
#define GUEST_KERNEL_PORT_MARK 0xe8  /* and for a moment: GUEST_CALL_MARK */

/* What a process has at its addresses. */
#define GUEST_PROGRAM 0x200000000000 /* its code: read and execute */
#define GUEST_SCRIPT 0x200000040000  /* struct guest_script: read */
#define GUEST_LOG 0x200000080000     /* struct guest_log: read and write */
#define GUEST_STACK 0x2000000ff000   /* a page */
#define GUEST_WINDOW 0x200000200000  /* pages that it maps itself: */
#define GUEST_WINDOW_PAGES 512
#define GUEST_LARGE (GUEST_WINDOW + GUEST_WINDOW_PAGES * 4096) /* 2 MiB, for one leaf: LARGE */
#define GUEST_LARGE_PAGES 512

/* System calls. RAX: the number, arguments in RDI, RSI, RDX, R10; the answer in RAX: 0 or a negative errno of
 * Linux. RCX and R11 are lost. By SYSCALL, or, where that does not lead to the kernel (guest_kernel_boot), by
 * UD2: the numbers tell it from other undefined instructions. */
#define GUEST_CALL_FIRST 0x20764400
#define GUEST_CALL_EXIT 0x20764400    /* (status) */
#define GUEST_CALL_YIELD 0x20764401   /* the others first */
#define GUEST_CALL_WAIT 0x20764402    /* until the next tick */
#define GUEST_CALL_HANDLER 0x20764403 /* (address): where its exceptions lead, see below; 0: they end it */
#define GUEST_CALL_MAP 0x20764404     /* (page, object, rights); the page is free */
#define GUEST_CALL_DEMAND 0x20764405  /* (page, pages, rights): zeroed memory, given when it is touched */
#define GUEST_CALL_UNMAP 0x20764406   /* (page, pages) */
#define GUEST_CALL_PROTECT 0x20764407 /* (page, pages, rights) */
#define GUEST_CALL_MOVE 0x20764408    /* (from, to): what a page maps is at a free one then */
#define GUEST_CALL_DROP 0x20764409    /* (page, pages): memory on demand goes back, and comes zeroed again */
#define GUEST_CALL_BITS 0x2076440a    /* (page): logs accessed and dirty, and clears them */
#define GUEST_CALL_LOAD 0x2076440b    /* (page, word): the kernel reads there, and logs */
#define GUEST_CALL_STORE 0x2076440c   /* (page, word, value) */
#define GUEST_CALL_SPAWN                                                                                     \
    0x2076440d                     /* (number): process `number` begins; it must have ended, or not begun    \
                                    */
#define GUEST_CALL_JOIN 0x2076440e /* (number): when it has ended, or not begun */
#define GUEST_CALL_MARK 0x2076440f /* outside looks at what was counted so far */
#define GUEST_CALL_NULL                                                                                      \
    0x20764410                      /* (enum guest_null, times): the kernel does so often what does nothing  \
                                     */
#define GUEST_CALL_LARGE 0x20764411 /* (rights): guest_kernel_boot.large is there when it is touched */
#define GUEST_CALL_COUNT 18

/* An exception of a process goes to its handler: RDI vector, RSI error code, RDX address (#PF, else 0), RCX
 * instruction pointer; TF, DF and AC are clear, all else is as it was. */

/* Rights of a page; none: it keeps what it maps, but is not present. */
#define GUEST_READ 1
#define GUEST_WRITE 2
#define GUEST_EXECUTE 4
#define GUEST_USER 8
#define GUEST_RIGHTS 16

/* What MAP can name: pages of the process, and pages that all share. */
#define GUEST_OBJECTS 16
#define GUEST_OBJECTS_SHARED 4 /* the last of them */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* At the start of the image. Addresses are the guest's. */
struct guest_kernel_header {
    uint64_t magic;
    uint64_t start;         /* entered with nothing in registers, on a stack of its own */
    uint64_t stack;         /* its top */
    uint64_t syscall_entry; /* for IA32_LSTAR */
    uint64_t text_end;      /* what lies between GUEST_KERNEL_TEXT and this is read and executed only */
    uint64_t image_end;     /* zeroed memory follows, up to: */
    uint64_t memory_end;    /* a page's start, as text_end */
    uint64_t boot, status;  /* of the structures below, before memory_end */
};

enum guest_kernel_monitor { GUEST_ON_HARDWARE, GUEST_ON_SHADOW, GUEST_ON_PARAVIRT, GUEST_MONITORS };

struct guest_kernel_boot {
    uint64_t memory, pages; /* physical; a page has 4 KiB */
    uint64_t root;          /* physical: the tables that are active at the start */
    /* Pages of the memory by number. Those for tables are mapped read-only on GUEST_ON_PARAVIRT; the first of
     * them are in use. Free ones are zeroed. */
    uint64_t tables, tables_used, tables_end;
    uint64_t frames, frames_end;
    uint64_t program, program_pages;
    uint64_t large;         /* physical: 2 MiB of memory by itself, a multiple of that; 0: there is none. All
                               processes share it, and what stands in it stays */
    uint64_t tick_ns;       /* 0: none */
    uint32_t monitor;       /* enum guest_kernel_monitor */
    uint32_t trapped_calls; /* system calls come by UD2 */
    uint32_t fault_around;  /* how many pages, aligned, a demand fault maps: a power of two */
    uint32_t processes;     /* that begin at once; those behind them by SPAWN */
    uint32_t log_room;      /* events */
    uint32_t preset;        /* pages on demand come accessed and dirty, as if nobody looked at these bits */
    uint32_t unused;
    struct {
        uint64_t script, script_pages, log, log_pages; /* no pages: there is no such process */
    } process[GUEST_KERNEL_PROCESSES];
};

enum guest_panic {
    GUEST_NO_PANIC,
    GUEST_PANIC_EXCEPTION, /* in the kernel: vector, error code, instruction in `detail` */
    GUEST_PANIC_FRAMES,    /* no memory left */
    GUEST_PANIC_TABLES,
    GUEST_PANIC_HYPERCALL, /* the monitor refused: number, error, first argument */
};

struct guest_kernel_status {
    uint64_t panic; /* enum guest_panic */
    uint64_t detail[4];
    uint64_t ticks, preemptions, switches, faults, filled, exceptions, calls;
    uint64_t ended;   /* processes */
    uint64_t changes; /* of entries of page tables, but for those of tables that are zeroed */
    uint64_t asked;   /* ticks of the time-stamp counter while the monitor was asked for such changes */
};

/* What a process is to do, by guest/program: a step with arguments. */
struct guest_step {
    uint32_t what; /* enum guest_step_kind */
    uint32_t a;
    uint64_t b, c;
};

enum guest_step_kind {
    STEP_READ,   /* page, word; logs the value */
    STEP_WRITE,  /* page, word, value */
    STEP_RUN,    /* page: calls it; a RET must stand at its start */
    STEP_RAISE,  /* enum guest_raise */
    STEP_SPIN,   /* until so many ticks have come, with a value in every register that is looked at then */
    STEP_TOUCH,  /* page, pages: writes to each, without an event */
    STEP_TIME,   /* 0: from now on time passes, 1: not any more; 2: what has passed so far is forgotten */
    STEP_REPEAT, /* steps, times: so many steps before this one are done so often again; not one inside
                    another */
    STEP_CALL    /* and following: system call GUEST_CALL_FIRST and following, with the arguments */
};

enum guest_raise {
    RAISE_DIVIDE,
    RAISE_STEP,          /* TF, at a NOP */
    RAISE_BREAKPOINT,    /* INT3 */
    RAISE_UNDEFINED,     /* UD2 */
    RAISE_STACK,         /* through RBP, not canonical */
    RAISE_NOT_CANONICAL, /* through another register */
    RAISE_HALT,
    RAISE_CLI,
    RAISE_OUT, /* to a port that it has not got */
    RAISE_READ_CR3,
    RAISE_READ_MSR,
    RAISE_ALIGNMENT,
    RAISE_KERNEL_READ, /* kernel memory */
    RAISE_KERNEL_WRITE,
    RAISE_KERNEL_RUN,
    RAISE_COUNT
};

/* What GUEST_CALL_NULL does: the ways in which a kernel comes to its monitor and back, without anything to
 * do there, and what it takes without. */
enum guest_null {
    NULL_REQUEST, /* asks its monitor for what is known; -EINVAL where it has none to ask */
    NULL_TRAP,    /* CLI, which changes nothing */
    NULL_FAULT,   /* reads where nothing is, and goes on behind that */
    NULL_LOOP,    /* two instructions, SUB and JNZ */
    NULL_COUNT
};

struct guest_script {
    uint32_t trapped_calls; /* as guest_kernel_boot */
    uint32_t steps;
    uint64_t spin_limit; /* rounds of STEP_SPIN at most */
    struct guest_step step[];
};

/* A ring: event n is in place n % room. */
struct guest_log {
    uint64_t count;          /* of events */
    uint64_t room;           /* set from outside */
    uint64_t ticks;          /* that came while the process ran */
    uint64_t timed;          /* ticks of the time-stamp counter between STEP_TIME and STEP_TIME */
    uint64_t step;           /* that it is at: goes into the kernel's events */
    uint64_t folded, digest; /* so many events, all of them chained to one number */
    struct guest_event {
        uint32_t what; /* enum guest_event_kind */
        uint32_t step; /* index into the script */
        uint64_t a, b;
    } event[];
};

enum guest_event_kind {
    EVENT_NONE,
    EVENT_VALUE,     /* read: a */
    EVENT_DONE,      /* written or run */
    EVENT_ANSWER,    /* of a system call: a */
    EVENT_EXCEPTION, /* a: vector << 32 | error code, b: the address of a page fault. Seen by the process: */
    EVENT_AT,        /* a: how far behind the start of the instruction it was told */
    EVENT_BITS,      /* a: of the entry, accessed (0x20) and dirty (0x40) */
    EVENT_FILLED,    /* a demand fault: a: the page, b: how many were mapped */
    EVENT_LOADED,    /* by the kernel: a */
    EVENT_KERNEL,    /* an exception of the kernel at its LOAD or STORE, as EVENT_EXCEPTION */
    EVENT_SPUN,      /* a: 1, the ticks came and the registers were right */
    EVENT_ENDED      /* a: status */
};

#endif
#endif
