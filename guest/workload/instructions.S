/* The entry "instruction": number job->steps of the list of abi/instructions.h. */
#include "abi/instructions.h"
#include "abi/workload.h"

/* Offsets in struct workload_job, which experiment/verify_instructions.c holds against it. */
    .set job_steps, 0
    .set job_answer, 32
    .set job_operands, 64
    .set job_finished, 168

    .text
    .globl instruction
instruction:
    .irp register, rbx, rbp, r12, r13, r14, r15
    push %\register
    .endr
    mov job_steps(%rdi), %rsi
    cmp $(offsets_end - offsets) / 4, %rsi
    jae finish
    lea offsets(%rip), %r8
    movslq (%r8, %rsi, 4), %r9
    add %r8, %r9
    mov job_operands(%rdi), %rax
    mov job_operands + 8(%rdi), %rcx
    mov job_operands + 16(%rdi), %rdx
    push %rdi
    mov %rsp, %r12 /* kept, whatever else the instruction leaves in registers and on the stack */
    jmp *%r9
executed:
    mov %r12, %rsp
    pop %rdi
    mov %rax, job_answer(%rdi)
    movabs $WORKLOAD_MAGIC, %rax
    mov %rax, job_finished(%rdi)
finish:
    .irp register, r15, r14, r13, r12, rbp, rbx
    pop %\register
    .endr
    ret

#define CODE(name, ...) instruction_##name: __VA_ARGS__; jmp executed;
INSTRUCTIONS(CODE)

    .balign 4
offsets:
#define OFFSET(name, ...) .long instruction_##name - offsets;
INSTRUCTIONS(OFFSET)
offsets_end:

/* ---- what takes more than a line ---- */

/* The general registers but RSP and RDI, each with a number of its own, across 16 exits. */
general_across:
    push %r12
    .set number, 1
    .irp register, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    movabs $number * 0x9e3779b97f4a7c1, %\register
    .set number, number + 1
    .endr
    .rept 16
    out %eax, $DOMAIN_PORT_NULL
    .endr
    xor %eax, %eax
    .set number, 1
    .irp register, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    push %rdi
    movabs $number * 0x9e3779b97f4a7c1, %rdi
    cmp %rdi, %\register
    je 1f
    inc %eax
1:  pop %rdi
    .set number, number + 1
    .endr
    pop %r12
    ret

/* XMM registers, MXCSR and the x87 control word likewise. */
vector_across:
    .set number, 1
    .irp register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movabs $number * 0x9e3779b97f4a7c1, %rax
    movq %rax, %xmm\register
    punpcklqdq %xmm\register, %xmm\register
    .set number, number + 1
    .endr
    push $0x7f80 /* round towards zero, all masked */
    ldmxcsr (%rsp)
    push $0xf7f /* likewise */
    fldcw (%rsp)
    .rept 16
    out %eax, $DOMAIN_PORT_NULL
    .endr
    xor %eax, %eax
    stmxcsr 4(%rsp)
    fnstcw 2(%rsp)
    cmpl $0x7f80, 4(%rsp)
    setne %al
    cmpw $0xf7f, 2(%rsp)
    setne %cl
    add %cl, %al
    add $16, %rsp
    fninit
    push $0x1f80
    ldmxcsr (%rsp)
    pop %rdx
    .set number, 1
    .irp register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movabs $number * 0x9e3779b97f4a7c1, %rdx
    movq %xmm\register, %rcx
    cmp %rdx, %rcx
    jne 1f
    punpckhqdq %xmm\register, %xmm\register
    movq %xmm\register, %rcx
    cmp %rdx, %rcx
    je 2f
1:  inc %eax
2:  .set number, number + 1
    .endr
    ret

/* RCX rounds of what programs compute with: products, quotients, rotations, bits, numbers of SSE and x87. */
arithmetic:
    fninit
    push $0x1f80
    ldmxcsr (%rsp)
    pop %r8
    mov %rcx, %r8
    movabs $0x9e3779b97f4a7c15, %rax
    mov %rax, %r9
1:  mul %r9
    xor %rdx, %rax
    ror $17, %rax
    popcnt %rax, %r10
    bsr %rax, %r11
    add %r10, %rax
    xor %r11, %rax
    xor %edx, %edx
    lea 3(%r8), %r10
    div %r10
    lea (%rax, %rdx, 8), %rax
    cvtsi2sd %rax, %xmm0
    sqrtsd %xmm0, %xmm0
    movq %xmm0, %r10
    push %r10
    fldl (%rsp)
    fsqrt
    fstpl (%rsp)
    pop %r10
    crc32 %r10, %r9
    xor %r10, %rax
    adc $0, %rax
    or $1, %r9
    dec %r8
    jnz 1b
    ret

/* All widths, to and from the ports RCX, RCX - RDX … down to 0. */
ports:
    mov %edx, %r8d
1:  mov %ecx, %edx
    out %al, %dx
    out %ax, %dx
    out %eax, %dx
    in %dx, %al
    in %dx, %ax
    in %dx, %eax
    sub %r8d, %ecx
    ja 1b
    ret

/* MOV of all widths to and from the first 16 bytes of the page at RCX and the last 16, at the end over its edge. */
device:
    mov $16, %r8d
1:  lea -1(%rcx, %r8), %r9
    call touch_device
    add $0xff0, %r9
    call touch_device
    dec %r8d
    jnz 1b
    ret
touch_device:
    mov %al, (%r9)
    mov %ax, (%r9)
    mov %eax, (%r9)
    mov %rax, (%r9)
    mov (%r9), %al
    mov (%r9), %ax
    mov (%r9), %eax
    mov (%r9), %rax
    movzbl (%r9), %eax
    movl $-1, (%r9)
    ret

/* RCX hypercalls: every other number is a small one, arguments are wild. */
    .macro hypercalls instruction
    mov %rcx, %r14
1:  movabs $0x9e3779b97f4a7c15, %rax
    imul %r14, %rax
    test $1, %r14b
    jz 2f
    movzbl %al, %eax
2:  mov $-1, %rbx
    mov $-4096, %rcx
    movabs $0x8000000000000000, %rdx
    mov %rax, %rsi
    \instruction
    dec %r14
    jnz 1b
    ret
    .endm
vmcalls:
    hypercalls vmcall
vmmcalls:
    hypercalls vmmcall

/* Of a system call: none of them can be anything good. */
wild_arguments:
    .irp register, rdi, rsi, rdx, r10, r8, r9
    mov $-1, %\register
    .endr
    ret

    .section .note.GNU-stack, "", @progbits
