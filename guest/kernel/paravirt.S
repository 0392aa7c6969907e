/* The ways in from a monitor, and out by asking it (abi/hypercall.h). */
#include "abi/hypercall.h"
#include "guest/kernel/layout.h"

    .text
/* What hypercall_frame has no place for, at its place in struct registers. */
    .macro others instruction
    \instruction r15, 0
    \instruction r14, 8
    \instruction r13, 16
    \instruction r12, 24
    \instruction r10, 40
    \instruction r9, 48
    \instruction r8, 56
    \instruction rdi, 64
    \instruction rsi, 72
    \instruction rbp, 80
    \instruction rbx, 88
    \instruction rdx, 96
    .endm
    .macro save name, offset
    movq %\name, \offset(%rax)
    .endm
    .macro load name, offset
    movq \offset(%rax), %\name
    .endm

/* A word of hypercall_frame (RCX) to struct registers (RAX). */
    .macro copy from, to
    pushq \from(%rcx)
    popq \to(%rax)
    .endm

/* RSP: a hypercall_frame. RAX, RCX and R11 are free. A process's registers are kept where it is, the kernel's
 * own below the frame. */
    .globl paravirt_enter
paravirt_enter:
    movq %rsp, %rcx
    leaq -REGISTERS_BYTES(%rsp), %rax
    testb $3, 56(%rcx) /* cs */
    jz 1f
    movq current(%rip), %rax
    jmp 2f
1:  movq %rax, %rsp
2:  others save
    pushq (%rcx)
    popq paravirt_fault_address(%rip)
    copy 8, 120  /* vector */
    copy 16, 128 /* error code */
    copy 24, 112 /* rax */
    copy 32, 104 /* rcx */
    copy 40, 32  /* r11 */
    copy 48, 136 /* rip */
    copy 56, 144 /* cs */
    copy 64, 152 /* rflags */
    copy 72, 160 /* rsp */
    copy 80, 168 /* ss */
    movq %rax, %rdi
    call paravirt_trap

/* Goes on with the registers at RAX. */
    .globl paravirt_resume
paravirt_resume:
    pushq $0
    .irp offset, 168, 160, 152, 144, 136, 32, 104, 112
    pushq \offset(%rax)
    .endr
    pushq $0
    pushq $0
    pushq $0
    others load
    movl $HYPERCALL_RETURN, %eax
    cmpq $0, paravirt_stub(%rip)
    jne 1f
    syscall
    ud2
1:  call *paravirt_stub(%rip)
    ud2

    .section .note.GNU-stack, "", @progbits
