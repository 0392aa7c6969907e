#include "program/inside/creation.h"

#include "program/inside/access.h"
#include "program/inside/page.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- what is asked for ---- */

creation_asked creation_of_clone(const uint64_t *arguments)
{
    return (creation_asked){.flags = (uint32_t)arguments[0] & ~(uint64_t)CSIGNAL,
        .exit_signal = arguments[0] & CSIGNAL,
        .stack = arguments[1],
        .parent_tid = arguments[2],
        .pidfd = arguments[2],
        .child_tid = arguments[3],
        .tls = arguments[4]};
}

/* What a later kernel has may be 0. A page at a time: the next may not be there. */
static int check_rest(const struct process *process, uint64_t from, uint64_t to)
{
    char some[PAGE];
    for (size_t more; from < to; from += more) {
        more = PAGE - from % PAGE;
        more = more < to - from ? more : to - from;
        if (access_read(process, from, some, more) < 0)
            return -EFAULT;
        for (size_t i = 0; i < more; i++)
            if (some[i])
                return -E2BIG;
    }
    return 0;
}

/* Linux, copy_struct_from_user(). */
static int read_asked(const struct process *process, uint64_t at, uint64_t bytes, creation_asked *asked)
{
    const uint64_t known = bytes < sizeof *asked ? bytes : sizeof *asked;
    if (bytes > PAGE)
        return -E2BIG;
    if (bytes < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    int rc = check_rest(process, at + known, at + bytes);
    return rc < 0 ? rc : access_read(process, at, asked, known);
}

/* Not below 0, as the kernel sees addresses, whose own ones are there. */
static bool is_stack(uint64_t from, uint64_t bytes)
{
    return from ? bytes && from + bytes >= from && (int64_t)(from + bytes) >= 0 : !bytes;
}

static bool is_valid(const creation_asked *asked, uint64_t bytes)
{
    enum { NUMBERS_MAX = 32, SIGNALS_MAX = 64 }; /* Linux, MAX_PID_NS_LEVEL, _NSIG */
    const uint64_t known = UINT32_MAX | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP,
                   reused = CLONE_DETACHED | (CSIGNAL & ~(uint64_t)CLONE_NEWTIME),
                   handlers = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND;
    const bool into_group = asked->flags & CLONE_INTO_CGROUP,
               untold = asked->flags & (CLONE_THREAD | CLONE_PARENT);
    return asked->set_tid_size <= NUMBERS_MAX && !asked->set_tid == !asked->set_tid_size &&
           asked->exit_signal <= SIGNALS_MAX &&
           !(into_group && (asked->cgroup > INT_MAX || bytes < CLONE_ARGS_SIZE_VER2)) &&
           !(asked->flags & ~known) && !(asked->flags & reused) && (asked->flags & handlers) != handlers &&
           !(untold && asked->exit_signal) && is_stack(asked->stack, asked->stack_size);
}

int creation_of_clone3(const struct process *process, uint64_t at, uint64_t bytes, creation_asked *asked)
{
    *asked = (creation_asked){0};
    int rc = read_asked(process, at, bytes, asked);
    if (rc < 0)
        return rc;
    if (!is_valid(asked, bytes))
        return -EINVAL;
    asked->stack += asked->stack_size;
    asked->stack_size = 0;
    return 0;
}

int creation_check(const struct process *process, const creation_asked *asked)
{
    const uint64_t both = CLONE_PIDFD | CLONE_PARENT_SETTID;
    if ((asked->flags & both) == both && asked->pidfd == asked->parent_tid)
        return -EINVAL;
    bool foreign = (asked->flags & CLONE_PIDFD && window_is_foreign(process->window, asked->pidfd)) ||
                   window_is_foreign(process->window, asked->set_tid);
    return foreign ? -EFAULT : 0;
}

/* ---- what is told of it ---- */

void creation_tell(const struct process *process, const creation_asked *asked, uint64_t flags, pid_t number)
{
    if (asked->flags & flags & CLONE_PARENT_SETTID)
        access_write(process, asked->parent_tid, &number, sizeof number);
    if (asked->flags & flags & CLONE_CHILD_SETTID)
        access_write(process, asked->child_tid, &number, sizeof number);
}

uint64_t creation_cleared(const creation_asked *asked)
{
    return asked->flags & CLONE_CHILD_CLEARTID ? asked->child_tid : 0;
}

/* ---- the host's call ---- */

/* As syscall() of up to five arguments; a child that begins on another stack calls what is there, with what
 * is above that. (The C library's clone() sets no thread pointer, and knows no clone3.) */
int64_t creation_call(
    long number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, uint64_t fifth);
__asm__(".text\n"
        ".globl creation_call\n"
        ".type creation_call, @function\n"
        "creation_call:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jne 1f\n"
        "    xor %ebp, %ebp\n"
        "    pop %rax\n"
        "    pop %rdi\n"
        "    call *%rax\n"
        "    hlt\n" /* it does not return */
        "1:  ret\n"
        ".size creation_call, . - creation_call\n");

static int64_t copy_this(creation_asked *of, bool newer)
{
    long number = newer ? syscall(SYS_clone3, of, sizeof *of)
                        : syscall(SYS_clone, of->flags | of->exit_signal, 0, of->pidfd, NULL, 0);
    return number < 0 ? -errno : number;
}

int64_t creation_make(const creation_asked *asked, const struct beginning *begins)
{
    const bool newer = asked->set_tid || asked->flags & (CLONE_NEWTIME | CLONE_INTO_CGROUP);
    creation_asked of = {.flags = asked->flags & ~(uint64_t)CREATION_DONE_HERE,
        .exit_signal = asked->exit_signal,
        .pidfd = asked->pidfd,
        .set_tid = asked->set_tid,
        .set_tid_size = asked->set_tid_size,
        .cgroup = asked->cgroup};
    if (!begins)
        return copy_this(&of, newer);
    uintptr_t *above = (uintptr_t *)((uintptr_t)begins->stack & ~(uintptr_t)15), *top = above - 2;
    top[0] = (uintptr_t)begins->begin;
    top[1] = (uintptr_t)begins->context;
    of.flags |= (begins->thread ? CLONE_SETTLS : 0) | (begins->clear ? CLONE_CHILD_CLEARTID : 0);
    of.tls = (uintptr_t)begins->thread;
    of.child_tid = (uintptr_t)begins->clear;
    of.stack_size = sizeof *top;
    of.stack = (uintptr_t)top - of.stack_size;
    return newer ? creation_call(SYS_clone3, (uintptr_t)&of, sizeof of, 0, 0, 0)
                 : creation_call(
                       SYS_clone, of.flags | of.exit_signal, (uintptr_t)top, of.pidfd, of.child_tid, of.tls);
}
