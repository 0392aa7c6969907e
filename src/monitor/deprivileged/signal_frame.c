#include "monitor/deprivileged/signal_frame.h"

#include <assert.h>
#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>

static_assert(offsetof(struct signal_frame, r8) == 8 + 40, "struct sigcontext begins there");
static_assert(offsetof(struct signal_frame, mask) == 8 + 40 + 256, "and has 256 bytes");
static_assert(sizeof(struct signal_frame) == 8 + 304 + 128, "struct ucontext, siginfo");

enum {
    LONG_CODE = 0x33, /* Linux's __USER_CS, __USER_DS */
    LONG_DATA = 0x2b,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_GENERAL_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTORS = 32
};

void frame_read_registers(const struct signal_frame *frame, struct vcpu_registers *registers)
{
    *registers = (struct vcpu_registers){
        .rax = frame->rax,
        .rbx = frame->rbx,
        .rcx = frame->rcx,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rsp = frame->rsp,
        .rbp = frame->rbp,
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rip = frame->rip,
        .rflags = frame->rflags,
    };
}

void frame_write_registers(struct signal_frame *frame, const struct vcpu_registers *registers)
{
    frame->rax = registers->rax;
    frame->rbx = registers->rbx;
    frame->rcx = registers->rcx;
    frame->rdx = registers->rdx;
    frame->rsi = registers->rsi;
    frame->rdi = registers->rdi;
    frame->rsp = registers->rsp;
    frame->rbp = registers->rbp;
    frame->r8 = registers->r8;
    frame->r9 = registers->r9;
    frame->r10 = registers->r10;
    frame->r11 = registers->r11;
    frame->r12 = registers->r12;
    frame->r13 = registers->r13;
    frame->r14 = registers->r14;
    frame->r15 = registers->r15;
    frame->rip = registers->rip;
    frame->rflags = registers->rflags;
    frame->cs = LONG_CODE;
    frame->ss = LONG_DATA;
    frame->mask = 0;
}

static void read_call(const struct signal_frame *frame, struct child_trap *trap)
{
    trap->kind = frame->info.call.architecture == AUDIT_ARCH_X86_64 ? CHILD_SYSCALL : CHILD_INT80;
    trap->number = (uint32_t)frame->info.call.number;
}

/* The vector is the kernel's own word for it; 13 stands for all that it has no better one for. */
static void read_exception(const struct signal_frame *frame, struct child_trap *trap)
{
    trap->kind = CHILD_EXCEPTION;
    trap->vector = frame->vector < VECTORS ? (unsigned)frame->vector : VECTOR_GENERAL_PROTECTION;
    if (frame->number == SIGILL) /* which some system calls raise, too: then the vector is an old one */
        trap->vector = VECTOR_INVALID_OPCODE;
    trap->error_code = frame->error_code;
    if (trap->vector == VECTOR_PAGE_FAULT) {
        trap->address = frame->cr2;
        trap->no_memory = frame->number == SIGBUS;
    }
}

bool frame_read_trap(const struct signal_frame *frame, struct child_trap *trap)
{
    switch (frame->number) {
    case SIGSYS:
        read_call(frame, trap);
        return true;
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
        read_exception(frame, trap);
        return true;
    default:
        return false;
    }
}
