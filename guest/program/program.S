/* The first process of the linked kernel: where it begins, how it calls the kernel, and one instruction at a
 * time that may raise an exception. Runs at CPL 3. */
#include "abi/guest_kernel.h"

    /* What an exception needs, at the bottom of the stack's page. */
    .set state, GUEST_STACK
    .set state_stack, 0
    .set state_at, 8       /* the probed instruction */
    .set state_vector, 16
    .set state_error, 24
    .set state_address, 32
    .set state_rip, 40
    .set state_rbp, 48

    .section .header, "ax"
    call program
    ud2

    .text
/* int64_t call_kernel(number, a, b, c): RDI, RSI, RDX, RCX. */
    .globl call_kernel
call_kernel:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movabsq $GUEST_SCRIPT, %rcx
    cmpl $0, (%rcx) /* trapped_calls */
    jne 1f
    syscall
    ret
1:  ud2
    ret

/* A probe: 0, or 1 if it raised an exception, whose particulars are in the state then. */
    .macro probe name
    .globl \name
\name:
    movabsq $state, %r11
    movq %rsp, state_stack(%r11)
    movq %rbp, state_rbp(%r11)
    leaq 1f(%rip), %rax
    movq %rax, state_at(%r11)
    .endm
    .macro probed
    xorl %eax, %eax
    ret
    .endm

    .globl probe_handler
probe_handler:
    movabsq $state, %r11
    movq state_stack(%r11), %rsp
    movq state_rbp(%r11), %rbp
    movq %rdi, state_vector(%r11)
    movq %rsi, state_error(%r11)
    movq %rdx, state_address(%r11)
    movq %rcx, state_rip(%r11)
    movl $1, %eax
    ret

    probe probe_read /* (address, *value) */
1:  movq (%rdi), %rax
    movq %rax, (%rsi)
    probed

    probe probe_write /* (address, value) */
1:  movq %rsi, (%rdi)
    probed

    probe probe_run /* (address): what raises it is there */
    movq %rdi, state_at(%r11)
1:  call *%rdi
    probed

    probe raise_divide
    xorl %eax, %eax
    xorl %edx, %edx
    xorl %ecx, %ecx
1:  divl %ecx
    probed

    probe raise_step
    pushfq
    orl $0x100, (%rsp)
    popfq
1:  nop /* the trap comes behind it */
    probed

    probe raise_breakpoint
1:  int3
    probed

    probe raise_undefined
    xorl %eax, %eax
1:  ud2
    probed

    probe raise_stack
    movabsq $0x8000000000000000, %rbp
1:  movq (%rbp), %rax
    probed

    probe raise_not_canonical
    movabsq $0x8000000000000000, %rcx
1:  movq (%rcx), %rax
    probed

    probe raise_halt
1:  hlt
    probed

    probe raise_cli
1:  cli
    probed

    probe raise_out
    movl $0x80, %edx
1:  outb %al, %dx
    probed

    probe raise_read_cr3
1:  movq %cr3, %rax
    probed

    probe raise_read_msr
    movl $0x1b, %ecx
1:  rdmsr
    probed

    probe raise_alignment
    pushfq
    orl $0x40000, (%rsp)
    popfq
1:  movq -15(%rsp), %rax
    probed

    probe raise_kernel_read
    movabsq $GUEST_KERNEL_BASE, %rcx
1:  movq (%rcx), %rax
    probed

    probe raise_kernel_write
    movabsq $GUEST_KERNEL_BASE, %rcx
1:  movq %rax, (%rcx)
    probed

    probe raise_kernel_run
    movabsq $GUEST_KERNEL_BASE + GUEST_KERNEL_TEXT, %rcx
    movq %rcx, state_at(%r11)
1:  jmp *%rcx

/* int spin(const uint64_t *ticks, uint64_t until, uint64_t rounds): every other register holds a value
 * meanwhile. 1: *ticks has got so far, and they still hold it; 0: not in so many rounds; -1: one does not. */
    .set pattern, 0x1122334455667700
    .globl spin
spin:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .irp name, rax, rbx, rcx, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    movabsq $pattern, %\name
    .endr
    addq $1, %rbx
    addq $2, %rcx
    addq $3, %rbp
    addq $4, %r8
    addq $5, %r9
    addq $6, %r10
    addq $7, %r11
    addq $8, %r12
    addq $9, %r13
    addq $10, %r14
    addq $11, %r15
1:  cmpq (%rdi), %rsi
    jbe 2f
    pause
    subq $1, %rdx
    jnz 1b
2:  .irp name, rbx, rcx, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    subq %rax, %\name
    .endr
    /* 1 + 2 + ... + 11, and none is more than 11 */
    leaq (%rbx, %rcx, 1), %rax
    orq %rbx, %rcx
    .irp name, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    addq %\name, %rax
    orq %\name, %rcx
    .endr
    cmpq $66, %rax
    movl $-1, %eax
    jne 3f
    cmpq $15, %rcx
    jne 3f
    xorl %eax, %eax
    testq %rdx, %rdx
    setnz %al
3:  popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
