/* Single instructions and hostile loops that `vcost verify` executes natively and in guests: what they are is
 * told here once, for the code inside (guest/workload/instructions.S) and for whoever knows what should come
 * of them (experiment/verify_*.c).
 *
 * The entry "instruction" of the workload image executes number job->steps with RAX, RCX and RDX from
 * job->cursor[4], [5] and [6]; what is in RAX afterwards goes to job->cursor[0]. RDI is the job, which has 16
 * bytes for it at INSTRUCTION_ROOM(%rdi). All registers but R12 and RSP may be spoiled; what lies on the
 * stack stays there. */
#ifndef VCOST_ABI_INSTRUCTIONS_H
#define VCOST_ABI_INSTRUCTIONS_H

#include "abi/domain.h"

#define INSTRUCTION_ROOM 96 /* offset in struct workload_job */

/* clang-format off */
#define INSTRUCTIONS(X) \
    /* Sensitive, and not privileged (Robin and Irvine 2000, and what came after): RAX is what was told. */ \
    X(SGDT, sgdt INSTRUCTION_ROOM(%rdi); mov INSTRUCTION_ROOM + 2(%rdi), %rax) \
    X(SIDT, sidt INSTRUCTION_ROOM(%rdi); mov INSTRUCTION_ROOM + 2(%rdi), %rax) \
    X(SLDT, sldt %eax) \
    X(STR, str %eax) \
    X(SMSW, smsw %rax) \
    X(PUSHF, pushfq; pop %rax) \
    X(POPF, pushfq; pop %rcx; mov %rcx, %rax; and $~0x200, %rax; push %rax; popfq; pushfq; pop %rax; push %rcx; popfq) \
    X(LAR, xor %eax, %eax; lar %ecx, %eax) \
    X(LSL, xor %eax, %eax; lsl %ecx, %eax) \
    X(VERR, xor %eax, %eax; verr %cx; setz %al) \
    X(VERW, xor %eax, %eax; verw %cx; setz %al) \
    X(READ_CS, mov %cs, %eax) \
    X(READ_SS, mov %ss, %eax) \
    X(LOAD_DS, mov %ds, %edx; mov %ecx, %ds; mov %ds, %eax; mov %edx, %ds) \
    X(FAR_CALL, shl $32, %rcx; push %rcx; lcall *(%rsp)) /* to offset 0 */ \
    X(FAR_RETURN, push %rcx; lea 1f(%rip), %rax; push %rax; lretq; 1: mov %cs, %eax) \
    X(IRET, mov %rsp, %rax; push %rdx; push %rax; pushfq; push %rcx; lea 1f(%rip), %rax; push %rax; iretq; 1: mov %cs, %eax) \
    X(INT, int $0x80) \
    X(INT3, int3) \
    X(RDTSC, rdtsc; mov %eax, %ecx; mov %edx, %esi; rdtsc; sub %ecx, %eax; sbb %esi, %edx; mov $0, %eax; setns %al) \
    X(RDTSCP, rdtscp; mov %ecx, %eax) \
    X(RDPID, rdpid %rax) \
    X(CPUID_APIC, cpuid; mov %ebx, %eax; shr $24, %eax) \
    X(CPUID_XSAVE, cpuid; mov %ecx, %eax; and $0x08000000, %eax) \
    X(XGETBV, xgetbv) \
    X(RDFSBASE, rdfsbase %rax; xor %eax, %eax) \
    X(RDPKRU, rdpkru) \
    X(CLI, cli; sti; xor %eax, %eax) \
    X(RDPMC, rdpmc) \
    /* Privileged. */ \
    X(HLT, hlt) \
    X(READ_CR0, mov %cr0, %rax) \
    X(READ_CR3, mov %cr3, %rax) \
    X(READ_CR4, mov %cr4, %rax) \
    X(READ_CR8, mov %cr8, %rax) \
    X(READ_DR7, mov %dr7, %rax) \
    X(WRITE_CR3, mov %rcx, %cr3) \
    X(LGDT, lgdt INSTRUCTION_ROOM(%rdi)) \
    X(LIDT, lidt INSTRUCTION_ROOM(%rdi)) \
    X(LLDT, lldt %cx) \
    X(LTR, ltr %cx) \
    X(LMSW, lmsw %ax) \
    X(CLTS, clts) \
    X(INVLPG, invlpg (%rdi)) \
    X(INVD, invd) \
    X(WBINVD, wbinvd) \
    X(RDMSR, rdmsr) \
    X(WRMSR, wrmsr) \
    X(SWAPGS, swapgs; swapgs) \
    X(SYSRET, sysretq) \
    /* Exceptions of each class. */ \
    X(DIVIDE, xor %edx, %edx; div %edx) \
    X(STEP, pushfq; orq $0x100, (%rsp); popfq; nop; nop) \
    X(INT1, .byte 0xf1) \
    X(UD2, ud2) \
    X(READ, mov (%rcx), %al) \
    X(READ_STACK, mov %rcx, %rbp; mov (%rbp), %al) \
    X(WRITE, movb $0x5a, (%rcx)) \
    X(FETCH, jmp *%rcx) \
    X(UNALIGNED, pushfq; orq $0x40000, (%rsp); popfq; mov INSTRUCTION_ROOM + 1(%rdi), %eax) \
    X(SSE, xorps %xmm0, %xmm0; push $0x1f00; ldmxcsr (%rsp); divss %xmm0, %xmm0; movd %xmm0, %eax) \
    X(X87, fninit; push $0x37e; fldcw (%rsp); fldz; fldz; fdivp; fwait) \
    /* State across exits: RAX is the number of registers that are not what they were. */ \
    X(PORT_IN, mov $-1, %rax; in $DOMAIN_PORT_NULL, %eax) \
    X(GENERAL, call general_across) \
    X(VECTOR, call vector_across) \
    X(ARITHMETIC, call arithmetic) \
    /* Hostile. */ \
    X(SPIN, 1: jmp 1b) \
    X(STORM, 1: out %eax, $DOMAIN_PORT_NULL; jmp 1b) \
    X(TRAPS, 1: cli; jmp 1b) \
    X(SPACES, mov %cr3, %rax; 1: mov %rcx, %cr3; add $4096, %rcx; dec %rdx; jnz 1b; mov %rax, %cr3) \
    X(PORTS, call ports) \
    X(OUT, mov %ecx, %edx; out %eax, %dx) \
    X(FORGED_FAULT, mov %rcx, %rsp; mov $-1, %rax; out %eax, $DOMAIN_PORT_FAULT) \
    X(READ_ALL, 1: mov (%rcx), %al; add $4096, %rcx; dec %rdx; jnz 1b) \
    X(STRING_PORTS, mov %rdi, %rsi; mov $0x80, %edx; mov $128, %ecx; rep outsb; mov $16, %ecx; \
      lea INSTRUCTION_ROOM(%rdi), %rdi; rep insb; lea -INSTRUCTION_ROOM - 16(%rdi), %rdi) \
    X(DEVICE, call device) \
    X(DEVICE_WIDE, movups (%rcx), %xmm0; movups %xmm0, 8(%rcx); lock incl (%rcx); xchg %rax, (%rcx); mov %rdi, %rsi; push (%rcx)) \
    X(VMCALLS, call vmcalls) \
    X(VMMCALLS, call vmmcalls) \
    X(SYSCALL, call wild_arguments; syscall) \
    X(SYSENTER, call wild_arguments; sysenter) \
    X(INT80, call wild_arguments; int $0x80) \
    X(ENTRY, mov %rax, (%rcx); invlpg (%rdx); mov (%rdx), %al; mov %al, (%rdx)) /* of a page table, and what it maps */ \
    X(TRIPLE, movq $0, INSTRUCTION_ROOM(%rdi); movq $0, INSTRUCTION_ROOM + 8(%rdi); lidt INSTRUCTION_ROOM(%rdi); ud2) \
    X(STACK, mov %rcx, %rsp; push %rax; ud2)
/* clang-format on */

#ifndef __ASSEMBLER__
enum instruction {
#define NUMBER(name, ...) INSTRUCTION_##name,
    INSTRUCTIONS(NUMBER)
#undef NUMBER
        INSTRUCTION_COUNT
};
#endif
#endif
