/* What of vcost is in a child when its guest runs: the way to the monitor and back, and the helper's loop.
 * Guest code may jump anywhere into this page; seccomp lets its system calls here do only what harms nobody
 * (child_filter.c). Runs wherever it is mapped below the desk, uses no stack but what is said. */
#include "child_desk.h"

#include <asm/unistd.h>

#define DESK(offset) desk + (offset)(%rip)

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define SIGUSR1 10
#define CONTEXT_RIP 168 /* in struct ucontext of the kernel: 40 + RIP's place in struct sigcontext */

    .set desk, stub + (DESK_BASE - DESK_TOP)

    .section .stub, "ax"
    .globl stub
stub:

/* ---- the signal handler: signal in EDI, context in RDX, on the signal stack ---- */
    .globl stub_signal
stub_signal:
    cmpl $SIGUSR1, %edi
    jne 1f
    /* A kick. In the stub it comes too early or too late: the monitor sends another one. */
    movq CONTEXT_RIP(%rdx), %rax
    leaq stub(%rip), %rcx
    subq %rcx, %rax
    cmpq $DESK_STUB_BYTES, %rax
    jb stub_restore
1:  movq %rsp, DESK(DESK_FRAME)
    rdfsbase %rax
    movq %rax, DESK(DESK_FS_BASE)
    rdgsbase %rax
    movq %rax, DESK(DESK_GS_BASE)
    movl $TURN_SIGNAL, %eax
    leaq 2f(%rip), %r12
    jmp hand_over
2:  cmpl $TURN_GUEST, %eax
    je 3f
    leaq 2b(%rip), %r12
    jmp wait_for_turn
3:  movq DESK(DESK_FS_BASE), %rax
    wrfsbase %rax
    movq DESK(DESK_GS_BASE), %rax
    wrgsbase %rax
    .globl stub_restore
stub_restore: /* where the kernel has the handler return to, but for the address that was popped */
    addq $8, %rsp
    movl $__NR_rt_sigreturn, %eax
    syscall
    ud2

/* ---- the hypercall without a signal: goes on at RCX ---- */
    .org stub + DESK_CALL
    movq %rbx, DESK(DESK_RBX)
    movq %rsp, DESK(DESK_RSP)
    movq %rbp, DESK(DESK_RBP)
    movq %r8, DESK(DESK_R8)
    movq %r9, DESK(DESK_R9)
    movq %r10, DESK(DESK_R10)
    movq %r11, DESK(DESK_R11)
    movq %r12, DESK(DESK_R12)
    movq %r13, DESK(DESK_R13)
    movq %r14, DESK(DESK_R14)
    movq %r15, DESK(DESK_R15)
    leaq DESK(DESK_SCRATCH), %rsp
    pushfq
    rdfsbase %r8
    movq %r8, DESK(DESK_FS_BASE)
    rdgsbase %r8
    movq %r8, DESK(DESK_GS_BASE)
    /* The turn's cache line, which the monitor may be looking at, last. */
    popq DESK(DESK_RFLAGS)
    movq %rax, DESK(DESK_RAX)
    movq %rcx, DESK(DESK_RCX)
    movq %rcx, DESK(DESK_RIP)
    movq %rdi, DESK(DESK_RDI)
    movq %rsi, DESK(DESK_RSI)
    movq %rdx, DESK(DESK_RDX)
    movl $TURN_CALLED, %eax
    leaq called_back(%rip), %r12
    jmp hand_over
called_back:
    cmpl $TURN_SHOW, %eax
    jne 1f
    ud2 /* the monitor has the registers and puts them into the frame */
1:  rdfsbase %rax /* to write them takes longer */
    cmpq DESK(DESK_FS_BASE), %rax
    je 2f
    movq DESK(DESK_FS_BASE), %rax
    wrfsbase %rax
2:  rdgsbase %rax
    cmpq DESK(DESK_GS_BASE), %rax
    je 3f
    movq DESK(DESK_GS_BASE), %rax
    wrgsbase %rax
3:  leaq DESK(DESK_RFLAGS), %rsp
    popfq
    movq DESK(DESK_RAX), %rax
    movq DESK(DESK_RBX), %rbx
    movq DESK(DESK_RCX), %rcx
    movq DESK(DESK_RDX), %rdx
    movq DESK(DESK_RSI), %rsi
    movq DESK(DESK_RDI), %rdi
    movq DESK(DESK_RSP), %rsp
    movq DESK(DESK_RBP), %rbp
    movq DESK(DESK_R8), %r8
    movq DESK(DESK_R9), %r9
    movq DESK(DESK_R10), %r10
    movq DESK(DESK_R11), %r11
    movq DESK(DESK_R12), %r12
    movq DESK(DESK_R13), %r13
    movq DESK(DESK_R14), %r14
    movq DESK(DESK_R15), %r15
    jmp *DESK(DESK_RIP)

/* ---- the hand-over: writes EAX to DESK_TURN, wakes the monitor if it sleeps, and waits until it has changed
 * that; goes on at R12 with it in EAX. Spoils what a system call does. ---- */
hand_over:
    xchgl %eax, DESK(DESK_TURN) /* and a barrier */
    cmpl $0, DESK(DESK_MONITOR_SLEEPS)
    je wait_for_turn
    leaq DESK(DESK_TURN), %rdi
    movl $FUTEX_WAKE, %esi
    movl $1, %edx
    movl $__NR_futex, %eax
    syscall
wait_for_turn:
    xorl %ecx, %ecx
1:  movl DESK(DESK_TURN), %eax
    cmpl $TURN_SIGNAL, %eax
    je 2f
    cmpl $TURN_CALLED, %eax
    je 2f
    jmp *%r12
2:  pause
    incl %ecx
    cmpl DESK(DESK_SPINS), %ecx /* which the monitor may change meanwhile */
    jb 1b
    movl $1, %ecx
    xchgl %ecx, DESK(DESK_GUEST_SLEEPS)
    leaq DESK(DESK_TURN), %rdi
    movl $FUTEX_WAIT, %esi
    movl %eax, %edx
    xorl %r10d, %r10d
    movl $__NR_futex, %eax
    syscall
    movl $0, DESK(DESK_GUEST_SLEEPS)
    jmp wait_for_turn

/* ---- a child is made: stub_spawn(clone flags, the guest's stack), in the helper, never returns ---- */
    .globl stub_spawn
stub_spawn:
    leaq DESK(DESK_GUEST_PID), %rdx
    xorl %r10d, %r10d
    xorl %r8d, %r8d
    movl $__NR_clone, %eax
    syscall
    testq %rax, %rax
    jz guest_prepare /* in C, on the signal stack; ends in stub_enter */
    js spawn_failed
    movl $__NR_seccomp, %eax
    movl $1, %edi /* SECCOMP_SET_MODE_FILTER */
    xorl %esi, %esi
    leaq DESK(DESK_HELPER_PROG), %rdx
    syscall
    testq %rax, %rax
    jnz spawn_failed

/* The helper. No stack, and nothing read that the guest can write. */
    xorl %r12d, %r12d /* the last sequence number that was done */
helper_wait:
    movl DESK(DESK_SEQUENCE), %eax
    cmpl %r12d, %eax
    jne helper_work
    leaq DESK(DESK_SEQUENCE), %rdi
    movl $FUTEX_WAIT, %esi
    movl %r12d, %edx
    xorl %r10d, %r10d
    movl $__NR_futex, %eax
    syscall
    jmp helper_wait
helper_work:
    movl %eax, %r12d
    movl DESK(DESK_COUNT), %r13d
    leaq DESK(DESK_LIST), %r14
    xorl %eax, %eax
1:  testl %r13d, %r13d
    jz helper_answer
    movq 0(%r14), %rax
    movq 8(%r14), %rdi
    movq 16(%r14), %rsi
    movq 24(%r14), %rdx
    movq 32(%r14), %r10
    movq 40(%r14), %r8
    movq 48(%r14), %r9
    cmpq $ORDER_TOUCH, %rax
    je helper_touch
    syscall
helper_next:
    addq $DESK_ORDER_BYTES, %r14
    decl %r13d
    cmpq $-4095, %rax
    jae 2f
    xorl %eax, %eax
    jmp 1b
2:  negq %rax
    cmpq $ANSWERS, %rax
    jb helper_answer
    movl $22, %eax /* EINVAL: no order of ours gives another one */
helper_answer: /* errno in RAX: the number in the table is one more, as an eventfd counts from one */
    leaq answers(%rip), %rsi
    leaq (%rsi,%rax,8), %rsi
    movl DESK(DESK_REPLY), %edi
    movl $8, %edx
    movl $__NR_write, %eax
    syscall
    jmp helper_wait

/* From RDI to RSI; what is read there is nothing. Linux enters as much behind the start of a mapping, and around any other
 * address what is between two multiples. */
helper_touch:
    movb (%rdi), %al
    addq $ORDER_TOUCH_STEP, %rdi
1:  cmpq %rsi, %rdi
    jae 2f
    movb (%rdi), %al
    andq $-ORDER_TOUCH_STEP, %rdi
    addq $ORDER_TOUCH_STEP, %rdi
    jmp 1b
2:
    xorl %eax, %eax
    jmp helper_next

spawn_failed:
    negl %eax
    movl %eax, DESK(DESK_FAILED_CODE)
    movl $STEP_SPAWN, DESK(DESK_FAILED_STEP)
    movl $TURN_DEAD, DESK(DESK_TURN)
    movl $__NR_exit_group, %eax
    syscall

/* stub_enter(): the guest's task leaves the C code behind and makes its first trap. */
    .globl stub_enter
stub_enter:
    leaq stub + DESK_STUB_BYTES(%rip), %rdi
    movl $(DESK_BASE - DESK_TOP - DESK_STUB_BYTES), %esi
    movl $__NR_munmap, %eax
    syscall
    testq %rax, %rax
    jnz spawn_failed
    leaq stub + (DESK_NURSERY_STACK - DESK_TOP)(%rip), %rdi
    movl $DESK_NURSERY_STACK_BYTES, %esi
    movl $__NR_munmap, %eax
    syscall
    testq %rax, %rax
    jnz spawn_failed
    movl $__NR_seccomp, %eax
    movl $1, %edi
    xorl %esi, %esi
    leaq DESK(DESK_GUEST_PROG), %rdx
    syscall
    testq %rax, %rax
    jnz spawn_failed
    ud2

    .balign 8
    .set ANSWERS, 134
answers:
    .set number, 1
    .rept ANSWERS
    .quad number
    .set number, number + 1
    .endr
    .org stub + DESK_STUB_BYTES

/* ---- the nursery's first instructions, where the kernel has loaded it: they map it to where it belongs. The stack that the
 * kernel made may be in the way, so it is not used. ---- */
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_PRIVATE 2
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20

    .section .start, "ax"
    .globl _start
_start:
    movabsq $DESK_TOP, %rdi
    movl $(DESK_BASE - DESK_TOP), %esi
    movl $(PROT_READ | PROT_EXEC), %edx
    movl $(MAP_PRIVATE | MAP_FIXED), %r10d
    movl $DESK_FD_IMAGE, %r8d
    movl $DESK_IMAGE_OFFSET, %r9d
    movl $__NR_mmap, %eax
    syscall
    cmpq $-4095, %rax
    jae 1f
    movabsq $DESK_NURSERY_STACK, %rdi
    movl $DESK_NURSERY_STACK_BYTES, %esi
    movl $(PROT_READ | PROT_WRITE), %edx
    movl $(MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS), %r10d
    movq $-1, %r8
    xorl %r9d, %r9d
    movl $__NR_mmap, %eax
    syscall
    cmpq $-4095, %rax
    jae 1f
    leaq DESK_NURSERY_STACK_BYTES(%rax), %rsp
    movabsq $DESK_TOP, %rax
    leaq stub(%rip), %rcx
    subq %rcx, %rax /* from here to there */
    leaq nursery(%rip), %rcx
    addq %rcx, %rax
    call *%rax
1:  movl $__NR_exit_group, %eax
    movl $1, %edi
    syscall
    ud2

    .section .note.GNU-stack, "", @progbits
