/* System calls that change and end threads and processes. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/counted.h"
#include "program/inside/page.h"
#include "program/inside/seccomp.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the end ---- */

int64_t call_exit(struct thread *thread, const uint64_t *arguments)
{
    thread_end(thread, (int)arguments[0]);
}

int64_t call_exit_group(struct thread *thread, const uint64_t *arguments)
{
    if (thread->process->borrowed)
        thread_tell_end(thread);
    counted_tell(thread->process);
    thread->process->gone = true;
    _exit((int)arguments[0]);
}

/* ---- what a thread or process is ---- */

int64_t call_set_tid_address(struct thread *thread, const uint64_t *arguments)
{
    thread->clear_on_exit = arguments[0];
    return thread->id;
}

int64_t call_arch_prctl(struct thread *thread, const uint64_t *arguments)
{
    enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS, GET_CPUID = 0x1011, SET_CPUID };
    struct domain_user *user = &thread->user;
    uint64_t value = arguments[1];
    switch ((int)arguments[0]) {
    case SET_FS:
    case SET_GS:
        if (value >= ADDRESSES_END)
            return -EPERM;
        *((int)arguments[0] == SET_FS ? &user->fs_base : &user->gs_base) = value;
        return 0;
    case GET_FS:
        return access_write(thread->process, value, &user->fs_base, sizeof value);
    case GET_GS:
        return access_write(thread->process, value, &user->gs_base, sizeof value);
    case GET_CPUID:
        return 1;
    case SET_CPUID:
        return -ENODEV;
    default:
        return -EINVAL; /* AMX (ARCH_REQ_XCOMP_PERM) among them */
    }
}

/* Those that would change what the monitor itself may do. */
int64_t call_prctl(struct thread *thread, const uint64_t *arguments)
{
    enum { SET_TSC = 26, TSC_ENABLE = 1, SET_MM = 35, USER_DISPATCH = 59 };
    switch ((int)arguments[0]) {
    case PR_SET_SECCOMP:
        return seccomp_set(thread, (unsigned)arguments[1], arguments[2]);
    case PR_GET_SECCOMP:
        return seccomp_mode(thread);
    case PR_GET_TID_ADDRESS: /* the host's is the thread's that runs the virtual CPU */
        return access_write(
            thread->process, arguments[1], &thread->clear_on_exit, sizeof thread->clear_on_exit);
    case SET_TSC: /* it is enabled */
        return (int)arguments[1] == TSC_ENABLE ? 0 : -EINVAL;
    case SET_MM:
    case USER_DISPATCH:
        return -EINVAL;
    default:
        for (int i = 1; i < 5; i++)
            if (window_is_foreign(thread->process->window, arguments[i]))
                return -EFAULT;
        return call_host(thread, SYS_prctl, arguments);
    }
}

/* What the host's process is it is for the program, too; only that reading implies executing must be known
 * here. */
int64_t call_personality(struct thread *thread, const uint64_t *arguments)
{
    int64_t before = call_host(thread, SYS_personality, arguments);
    if (before >= 0 && (uint32_t)arguments[0] != UINT32_MAX)
        window_reading_executes(thread->process->window, arguments[0] & READ_IMPLIES_EXEC);
    return before;
}
