/* The x86-64 state of a virtual CPU, as monitors exchange it with domain/. */
#ifndef VCOST_MONITOR_VCPU_STATE_H
#define VCOST_MONITOR_VCPU_STATE_H

#include "base/address.h"

#include <stdint.h>

struct vcpu_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
};

/* What decides in which world the registers live. 64-bit mode is implied: the code segments are flat and
 * long. The privilege level is that of cs_selector. */
struct vcpu_system {
    gpa_t page_tables; /* CR3 */
    uint64_t cr0, cr4, efer;
    uint64_t xcr0;          /* not read; 0: as it is */
    uint64_t fault_address; /* CR2; not set, only read */
    uint16_t cs_selector, ss_selector;
    uint64_t fs_base, gs_base;
    gva_t gdt, idt, tss;
    uint16_t gdt_limit, idt_limit, tss_limit, tss_selector;
    uint64_t star, syscall_mask; /* IA32_STAR, IA32_FMASK */
    gva_t syscall_entry;         /* IA32_LSTAR */
};

/* What of it code at CPL 3 runs with. */
struct vcpu_user {
    uint16_t cs_selector, ss_selector;
    uint64_t fs_base, gs_base;
};

#endif
