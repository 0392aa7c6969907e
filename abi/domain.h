/* What a domain's kernel (guest/kernel) and the code outside agree on: where things are in the guest and how
 * the guest leaves. Everything the guest says through this is hostile until checked. */
#ifndef VCOST_ABI_DOMAIN_H
#define VCOST_ABI_DOMAIN_H

/* Guest virtual base of the system pages, in the lower half, where a monitor can map them in a process: page
 * n of the list below lies at DOMAIN_SYSTEM_BASE + n * 4096 and at guest physical n * 4096. The page tables
 * follow, not mapped in the guest. */
#define DOMAIN_SYSTEM_BASE 0x40000000
/* In domains that run Linux programs instead: below all that Linux places by itself (ELF_ET_DYN_BASE,
 * arch/x86/include/asm/elf.h), and above whatever programs are linked for, their heaps behind them. */
#define DOMAIN_PROGRAM_BASE 0x550040000000
#define DOMAIN_PAGE_GDT 0
#define DOMAIN_PAGE_IDT 1
#define DOMAIN_PAGE_TSS 2    /* and the I/O permission bitmap behind it */
#define DOMAIN_PAGE_STACK 3  /* of the kernel */
#define DOMAIN_PAGE_KERNEL 4 /* the kernel image: DOMAIN_KERNEL_PAGES of code */
#define DOMAIN_KERNEL_PAGES 3
#define DOMAIN_PAGE_USER (DOMAIN_PAGE_KERNEL + 2) /* the one of them that CPL 3 may execute */
#define DOMAIN_PAGE_DATA (DOMAIN_PAGE_KERNEL + DOMAIN_KERNEL_PAGES) /* struct domain_data */
/* Of a second virtual CPU: its job, its kernel's stack, its task state. CPL 3 may write the job. */
#define DOMAIN_PAGE_SECOND (DOMAIN_PAGE_DATA + 1)
#define DOMAIN_PAGE_SECOND_STACK (DOMAIN_PAGE_DATA + 2)
#define DOMAIN_PAGE_SECOND_TSS (DOMAIN_PAGE_DATA + 3)
#define DOMAIN_PAGE_TABLES (DOMAIN_PAGE_DATA + 4)
/* Two more guest virtual pages, in domains that handle exceptions (domain.h): the table whose 512 entries map
 * the first 2 MiB of the data, CPL 0 only; and a page behind which there is no memory, for all. */
#define DOMAIN_PAGE_WINDOW 256
#define DOMAIN_PAGE_VOID 257
#define DOMAIN_VOID_PHYSICAL 0xd0000000 /* in the hole that PC devices need below 4 GiB */

/* Where DOMAIN_HANDLE_LATER finds the page tables: guest physical 0 on, for CPL 0 only. And, in the page that
 * each virtual CPU has for its task state and stack, what it knows, and counts. */
#define DOMAIN_TABLES_WINDOW (DOMAIN_PROGRAM_BASE + 0x4000000)
#define DOMAIN_STATE_FAULTS 1024 /* page faults handled */
#define DOMAIN_STATE_ROOT 1032   /* guest virtual, in the window: the root table */
#define DOMAIN_STATE_WINDOW 1040 /* the window */

/* Offsets in the kernel image. */
#define DOMAIN_HANDLE_DIVIDE 0x1100    /* #DE: goes on behind a divide instruction of two bytes */
#define DOMAIN_HANDLE_PAGE 0x1140      /* #PF in the first 2 MiB of the data: sets the entry's present bit */
#define DOMAIN_HANDLE_INTERRUPT 0x1180 /* counts, and tells the local APIC (x2APIC) */
#define DOMAIN_HANDLE_SHOOTDOWN 0x1200 /* the same, and flushes the translation of domain_data.flush */
#define DOMAIN_HANDLE_LATER 0x1280     /* #PF of CPL 3: makes present what is to be at the first touch */
#define DOMAIN_HANDLE_SWITCH 0x1240    /* #DE: as DOMAIN_HANDLE_DIVIDE, in the other address space */
#define DOMAIN_SYSCALL_RETURN 0x11c0   /* LSTAR: SYSRET at once; only where SYSCALL arrives at CPL 0 */
#define DOMAIN_VECTOR_BYTES 16     /* the stub of vector v starts at v * 16: 256 stubs fill the first page */
#define DOMAIN_USER_CALL 0x2000    /* CPL 3: calls RAX, then leaves through DOMAIN_PORT_DONE */
#define DOMAIN_USER_SYSCALL 0x2010 /* CPL 3: executes SYSCALL (probe) */
#define DOMAIN_SYSCALL_ENTRY                                                                                 \
    0x2020 /* LSTAR: leaves through DOMAIN_PORT_SYSCALL at whatever CPL it finds itself */
/* The same for a virtual CPU that answers one system call itself: it has a copy of this for its own, and a
 * page behind it what it answers, and how often it has (struct domain_answer), which CPL 3 counts. */
#define DOMAIN_ANSWER 0x2080
#define DOMAIN_ANSWER_BYTES 128
#define DOMAIN_ANSWER_COUNTED 22 /* offsets in it: from here on the call is made; and here it leaves */
#define DOMAIN_ANSWER_LEAVE 80
#define DOMAIN_ANSWER_DATA 4096

/* The ports that the guest leaves through, always 32 bits wide. CPL 3 may use them all: an exit
 * through one of them proves nothing. */
#define DOMAIN_PORT_FAULT 0xe0   /* an exception; the frame below lies at the kernel's RSP */
#define DOMAIN_PORT_DONE 0xe4    /* the called function has returned */
#define DOMAIN_PORT_SYSCALL 0xe8 /* the SYSCALL entry was reached */
#define DOMAIN_PORT_NULL 0xec    /* nothing: the outside answers and the guest goes on */
#define DOMAIN_PORT_EVENT 0xf0   /* nothing: answered in the host's kernel where an eventfd waits for it */

/* Selectors. None is one that Linux uses for the same purpose (CPL 3 code is 0x33 there), so that a selector
 * tells where code ran. The order is what SYSCALL and SYSRET ask for: SS = CS + 8 and user CS = user SS + 8.
 */
#define DOMAIN_KERNEL_CS 0x40
#define DOMAIN_KERNEL_SS 0x48
#define DOMAIN_USER_SS 0x5b
#define DOMAIN_USER_CS 0x63
#define DOMAIN_TSS 0x70

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What the exception stubs leave on the kernel's stack (the upper part by the CPU: SDM volume 3, 6.14). */
struct domain_frame {
    uint64_t vector, error_code, rip, cs, rflags, rsp, ss;
};

/* What a virtual CPU answers itself: to this number that. */
struct domain_answer {
    uint32_t number, answer;
    uint64_t count; /* of those that it has */
};

/* What the handlers of exceptions know, and count. */
struct domain_data {
    uint64_t window;     /* guest virtual: the first address of the data */
    uint64_t faults;     /* page faults handled */
    uint64_t interrupts; /* handled */
    uint64_t flush;      /* guest virtual: whose translation a shootdown takes away */
    uint64_t spaces;     /* what is written to CR3 for two address spaces, the one XOR the other */
};
#endif
#endif
