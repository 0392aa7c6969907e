/* The frame that Linux puts on the signal stack (x86-64: arch/x86/include/asm/sigframe.h, uapi
 * asm/sigcontext.h, asm/ucontext.h), and what it says about a trap. Pure data. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_SIGNAL_FRAME_H
#define VCOST_MONITOR_DEPRIVILEGED_SIGNAL_FRAME_H

#include "monitor/deprivileged/child.h"

#include <stdbool.h>
#include <stdint.h>

struct signal_frame {
    uint64_t return_address;
    uint64_t flags, link, stack[3];
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error_code, vector, old_mask, cr2;
    uint64_t fpu; /* address of the x87, SSE and AVX state */
    uint64_t reserved[8];
    uint64_t mask;                        /* of signals */
    int32_t number, error, code, padding; /* siginfo */
    union {
        uint64_t address; /* of a fault */
        struct {
            uint64_t from;
            int32_t number;
            uint32_t architecture; /* AUDIT_ARCH_… */
        } call;                    /* SIGSYS */
        uint64_t room[14];
    } info;
};

void frame_read_registers(const struct signal_frame *frame, struct vcpu_registers *registers);
/* Also makes the code segment the long one again, and lets all signals come. */
void frame_write_registers(struct signal_frame *frame, const struct vcpu_registers *registers);

/* What happened, but for kicks; false: it is no signal that the kernel sends for what a guest does. */
bool frame_read_trap(const struct signal_frame *frame, struct child_trap *trap);

#endif
