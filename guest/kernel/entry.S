/* The linked kernel's head, its ways in from the CPU, and the way back to a process. */
#include "abi/domain.h"
#include "abi/guest_kernel.h"
#include "guest/kernel/layout.h"

    .section .header, "aw"
    .quad GUEST_KERNEL_MAGIC, start, stack_top, syscall_entry, text_end, image_end, memory_end, boot, status

/* 64-bit code and flat data, accessed bits preset; a TSS takes two entries (SDM volume 3, 3.4.5, 8.2.3). */
    .set tss, GUEST_KERNEL_BASE + GUEST_KERNEL_TSS
    .set tss_limit, 103
    .macro descriptor selector, value
    .org GUEST_KERNEL_GDT + (\selector & ~7)
    .quad \value
    .endm
    descriptor DOMAIN_KERNEL_CS, 0x00af9b000000ffff
    descriptor DOMAIN_KERNEL_SS, 0x00cf93000000ffff
    descriptor DOMAIN_USER_SS, 0x00cff3000000ffff
    descriptor DOMAIN_USER_CS, 0x00affb000000ffff
    descriptor DOMAIN_TSS, (0x8b << 40 | tss_limit | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56)
    .quad tss >> 32

/* Interrupt gates; INT3 and INTO are for processes too (SDM volume 3, figure 6-8). */
    .org GUEST_KERNEL_IDT
    .set vector, 0
    .rept GUEST_KERNEL_VECTORS
    .set stub, GUEST_KERNEL_BASE + GUEST_KERNEL_TEXT + vector * STUB_BYTES
    .if vector == 3 || vector == 4
    .set gate, 0xee00
    .else
    .set gate, 0x8e00
    .endif
    .quad (stub & 0xffff) | DOMAIN_KERNEL_CS << 16 | gate << 32 | (stub >> 16 & 0xffff) << 48
    .quad stub >> 32
    .set vector, vector + 1
    .endr

/* Of the task state only the stack for entries from CPL 3 is used (SDM volume 3, figure 8-11): it ends where
 * the registers of the process that runs are kept, so that the CPU itself puts them there. */
    .org GUEST_KERNEL_TSS
    .long 0
    .globl entry_stack
entry_stack:
    .quad stack_top
    .org GUEST_KERNEL_TSS + 102
    .word tss_limit + 1 /* no I/O permission bitmap */
    .org GUEST_KERNEL_TEXT

    .section .stubs, "ax"
    .set vector, 0
    .rept GUEST_KERNEL_VECTORS
    .balign STUB_BYTES
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    pushq $0
    .endif
    pushq $vector
    jmp enter
    .set vector, vector + 1
    .endr

    .text
/* SYSCALL changes no stack and pushes nothing. */
syscall_entry:
    movq %rsp, user_stack(%rip)
    movq entry_stack(%rip), %rsp
    pushq $DOMAIN_USER_SS
    pushq user_stack(%rip)
    pushq %r11
    pushq $DOMAIN_USER_CS
    pushq %rcx
    pushq $0
    pushq $SYSTEM_CALL

/* The stack holds what the CPU and the stub have pushed; with the rest it is a struct registers. */
enter:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    testb $3, REGISTERS_CS(%rsp)
    jz 1f /* it was the kernel, on its own stack */
    leaq stack_top(%rip), %rsp
1:  call trap

/* Goes on with the registers at RAX. */
    .globl resume
resume:
    movq %rax, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

start:
    call kernel_begin
    movq operations(%rip), %rcx
    jmp *(%rcx)

/* Accesses of the kernel at a process's address, which may fail: 0, or what access_fails() is told. */
    .globl access_load, access_load_at, access_store, access_store_at, access_failed
access_load:
access_load_at:
    movq (%rdi), %rax
    movq %rax, (%rsi)
    xorl %eax, %eax
    ret
access_store:
access_store_at:
    movq %rsi, (%rdi)
    xorl %eax, %eax
    ret
access_failed:
    movl $1, %eax
    ret

    .bss
    .balign 16
user_stack:
    .skip 16
    .skip STACK_BYTES
    .globl stack_top
stack_top:

    .section .note.GNU-stack, "", @progbits
