#include "program/inside/seccomp.h"

#include "program/inside/access.h"
#include "program/inside/calls.h"
#include "program/inside/filter.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- before a call ---- */

static void raise_sigsys(struct thread *thread, uint64_t number, uint32_t told)
{
    enum { SECCOMP = 1 }; /* si_code SYS_SECCOMP */
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGSYS;
    info.si_code = SECCOMP;
    info.si_errno = (int)(told & SECCOMP_RET_DATA);
    info.si_call_addr = (void *)(uintptr_t)thread->user.registers.rip;
    info.si_syscall = (int)number;
    info.si_arch = AUDIT_ARCH_X86_64;
    signals_raise(thread, &info, 0, 0, 0);
}

static void let_only_four(struct process *process, uint64_t number)
{
    if (number != SYS_read && number != SYS_write && number != SYS_exit && number != SYS_rt_sigreturn)
        signals_end(process, SIGKILL);
}

bool seccomp_lets(struct thread *thread, uint64_t number, const uint64_t *arguments, int64_t *result)
{
    enum { ERRNO_MAX = 4095 };
    struct process *process = thread->process;
    if (thread->strict)
        let_only_four(process, number);
    if (!thread->filters && !process->filters)
        return true;
    struct seccomp_data data = {
        .nr = (int)number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = thread->user.registers.rip};
    memcpy(data.args, arguments, sizeof data.args);
    uint32_t told = filter_ask(thread->filters, &data), of_all = filter_ask(process->filters, &data);
    if ((int32_t)(of_all & SECCOMP_RET_ACTION_FULL) < (int32_t)(told & SECCOMP_RET_ACTION_FULL))
        told = of_all;
    uint32_t value = told & SECCOMP_RET_DATA;
    switch (told & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return true;
    case SECCOMP_RET_ERRNO:
        *result = -(int64_t)(value < ERRNO_MAX ? value : ERRNO_MAX);
        return false;
    case SECCOMP_RET_TRAP:
        raise_sigsys(thread, number, told);
        *result = CALL_REGISTERS_SET;
        return false;
    case SECCOMP_RET_TRACE:      /* there is no tracer, */
    case SECCOMP_RET_USER_NOTIF: /* and nobody who listens */
        *result = -ENOSYS;
        return false;
    case SECCOMP_RET_KILL_THREAD:
        if (process->threads > 1)
            thread_end(thread, SIGSYS);
        signals_end(process, SIGSYS);
    default:
        signals_end(process, SIGSYS);
    }
}

/* ---- installing ---- */

/* Only who cannot get more privileges by an execve() may, or the administrator: Linux says so of a filter
 * that is none, too, before it says that. */
static bool may_install(void)
{
    struct sock_filter none = {.code = UINT16_MAX};
    const struct sock_fprog program = {1, &none};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 || errno != EACCES;
}

static int64_t install(struct thread *thread, uint64_t from, bool for_all)
{
    struct sock_fprog program;
    struct process *process = thread->process;
    struct sock_filter *copy;
    if (access_read(process, from, &program, sizeof program) < 0)
        return -EFAULT;
    if (!program.len || program.len > BPF_MAXINSNS)
        return -EINVAL;
    if (!may_install())
        return -EACCES;
    if (!(copy = calloc(program.len, sizeof *copy)))
        return -ENOMEM;
    int rc = access_read(process, (uintptr_t)program.filter, copy, program.len * sizeof *copy);
    if (rc == 0 && !filter_is_valid(copy, program.len))
        rc = -EINVAL;
    const struct filter *before = for_all ? process->filters : thread->filters;
    const struct filter *added = rc == 0 ? filter_add(copy, program.len, before) : NULL;
    free(copy);
    if (!added)
        return rc < 0 ? rc : -ENOMEM;
    if (for_all)
        process->filters = added;
    else
        thread->filters = added;
    domain_user_answer_nothing(process->domain);
    return 0;
}

int64_t seccomp_set(struct thread *thread, unsigned mode, uint64_t filter)
{
    bool filtered = thread->filters || thread->process->filters;
    if (mode == SECCOMP_MODE_FILTER && !thread->strict)
        return install(thread, filter, false);
    if (mode != SECCOMP_MODE_STRICT || filtered)
        return -EINVAL;
    thread->strict = true;
    domain_user_answer_nothing(thread->process->domain);
    return 0;
}

int seccomp_mode(const struct thread *thread)
{
    return thread->filters || thread->process->filters ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED;
}

int64_t call_seccomp(struct thread *thread, const uint64_t *arguments)
{
    enum {
        FOR_ALL = SECCOMP_FILTER_FLAG_TSYNC,
        KNOWN = FOR_ALL | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                SECCOMP_FILTER_FLAG_TSYNC_ESRCH
    };
    uint64_t flags = arguments[1];
    switch ((unsigned)arguments[0]) {
    case SECCOMP_SET_MODE_STRICT:
        return flags || arguments[2] ? -EINVAL : seccomp_set(thread, SECCOMP_MODE_STRICT, 0);
    case SECCOMP_SET_MODE_FILTER:
        return flags & ~(uint64_t)KNOWN ? -EINVAL : install(thread, arguments[2], flags & FOR_ALL);
    case SECCOMP_GET_ACTION_AVAIL:
    case SECCOMP_GET_NOTIF_SIZES:
        return window_is_foreign(thread->process->window, arguments[2])
                   ? -EFAULT
                   : call_host(thread, SYS_seccomp, arguments);
    default:
        return -EINVAL;
    }
}

/* ---- across execve() ---- */

static int write_list(int file, const struct filter *newest)
{
    if (!newest)
        return 0;
    int rc = write_list(file, newest->before); /* at most as deep as programs install filters */
    const uint32_t length = newest->length;
    const size_t bytes = length * sizeof newest->program[0];
    if (rc == 0 && (write(file, &length, sizeof length) != (ssize_t)sizeof length ||
                       write(file, newest->program, bytes) != (ssize_t)bytes))
        rc = -ENOMEM;
    return rc;
}

int seccomp_save(const struct thread *thread)
{
    if (!thread->filters && !thread->process->filters)
        return -1;
    int file = memfd_create("vcost-filters", 0);
    if (file < 0)
        return -errno;
    int rc = write_list(file, thread->process->filters);
    if (rc == 0)
        rc = write_list(file, thread->filters);
    if (rc < 0)
        close(file);
    return rc < 0 ? rc : file;
}

int seccomp_load(struct thread *thread, int file)
{
    struct sock_filter program[BPF_MAXINSNS];
    uint32_t length;
    int rc = 0;
    if (file < 0)
        return 0;
    off_t at = 0;
    while (rc == 0 && pread(file, &length, sizeof length, at) == (ssize_t)sizeof length) {
        const size_t bytes = length * sizeof program[0];
        at += sizeof length;
        bool whole = length <= BPF_MAXINSNS && pread(file, program, bytes, at) == (ssize_t)bytes &&
                     filter_is_valid(program, length);
        const struct filter *added = whole ? filter_add(program, length, thread->filters) : NULL;
        at += (off_t)bytes;
        thread->filters = added ? added : thread->filters;
        rc = added ? 0 : -EINVAL;
    }
    close(file);
    return rc;
}
