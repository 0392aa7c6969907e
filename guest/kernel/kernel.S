/* The tiny kernel inside a domain. It schedules nothing and handles nothing: every exception is reported to the outside,
 * which decides. Where the monitor emulates CPL 0 (PVM: about 1 us an instruction) short is fast. */
#include "abi/domain.h"

    .section .header, "ax"

/* One stub for each vector. The CPU has pushed an error code for some vectors (SDM volume 3, table 6-1); the others get
 * a zero, so that every frame is a struct domain_frame. */
    .set vector, 0
    .rept 256
    .balign DOMAIN_VECTOR_BYTES
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    pushq $0
    .endif
    pushq $vector
    jmp report
    .set vector, vector + 1
    .endr

    .org 0x1000
report:
    outl %eax, $DOMAIN_PORT_FAULT
1:  hlt /* the outside never resumes here */
    jmp 1b

/* The handlers of what a domain can be told to handle itself (abi/domain.h). Those that need these run no programs. */
    .set data, DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_DATA * 4096
    .set window, DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_WINDOW * 4096

    .org DOMAIN_HANDLE_DIVIDE
    addq $2, (%rsp)
    iretq

    .org DOMAIN_HANDLE_PAGE
    pushq %rax
    movq %cr2, %rax
    subq data, %rax
    shrq $12, %rax
    cmpq $512, %rax
    jae 1f
    orq $1, window(, %rax, 8)
    addq $1, data + 8
    popq %rax
    addq $8, %rsp /* the error code */
    iretq
1:  popq %rax
    pushq $14
    jmp report

    .org DOMAIN_HANDLE_INTERRUPT
interrupt:
    pushq %rax
    pushq %rcx
    pushq %rdx
    addq $1, data + 16
    movl $0x80b, %ecx /* x2APIC EOI (SDM volume 3, 10.12) */
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    popq %rdx
    popq %rcx
    popq %rax
    iretq

    .org DOMAIN_SYSCALL_RETURN
    sysretq

    .org DOMAIN_HANDLE_SHOOTDOWN
    pushq %rax
    movq data + 24, %rax
    invlpg (%rax)
    popq %rax
    jmp interrupt

/* Written to CR3, bit 63 keeps what the TLB holds under the tag; read, it is 0 (SDM volume 3, 4.10.4.1). */
    .org DOMAIN_HANDLE_SWITCH
    pushq %rax
    movq %cr3, %rax
    xorq data + 32, %rax
    movq %rax, %cr3
    popq %rax
    addq $2, (%rsp)
    iretq

/* A fault of CPL 3 as an operating system handles it: looks the address up in the page tables, and makes the
 * entry present if it is one for later (PAGE_BIT_LATER of paging/page_tables.h) that allows what was tried.
 * Links have no rights to be masked off, and stand in the first 4 GiB. */
    .macro descend shift
    movq %cr2, %rcx
    shrq $\shift, %rcx
    andl $511, %ecx
    leaq (%rax, %rcx, 8), %rcx
    movq (%rcx), %rax
    testb $1, %al
    jz 2f
    .endm
    .macro follow
    andq $-4096, %rax
    addq DOMAIN_STATE_WINDOW(%rdx), %rax
    .endm

    .org DOMAIN_HANDLE_LATER
    pushq %rax
    pushq %rcx
    pushq %rdx
    movq %rsp, %rdx
    andq $-4096, %rdx
    movq DOMAIN_STATE_ROOT(%rdx), %rax
    descend 39
    follow
    descend 30
    follow
    descend 21
    testb $0x80, %al
    jnz 1f
    follow
    descend 12
1:  popq %rdx
    popq %rcx
    popq %rax
    pushq $14
    jmp report
2:  testl $0x800, %eax
    jz 1b
    movl 24(%rsp), %edx /* the error code: 2 for a write, 16 for a fetch */
    testb $2, %dl
    jz 3f
    testb $2, %al
    jz 1b
3:  testb $16, %dl
    jz 4f
    testq %rax, %rax
    js 1b
4:  movq %rax, %rdx
    xorq $0x801, %rdx
    lock cmpxchgq %rdx, (%rcx)
    jne 5f /* it has changed meanwhile: it is touched again */
    movq %rsp, %rdx
    andq $-4096, %rdx
    addq $1, DOMAIN_STATE_FAULTS(%rdx)
5:  popq %rdx
    popq %rcx
    popq %rax
    addq $8, %rsp
    iretq

/* What CPL 3 may execute has a page of its own. */
    .org DOMAIN_USER_CALL
    call *%rax
    outl %eax, $DOMAIN_PORT_DONE
    ud2

    .org DOMAIN_USER_SYSCALL
    syscall
    ud2

    .org DOMAIN_SYSCALL_ENTRY
    outl %eax, $DOMAIN_PORT_SYSCALL
    ud2

/* At CPL 0 SYSRET goes back; at CPL 3 the flags must be put back first, where R11 has them (OF by an addition that
 * overflows or not). A program that steps (TF) leaves. */
    .org DOMAIN_ANSWER
answer:
    cmpl answer + DOMAIN_ANSWER_DATA(%rip), %eax
    jne 3f
    btl $8, %r11d
    jc 3f
    incq answer + DOMAIN_ANSWER_DATA + 8(%rip)
    .org DOMAIN_ANSWER + DOMAIN_ANSWER_COUNTED /* just behind that, with nothing in between */
    movl %cs, %eax
    testb $3, %al
    jz 2f
    movl %r11d, %eax
    andl $0x800, %eax
    addl $0x7ffff800, %eax
    movl %r11d, %eax
    movb %al, %ah
    sahf
    movl answer + DOMAIN_ANSWER_DATA + 4(%rip), %eax
    jmp *%rcx
2:  movl answer + DOMAIN_ANSWER_DATA + 4(%rip), %eax
    sysretq
    .org DOMAIN_ANSWER + DOMAIN_ANSWER_LEAVE
3:  outl %eax, $DOMAIN_PORT_SYSCALL
    ud2
    .org DOMAIN_ANSWER + DOMAIN_ANSWER_BYTES

    .org DOMAIN_KERNEL_PAGES * 4096
    .section .note.GNU-stack, "", @progbits
