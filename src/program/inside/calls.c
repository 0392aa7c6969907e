#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <x86intrin.h>

/* ---- making one ---- */

/* A signal between looking at `caught` and SYSCALL would be noticed only when the call is over, which may be
 * never: its handler sees that the thread is in between, by these labels, and makes it leave. */
int64_t call_unless_caught(const volatile int *caught, long number, const uint64_t *arguments);
extern const char call_looks[], call_made[], call_leaves[];
__asm__(".text\n"
        ".globl call_unless_caught, call_looks, call_made, call_leaves\n"
        ".type call_unless_caught, @function\n"
        "call_unless_caught:\n"
        "    mov %rdi, %rcx\n"
        "    mov %rsi, %rax\n"
        "    mov %rdx, %r11\n"
        "    mov (%r11), %rdi\n"
        "    mov 8(%r11), %rsi\n"
        "    mov 16(%r11), %rdx\n"
        "    mov 24(%r11), %r10\n"
        "    mov 32(%r11), %r8\n"
        "    mov 40(%r11), %r9\n"
        "call_looks:\n"
        "    cmpl $0, (%rcx)\n"
        "    jne call_leaves\n"
        "    syscall\n"
        "call_made:\n"
        "    ret\n"
        "call_leaves:\n"
        "    mov $-4097, %rax\n"
        "    ret\n"
        ".size call_unless_caught, . - call_unless_caught\n");
_Static_assert(CALL_AGAIN == -4097, "the number in call_leaves");

int64_t call_host(struct thread *thread, long number, const uint64_t *arguments)
{
    return call_unless_caught(&thread->caught, number, arguments);
}

bool call_is_about_to(uint64_t rip, uint64_t *resume)
{
    bool within = rip >= (uintptr_t)call_looks && rip < (uintptr_t)call_made;
    if (within)
        *resume = (uintptr_t)call_leaves;
    return within;
}

/* ---- forwarding ---- */

static bool is_kept(const struct process *process, uint64_t descriptor)
{
    int number = (int)descriptor;
    return number >= process->kept.first && number < process->kept.behind;
}

/* What /proc says of a process' executable is vcost for the kernel, and the program for itself. */
static bool is_own_executable(const char *path)
{
    unsigned long pid;
    char end;
    if (!strcmp(path, "/proc/self/exe") || !strcmp(path, "/proc/thread-self/exe"))
        return true;
    return sscanf(path, "/proc/%lu/ex%c", &pid, &end) == 2 && end == 'e' && pid == (unsigned long)getpid() &&
           !strcmp(strrchr(path, '/'), "/exe");
}

const char *call_path(const struct thread *thread, uint64_t path)
{
    enum { LONGEST = sizeof "/proc/thread-self/exe" + 8, PREFIX = sizeof "/proc/" - 1 };
    char text[LONGEST];
    const char *as_it_is = (const char *)(uintptr_t)path;
    if (access_read(thread->process, path, text, PREFIX) < 0 || memcmp(text, "/proc/", PREFIX) != 0 ||
        access_text(thread->process, path, text, sizeof text) < 0)
        return as_it_is;
    return is_own_executable(text) ? thread->process->executable : as_it_is;
}

static int check_vector(const struct process *process, uint64_t vector, uint64_t count)
{
    struct iovec entry;
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < count && i < IOV_MAX; i++) {
        rc = access_read(process, vector + i * sizeof entry, &entry, sizeof entry);
        if (rc == 0 && window_is_foreign(process->window, (uintptr_t)entry.iov_base))
            rc = -EFAULT;
    }
    return rc;
}

/* Pointers that the kernel would find memory of the monitor at. How much is read or written behind the others
 * it knows itself: no memory of the monitor is near the end of the program's. */
static int check_arguments(const struct thread *thread, const char *kinds, uint64_t *arguments)
{
    const struct process *process = thread->process;
    for (size_t i = 0; kinds[i]; i++) {
        uint64_t value = arguments[i];
        if (kinds[i] == 'f' && is_kept(process, value))
            return -EBADF;
        if (kinds[i] != 'p' && kinds[i] != 's' && kinds[i] != 'V')
            continue;
        if (window_is_foreign(process->window, value))
            return -EFAULT;
        if (kinds[i] == 's')
            arguments[i] = (uintptr_t)call_path(thread, value);
        if (kinds[i] == 'V' && check_vector(process, value, arguments[i + 1]) < 0)
            return -EFAULT;
    }
    return 0;
}

/* ---- what a thread asked for ---- */

/* Back to the instruction: it is made again when the signal's handler has returned. */
static void make_again(struct vcpu_registers *registers, uint64_t number)
{
    enum { SYSCALL_BYTES = 2 };
    registers->rip -= SYSCALL_BYTES;
    registers->rax = number;
}

static void finish(struct thread *thread, const struct call *call, uint64_t number, int64_t result)
{
    struct vcpu_registers *registers = &thread->user.registers;
    if (result == CALL_REGISTERS_SET)
        return;
    bool again = result == CALL_AGAIN ||
                 (result == -EINTR && call && call->restarts && thread->caught && signals_restart(thread));
    if (again)
        make_again(registers, number);
    else
        registers->rax = (uint64_t)result;
}

void calls_make(struct thread *thread)
{
    const struct vcpu_registers *registers = &thread->user.registers;
    struct tally *tally = thread->process->tally;
    uint64_t number = registers->rax;
    uint64_t arguments[6] = {
        registers->rdi, registers->rsi, registers->rdx, registers->r10, registers->r8, registers->r9};
    const struct call *call = number < CALLS_MAX ? call_at((unsigned)number) : NULL;
    size_t counted = number < TALLY_CALLS - 1 ? number : TALLY_CALLS - 1;
    int64_t result = -ENOSYS;
    uint64_t began = __rdtsc();
    tally_add(&tally->calls[counted], 1);
    if (call && call->way == CALL_EMULATED)
        result = call->function(thread, arguments);
    else if (call && call->way == CALL_REFUSED)
        result = -call->code;
    else if (call && (result = check_arguments(thread, call->kinds, arguments)) == 0)
        result = call_host(thread, (long)number, arguments);
    tally_add(&tally->call_ticks[counted], __rdtsc() - began);
    finish(thread, call, number, result);
}
