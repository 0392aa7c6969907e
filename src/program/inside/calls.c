#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/own_proc.h"
#include "program/inside/proc_text.h"
#include "program/inside/seccomp.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
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

bool call_is_made_at(uint64_t rip, bool *begun)
{
    *begun = rip == (uintptr_t)call_made;
    return rip >= (uintptr_t)call_unless_caught && rip <= (uintptr_t)call_leaves;
}

/* ---- forwarding ---- */

enum { LONGEST_PATH = sizeof "/proc/4194304/task/4194304/status" };

/* A path's last part. */
static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Is that in what /proc has of this process, or of a thread of it? What it says there of the executable is
 * vcost for the kernel, and the program for itself. */
static bool is_own(const char *path, bool threads)
{
    static const char self[] = "/proc/self/", thread_self[] = "/proc/thread-self/";
    const char *name = name_in(path);
    size_t before = (size_t)(name - path);
    if (before == sizeof self - 1 && !memcmp(path, self, before))
        return true;
    if (before == sizeof thread_self - 1 && !memcmp(path, thread_self, before))
        return threads;
    return own_part(path, threads) == name;
}

/* The same path from the root; false: from there it is longer than those of /proc that matter. */
static bool find_from_root(
    const struct thread *thread, int directory, const char *path, char whole[static 2 * LONGEST_PATH + 1])
{
    const struct process *process = thread->process;
    ssize_t length = directory == AT_FDCWD ? readlinkat(process->kept.proc, "self/cwd", whole, LONGEST_PATH)
                                           : own_link_read(process, directory, whole, LONGEST_PATH);
    if (length < 0 || length >= LONGEST_PATH)
        return false;
    if (length == 1) /* the root itself */
        length = 0;
    snprintf(whole + length, LONGEST_PATH + 1, "/%s", path);
    return true;
}

static bool names_own(const struct thread *thread, int directory, const char *text, bool threads)
{
    char whole[2 * LONGEST_PATH + 1];
    return text[0] == '/' ? is_own(text, threads)
                          : find_from_root(thread, directory, text, whole) && is_own(whole, threads);
}

/* `text`: what stands at a path. */
static const char *path_of(const struct thread *thread, int directory, uint64_t path, const char *text)
{
    bool own = strcmp(name_in(text), "exe") == 0 && names_own(thread, directory, text, true);
    return own ? thread->process->executable : (const char *)(uintptr_t)path;
}

const char *call_path(const struct thread *thread, int directory, uint64_t path)
{
    char text[LONGEST_PATH];
    return access_text(thread->process, path, text, sizeof text) == 0 ? path_of(thread, directory, path, text)
                                                                      : (const char *)(uintptr_t)path;
}

/* One at a time: of this thread of the host. */
static _Thread_local int opened = -1;

const char *call_opened(const struct thread *thread, int directory, uint64_t path, uint64_t flags)
{
    static _Thread_local char link[sizeof "/proc/self/fd/" + 12];
    const uint64_t others = O_ACCMODE | O_CREAT | O_DIRECTORY | O_NOFOLLOW | O_PATH;
    char text[LONGEST_PATH];
    if (access_text(thread->process, path, text, sizeof text) < 0)
        return (const char *)(uintptr_t)path;
    if (flags & others || !proc_text_has(name_in(text)) || !names_own(thread, directory, text, false) ||
        (opened = proc_text_open(thread, name_in(text))) < 0)
        return path_of(thread, directory, path, text);
    snprintf(link, sizeof link, "/proc/self/fd/%d", opened);
    return link;
}

void call_opened_done(void)
{
    if (opened >= 0)
        close(opened);
    opened = -1;
}

/* ---- what a thread asked for ---- */

/* Back to the instruction: it is made again when the signal's handler has returned. */
static void make_again(struct vcpu_registers *registers, uint64_t number)
{
    enum { SYSCALL_BYTES = 2 };
    registers->rip -= SYSCALL_BYTES;
    registers->rax = number;
}

/* Which handlers may interrupt it, and those that these may, hangs on the mask that it waited with. */
static void note_mask(struct thread *thread, const char *kinds, const uint64_t *arguments)
{
    for (unsigned i = 0; kinds[i]; i++) {
        char kind = kinds[i];
        if (kind == 'U')
            kind = arguments[i - 1] & IORING_ENTER_EXT_ARG ? 'W' : 'm';
        uint64_t mask = kind == 'm' ? arguments[i] : 0;
        if (kind == 'W' && arguments[i])
            access_read(thread->process, arguments[i], &mask, sizeof mask);
        if (mask)
            thread->waited =
                access_read(thread->process, mask, &thread->waited_mask, sizeof thread->waited_mask) == 0;
    }
}

/* With a timeout it would wait longer (Linux, kernel/futex/waitwake.c, futex_wait()). */
static bool is_timed_wait(uint64_t number, const uint64_t *arguments)
{
    unsigned operation = (unsigned)arguments[1] & FUTEX_CMD_MASK;
    return number == SYS_futex && arguments[3] && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET);
}

static void finish(struct thread *thread, const struct call *call, uint64_t number, const uint64_t *arguments,
    int64_t result)
{
    struct vcpu_registers *registers = &thread->user.registers;
    if (result == CALL_REGISTERS_SET)
        return;
    bool interrupted = result == -EINTR && call && call->way == CALL_FORWARD && thread->caught;
    bool again = result == CALL_AGAIN || (interrupted && call->restarts &&
                                             !is_timed_wait(number, arguments) && signals_restart(thread));
    if (again)
        make_again(registers, number);
    else
        registers->rax = (uint64_t)result;
    if (interrupted)
        note_mask(thread, call->kinds, arguments);
}

/* Whoever ends in the midst of it, and shares memory with others, may leave them a lock that is taken: it
 * ends a moment later. */
static int64_t emulate(struct thread *thread, const struct call *call, const uint64_t *arguments)
{
    if (!thread->process->borrowed)
        return call->function(thread, arguments);
    signals_block();
    int64_t result = call->function(thread, arguments);
    signals_let(thread);
    return result;
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
    struct window_work before = window_work();
    uint64_t began = __rdtsc();
    tally_add(&tally->calls[counted], 1);
    if (!seccomp_lets(thread, number, arguments, &result))
        call = NULL;
    else if (call && call->way == CALL_EMULATED)
        result = emulate(thread, call, arguments);
    else if (call && (call->way == CALL_REFUSED || call->way == CALL_ABSENT))
        result = -call->code;
    else if (call && (result = call_check(thread, call->kinds, arguments)) == 0)
        result = call_host(thread, (long)number, arguments);
    call_opened_done();
    tally_add(&tally->call_ticks[counted], __rdtsc() - began);
    struct window_work after = window_work();
    if (after.calls > before.calls) {
        tally_add(&tally->memory_calls, 1);
        tally_add(&tally->memory_ns, after.cpu_ns - before.cpu_ns);
    }
    finish(thread, call, number, arguments, result);
}
