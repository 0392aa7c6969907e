/* System calls about signals. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/roll.h"
#include "program/inside/seat.h"
#include "program/inside/signal_frame.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MASK_BYTES = sizeof(uint64_t) };
#define KNOWN_FLAGS UINT64_C(0xdc000807) /* UAPI_SA_FLAGS and SA_RESTORER: Linux forgets all others */

/* No mask holds these two. */
static uint64_t maskable(uint64_t mask)
{
    return mask & ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1));
}

int64_t call_sigaction(struct thread *thread, const uint64_t *arguments)
{
    struct process *process = thread->process;
    int number = (int)arguments[0];
    struct action action = {.handler = 0}, before;
    if (arguments[3] != MASK_BYTES || number < 1 || number > SIGNALS)
        return -EINVAL;
    if (arguments[1] && access_read(process, arguments[1], &action, sizeof action) < 0)
        return -EFAULT;
    if (arguments[1] && (number == SIGKILL || number == SIGSTOP))
        return -EINVAL;
    pthread_mutex_lock(&process->actions_lock);
    before = process->actions[number];
    pthread_mutex_unlock(&process->actions_lock);
    action.flags &= KNOWN_FLAGS;
    action.mask = maskable(action.mask);
    int64_t rc = arguments[1] ? signals_set_action(process, number, &action) : 0;
    if (rc == 0 && arguments[2])
        rc = access_write(process, arguments[2], &before, sizeof before);
    return rc;
}

int64_t call_sigprocmask(struct thread *thread, const uint64_t *arguments)
{
    uint64_t before = thread->mask, set, mask = before;
    if (arguments[3] != MASK_BYTES)
        return -EINVAL;
    if (arguments[1]) {
        if (access_read(thread->process, arguments[1], &set, sizeof set) < 0)
            return -EFAULT;
        switch ((int)arguments[0]) {
        case SIG_BLOCK:
            mask |= set;
            break;
        case SIG_UNBLOCK:
            mask &= ~set;
            break;
        case SIG_SETMASK:
            mask = set;
            break;
        default:
            return -EINVAL;
        }
    }
    thread->mask = maskable(mask);
    signals_let(thread);
    return arguments[2] ? access_write(thread->process, arguments[2], &before, sizeof before) : 0;
}

int64_t call_sigreturn(struct thread *thread, const uint64_t *arguments)
{
    struct error error;
    (void)arguments;
    int rc = frame_pop(thread, &error);
    if (rc == -EFAULT || rc == -EINVAL)
        signals_end(thread->process, SIGSEGV);
    if (rc < 0)
        process_fail(thread->process, &error);
    thread->mask = maskable(thread->mask);
    signals_let(thread);
    return CALL_REGISTERS_SET;
}

/* Whoever is killed while it changes memory that it shares would leave that locked: it is not killed then. */
int64_t call_kill(struct thread *thread, const uint64_t *arguments)
{
    const struct thread *target = NULL;
    if ((int)arguments[1] == SIGKILL && (pid_t)arguments[0] > 0)
        target = roll_find((pid_t)arguments[0]);
    if (!target || !target->holder || target->process == thread->process)
        return call_host(thread, SYS_kill, arguments);
    const atomic_int *holder = target->holder;
    signals_block();
    window_hold(thread->process->window);
    int64_t result = syscall(SYS_kill, arguments[0], SIGKILL) < 0 ? -errno : 0;
    if (result == 0)
        seat_wait(holder);
    window_go_on(thread->process->window);
    signals_let(thread);
    return result;
}

int64_t call_sigaltstack(struct thread *thread, const uint64_t *arguments)
{
    enum { ONSTACK = 1, DISABLE = 2, LEAST_BYTES = 2048 };
    const int autodisarm = INT_MIN; /* bit 31 */
    struct {
        uint64_t at;
        int32_t flags, padding;
        uint64_t bytes;
    } set, before = {thread->stack, thread->stack_flags, 0, thread->stack_bytes};
    uint64_t pointer = thread->user.registers.rsp;
    bool on = pointer > thread->stack && pointer - thread->stack <= thread->stack_bytes;
    before.flags = !thread->stack_bytes ? DISABLE : thread->stack_flags | (on ? ONSTACK : 0);
    if (arguments[0]) {
        if (access_read(thread->process, arguments[0], &set, sizeof set) < 0)
            return -EFAULT;
        int mode = set.flags & ~autodisarm;
        if (on)
            return -EPERM;
        if (mode != DISABLE && mode != ONSTACK && mode != 0)
            return -EINVAL;
        if (mode != DISABLE && set.bytes < LEAST_BYTES)
            return -ENOMEM;
        thread->stack = mode == DISABLE ? 0 : set.at;
        thread->stack_bytes = mode == DISABLE ? 0 : set.bytes;
        thread->stack_flags = set.flags & ~ONSTACK;
    }
    return arguments[1] ? access_write(thread->process, arguments[1], &before, sizeof before) : 0;
}
