#include "program/inside/signals.h"

#include "program/inside/calls.h"
#include "program/inside/counted.h"
#include "program/inside/signal_frame.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { MASK_BYTES = sizeof(uint64_t) };
#define ALL UINT64_MAX
#define RESTORER UINT64_C(0x04000000) /* SA_RESTORER, which <signal.h> need not have */

/* Of the thread of the host that runs here; NULL: none of a program's. */
static _Thread_local struct thread *self;

#define BIT(number) (UINT64_C(1) << ((number)-1))

/* Whatever stands in the host's libraries is not asked: the program's signals are none of theirs. */
static void set_mask(uint64_t mask)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, MASK_BYTES);
}

void signals_block(void)
{
    set_mask(ALL);
}

void signals_let(const struct thread *thread)
{
    set_mask(thread->caught ? ALL : thread->mask);
}

void signals_begin(struct thread *thread)
{
    self = thread;
    signals_let(thread);
}

/* ---- catching ---- */

void signals_return(void);
__asm__(".text\n"
        ".globl signals_return\n"
        "signals_return:\n"
        "    mov $15, %eax\n" /* rt_sigreturn */
        "    syscall\n");

/* To whoever takes it, or to this thread once it lets signals come. */
static void send_again(int number, siginfo_t *info)
{
    const int code = errno;
    if (info->si_code == SI_TKILL)
        syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info);
    else
        syscall(SYS_rt_sigqueueinfo, getpid(), number, info);
    errno = code;
}

/* Between two looks at it by its thread. One at a time: until it is delivered, all are blocked. But the
 * host's C library takes some signals for its own, and lets them come when it makes a thread, to the new one
 * as well (musl: 33 and 34): then it is not this one's turn. */
static void catch_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    struct thread *thread = self;
    uint64_t resume;
    bool by_fault = info->si_code > 0 && (number == SIGSEGV || number == SIGBUS || number == SIGILL ||
                                             number == SIGFPE || number == SIGTRAP);
    if (by_fault)
        signals_die(number); /* an error in vcost itself: never taken for one of the program */
    memset(&at->uc_sigmask, 0xff, MASK_BYTES);
    if (!thread || thread->caught) {
        send_again(number, info);
        return;
    }
    thread->caught_info = *info;
    thread->caught = number;
    greg_t *rip = &at->uc_mcontext.gregs[REG_RIP];
    if (call_is_about_to((uint64_t)*rip, &resume))
        *rip = (greg_t)resume;
    domain_cpu_stop(thread->cpu);
}

/* By their default they end a process, and come from outside of it: it tells first what the monitor has
 * counted. The first process of a namespace is not ended by them, which the kernel knows by their default. */
#define TOLD_FIRST                                                                                           \
    (BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGABRT) | BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGPIPE) |  \
        BIT(SIGALRM) | BIT(SIGTERM) | BIT(SIGXCPU) | BIT(SIGXFSZ) | BIT(SIGVTALRM) | BIT(SIGPROF))

static bool is_told_first(int number)
{
    return BIT(number) & TOLD_FIRST && getpid() != 1;
}

static bool is_caught(int number, const struct action *action)
{
    bool by_default = action->handler == (uintptr_t)SIG_DFL;
    return by_default ? is_told_first(number) : action->handler != (uintptr_t)SIG_IGN;
}

static int set_host(int number, const struct action *action)
{
    struct action own = {.flags = RESTORER | (action->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)),
        .restorer = (uintptr_t)signals_return,
        .handler = action->handler};
    if (is_caught(number, action)) {
        own.handler = (uintptr_t)catch_signal;
        own.flags |= SA_SIGINFO;
        own.mask = ALL;
    }
    return syscall(SYS_rt_sigaction, number, &own, NULL, MASK_BYTES) < 0 ? -errno : 0;
}

int64_t signals_set_action(struct process *process, int number, const struct action *action)
{
    pthread_mutex_lock(&process->actions_lock);
    int rc = set_host(number, action);
    if (rc == 0)
        process->actions[number] = *action;
    pthread_mutex_unlock(&process->actions_lock);
    return rc;
}

void signals_clear(struct process *process)
{
    const struct action none = {.handler = (uintptr_t)SIG_DFL};
    for (int number = 1; number <= SIGNALS; number++) {
        const struct action *action = &process->actions[number];
        if (action->handler != (uintptr_t)SIG_IGN && (action->handler || action->flags))
            signals_set_action(process, number, &none);
    }
}

void signals_take_defaults(struct process *process)
{
    for (int number = 1; number <= SIGNALS; number++) {
        const struct action *action = &process->actions[number];
        if (action->handler == (uintptr_t)SIG_DFL && BIT(number) & TOLD_FIRST)
            set_host(number, action);
    }
}

/* What the host does may not be its default, and the signal may be blocked. */
void signals_die(int number)
{
    const struct action none = {.handler = (uintptr_t)SIG_DFL};
    uint64_t open = ALL & ~BIT(number);
    syscall(SYS_rt_sigaction, number, &none, NULL, MASK_BYTES);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
    set_mask(open);
    _exit(128 + number); /* it did not: the first process of a namespace */
}

void signals_end(struct process *process, int number)
{
    counted_tell(process);
    signals_die(number);
}

/* ---- delivering ---- */

static struct action action_of(struct process *process, int number, bool taken)
{
    pthread_mutex_lock(&process->actions_lock);
    struct action action = process->actions[number];
    if (taken && action.flags & SA_RESETHAND) {
        const struct action none = {.handler = (uintptr_t)SIG_DFL};
        if (set_host(number, &none) == 0)
            process->actions[number] = none;
    }
    pthread_mutex_unlock(&process->actions_lock);
    return action;
}

static bool is_handler(const struct action *action)
{
    return action->handler != (uintptr_t)SIG_DFL && action->handler != (uintptr_t)SIG_IGN;
}

/* open: what is blocked but for this signal's sake. Where there is no room for its frame a SIGSEGV comes
 * instead, whose handler may have a stack of its own (Linux, force_sigsegv()). */
static void call_handler(struct thread *thread, const struct frame_cause *cause, uint64_t open)
{
    struct error error;
    int number = cause->info->si_signo;
    const struct action *action = cause->action;
    int rc = frame_push(thread, cause, &error);
    if (rc == -EFAULT && number == SIGSEGV)
        signals_end(thread->process, SIGSEGV);
    if (rc == -EFAULT) {
        const siginfo_t info = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};
        signals_raise(thread, &info, 0, 0, 0);
        return;
    }
    if (rc < 0)
        process_fail(thread->process, &error);
    tally_add(&thread->process->tally->signals, 1);
    thread->mask = open | action->mask | (action->flags & SA_NODEFER ? 0 : BIT(number));
    thread->mask &= ~(BIT(SIGKILL) | BIT(SIGSTOP));
    signals_let(thread);
}

void signals_deliver(struct thread *thread)
{
    siginfo_t info = thread->caught_info;
    int number = thread->caught;
    struct action action = action_of(thread->process, number, true);
    uint64_t open = thread->waited ? thread->waited_mask : thread->mask;
    thread->caught = 0;
    thread->waited = false;
    domain_cpu_go_on(thread->cpu); /* all are still blocked */
    info.si_signo = number;
    if (is_handler(&action)) {
        call_handler(
            thread, &(struct frame_cause){.action = &action, .info = &info, .mask = thread->mask}, open);
        return;
    }
    if (is_caught(number, &action))
        signals_end(thread->process, number);
    /* Somebody has changed what it does in the meantime: the host decides by that. */
    if (action.handler == (uintptr_t)SIG_DFL)
        syscall(SYS_rt_tgsigqueueinfo, getpid(), thread->id, number, &info);
    signals_let(thread);
}

bool signals_restart(const struct thread *thread)
{
    struct action action = action_of(thread->process, thread->caught, false);
    return action.flags & SA_RESTART;
}

void signals_raise(
    struct thread *thread, const siginfo_t *info, unsigned trap, uint64_t code, uint64_t address)
{
    int number = info->si_signo;
    struct action action = action_of(thread->process, number, true);
    if (!is_handler(&action) || thread->mask & BIT(number))
        signals_end(thread->process, number);
    const struct frame_cause cause = {.action = &action,
        .info = info,
        .mask = thread->mask,
        .trap = trap,
        .code = code,
        .address = address};
    call_handler(thread, &cause, thread->mask);
}
