#include "program/inside/thread.h"

#include "program/inside/access.h"
#include "program/inside/areas.h"
#include "program/inside/call_old.h"
#include "program/inside/calls.h"
#include "program/inside/counted.h"
#include "program/inside/float_error.h"
#include "program/inside/roll.h"
#include "program/inside/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- exceptions ---- */

enum {
    DIVIDE,
    DEBUG,
    BREAKPOINT = 3,
    OVERFLOW,
    BOUND,
    INVALID,
    PROTECTION = 13,
    PAGE_FAULT,
    X87 = 16,
    ALIGNMENT,
    SIMD = 19
};

/* What Linux makes of each (arch/x86/kernel/traps.c); all others are a SIGSEGV of the kernel's. */
static const struct {
    unsigned vector;
    int number, code;
    bool at_instruction; /* si_addr is rip */
} exceptions[] = {
    {DIVIDE, SIGFPE, FPE_INTDIV, true},
    {DEBUG, SIGTRAP, TRAP_TRACE, true},
    {BREAKPOINT, SIGTRAP, SI_KERNEL, false},
    {OVERFLOW, SIGSEGV, SI_KERNEL, false},
    {BOUND, SIGSEGV, SI_KERNEL, false},
    {INVALID, SIGILL, ILL_ILLOPN, true},
    {X87, SIGFPE, 0, true}, /* the registers tell which */
    {ALIGNMENT, SIGBUS, BUS_ADRALN, false},
    {SIMD, SIGFPE, 0, true},
};

static siginfo_t info_of(int number, int code, uint64_t address)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = number;
    info.si_code = code;
    info.si_addr = (void *)(uintptr_t)address;
    return info;
}

static int float_code(const struct thread *thread, bool simd)
{
    struct error error;
    char extended[1 << 14]; /* a program may have left itself no memory */
    bool known = domain_extended_bytes(thread->process->domain) <= sizeof extended &&
                 domain_get_extended(thread->cpu, extended, &error) == 0;
    int code = known ? float_error(extended, simd) : 0;
    return code ? code : FPE_FLTINV;
}

static void take_exception(struct thread *thread, const struct domain_fault *fault)
{
    siginfo_t info = info_of(SIGSEGV, SI_KERNEL, 0);
    if (call_int80(thread, fault))
        return;
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (exceptions[i].vector == fault->vector)
            info = info_of(
                exceptions[i].number, exceptions[i].code, exceptions[i].at_instruction ? fault->rip : 0);
    if (info.si_code == 0)
        info.si_code = float_code(thread, fault->vector == SIMD);
    signals_raise(thread, &info, fault->vector, fault->error_code, 0);
}

enum fault_kind {
    FAULT_NO_REASON,
    FAULT_BEHIND_END,
    FAULT_NOTHING_THERE,
    FAULT_BELOW_STACK,
    FAULT_FORBIDDEN
};

static const struct {
    int number, code;
} fault_signals[] = {
    [FAULT_BEHIND_END] = {SIGBUS, BUS_ADRERR},
    [FAULT_NOTHING_THERE] = {SIGSEGV, SEGV_MAPERR},
    [FAULT_BELOW_STACK] = {SIGSEGV, SEGV_MAPERR},
    [FAULT_FORBIDDEN] = {SIGSEGV, SEGV_ACCERR},
};

/* Changes nothing, but that it may look where mapped files end. */
static enum fault_kind kind_of(struct window *window, const struct domain_fault *fault)
{
    enum { WRITE = 2, FETCH = 16 };
    uint64_t address = fault->address;
    int rights = window_holds(window, address, 1) ? window_rights(window, address) : AREA_NONE;
    int needs = fault->error_code & FETCH ? PROT_EXEC : fault->error_code & WRITE ? PROT_WRITE : 0;
    bool may = rights > 0 && (rights & needs) == needs;
    /* Whether what is there may be executed is found out only where something is (Linux, access_error()). */
    bool fetches_data = !may && rights > 0 && needs == PROT_EXEC;
    if (rights == AREA_NONE)
        return FAULT_NOTHING_THERE;
    if (fetches_data)
        window_take_ends(window);
    if ((may || fetches_data) && window_is_behind_end(window, address))
        return FAULT_BEHIND_END;
    return may                                      ? FAULT_NO_REASON
           : window_is_below_stack(window, address) ? FAULT_BELOW_STACK
                                                    : FAULT_FORBIDDEN;
}

/* How often in a row there was a fault in vain at a place, while no other thread changed the memory. */
static unsigned count_in_vain(struct thread *thread, uint64_t place)
{
    uint64_t changes = window_others_changes();
    bool again = thread->in_vain.place == place && thread->in_vain.changes == changes;
    thread->in_vain.place = place;
    thread->in_vain.changes = changes;
    return thread->in_vain.times = again ? thread->in_vain.times + 1 : 0;
}

/* A change of the memory by another thread takes pages away for a moment, and some mappings get them only
 * now. A thousand such faults in a row are an error of the domain's. */
static void go_on_after(struct thread *thread, const struct domain_fault *fault)
{
    enum { IN_VAIN_MAX = 1000 };
    struct error error;
    int rc = window_bring(thread->process->window, fault->address, &error);
    if (rc == 0 && count_in_vain(thread, fault->address) >= IN_VAIN_MAX)
        rc = error_set(&error, EPROTO,
            "the guest faults again and again at 0x%llx (error code 0x%llx), where it has memory",
            (unsigned long long)fault->address, (unsigned long long)fault->error_code);
    if (rc < 0)
        process_fail(thread->process, &error);
}

static void take_page_fault(struct thread *thread, const struct domain_fault *fault)
{
    struct window *window = thread->process->window;
    enum fault_kind kind = kind_of(window, fault);
    if (kind == FAULT_NO_REASON) {
        go_on_after(thread, fault);
        return;
    }
    if (kind == FAULT_NOTHING_THERE && (call_vsyscall(thread, fault) || window_grow(window, fault->address)))
        return;
    siginfo_t info = info_of(fault_signals[kind].number, fault_signals[kind].code, fault->address);
    signals_raise(thread, &info, PAGE_FAULT, fault->error_code, fault->address);
}

/* Behind the end of a file that is mapped: that is taken from the guest, whose own fault then tells where; or
 * another thread has just taken it; or the host has no memory left. */
static void take_host_fault(struct thread *thread)
{
    enum { IN_VAIN_MAX = 3 };
    siginfo_t info = info_of(SIGBUS, BUS_ADRERR, 0);
    tally_add(&thread->process->tally->host_faults, 1);
    if (window_take_ends(thread->process->window))
        thread->in_vain.place = 0;
    else if (count_in_vain(thread, thread->user.registers.rip) >= IN_VAIN_MAX)
        signals_raise(thread, &info, PAGE_FAULT, 4, 0);
}

/* ---- running ---- */

int thread_open(struct thread *thread, struct error *error)
{
    const struct process *process = thread->process;
    int rc = thread->cpu ? 0 : domain_cpu_of(process->domain, process->files, &thread->cpu, error);
    if (rc == 0)
        rc = domain_user_open(thread->cpu, &process->mode, error);
    if (rc == 0)
        thread_answer(thread);
    return rc;
}

/* Its number, which compilers of Java ask for at every lock, is the same as long as it lives. Who filters
 * system calls is to see them all. */
void thread_answer(const struct thread *thread)
{
    const struct process *process = thread->process;
    bool sees_all = thread->filters || thread->strict || process->filters;
    domain_user_answer(thread->cpu, sees_all ? UINT32_MAX : SYS_gettid, (uint32_t)syscall(SYS_gettid));
}

int thread_open_first(struct thread *thread, const void *extended, struct error *error)
{
    counted_begin(thread->process);
    thread->cpu = domain_first_cpu(thread->process->domain);
    int rc = thread_open(thread, error);
    return rc < 0 || !extended ? rc : domain_set_extended(thread->cpu, extended, error);
}

void *thread_copy_extended(const struct thread *thread)
{
    struct error error;
    void *extended = calloc(1, domain_extended_bytes(thread->process->domain));
    if (extended && domain_get_extended(thread->cpu, extended, &error) == 0)
        return extended;
    free(extended);
    return NULL;
}

/* Where memory is shared, not to be ended in the midst of it: others may want a lock that it has. */
static void take_fault(struct thread *thread, const struct domain_left *left)
{
    const bool shares = thread->process->borrowed;
    if (shares)
        signals_block();
    if (left->kind == LEFT_HOST_FAULT)
        take_host_fault(thread);
    else if (left->fault.vector == PAGE_FAULT)
        take_page_fault(thread, &left->fault);
    else
        take_exception(thread, &left->fault);
    if (shares)
        signals_let(thread);
}

static void take(struct thread *thread, const struct domain_left *left)
{
    struct tally *tally = thread->process->tally;
    thread->user = left->user;
    domain_user_left(thread->cpu);
    switch (left->kind) {
    case LEFT_SYSCALL:
        calls_make(thread);
        break;
    case LEFT_EXCEPTION:
        tally_add(&tally->exceptions[left->fault.vector % TALLY_EXCEPTIONS], 1);
        take_fault(thread, left);
        break;
    case LEFT_HOST_FAULT:
        take_fault(thread, left);
        break;
    case LEFT_INTERRUPTED:
        tally_add(&tally->interruptions, 1);
        break;
    default:
        process_fail(thread->process, &left->strange);
    }
}

void thread_run(struct thread *thread)
{
    struct domain_left left = {.kind = LEFT_SYSCALL};
    struct error error;
    roll_enter(thread);
    thread_answer(thread); /* it was opened by its parent, where memory is shared */
    for (;;) {
        bool unfinished = left.kind == LEFT_UNFINISHED;
        if (thread->caught && !unfinished)
            signals_deliver(thread);
        int rc = domain_user_run(thread->cpu, unfinished ? NULL : &thread->user, &left, &error);
        if (rc < 0)
            process_fail(thread->process, &error);
        tally_add(&thread->process->tally->exits, 1);
        if (left.kind != LEFT_UNFINISHED)
            take(thread, &left);
    }
}

/* ---- the end ---- */

void thread_tell_end(const struct thread *thread)
{
    const uint32_t zero = 0;
    uint64_t clear = thread->clear_on_exit;
    if (clear && access_write(thread->process, clear, &zero, sizeof zero) == 0)
        syscall(SYS_futex, clear, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void thread_end(struct thread *thread, int status)
{
    struct process *process = thread->process;
    bool first = thread->first;
    signals_block();
    if (process->threads-- == 1) {
        if (process->borrowed)
            thread_tell_end(thread);
        counted_tell(process);
        process->gone = true;
        _exit(status); /* where its virtual CPU is its parent's, too, that one gives it back */
    }
    roll_leave(thread);
    domain_cpu_give(thread->cpu);
    thread_tell_end(thread);
    if (first) {                            /* the process stays as long as the others */
        syscall(SYS_set_tid_address, NULL); /* musl has a lock of its own there, which others may hold */
        syscall(SYS_exit, status);
    }
    free(thread);
    pthread_exit(NULL);
}

/* ---- another ---- */

struct start {
    struct thread *thread;
    void *extended;
    const creation_asked *asked;
    int64_t result;
    sem_t done;
};

/* A descriptor of this thread, if that is asked for (CLONE_PIDFD; an errno where the host has none of
 * threads). */
static int describe(const struct thread *thread, const creation_asked *asked)
{
    enum { OF_A_THREAD = O_EXCL }; /* Linux, PIDFD_THREAD */
    if (!(asked->flags & CLONE_PIDFD))
        return 0;
    const int descriptor = (int)syscall(SYS_pidfd_open, thread->id, OF_A_THREAD);
    if (descriptor < 0)
        return -errno;
    int rc = access_write(thread->process, asked->pidfd, &descriptor, sizeof descriptor);
    if (rc < 0)
        close(descriptor);
    return rc;
}

static int set_up(struct start *start)
{
    struct thread *thread = start->thread;
    struct error error;
    thread->id = gettid();
    if (thread_open(thread, &error) < 0 || domain_set_extended(thread->cpu, start->extended, &error) < 0) {
        if (thread->cpu)
            domain_cpu_give(thread->cpu);
        return -EAGAIN;
    }
    int rc = describe(thread, start->asked);
    if (rc < 0) {
        domain_cpu_give(thread->cpu);
        return rc;
    }
    creation_tell(thread->process, start->asked, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, thread->id);
    return thread->id;
}

static void *begin(void *context)
{
    struct start *start = context;
    struct thread *thread = start->thread;
    start->result = set_up(start);
    bool failed = start->result < 0;
    sem_post(&start->done); /* *start is gone from here on */
    if (failed)
        return NULL;
    signals_begin(thread);
    thread_run(thread);
}

static int start_host_thread(struct start *start)
{
    enum { STACK_BYTES = 256 << 10 };
    pthread_attr_t attributes;
    pthread_t host;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int code = pthread_create(&host, &attributes, begin, start);
    pthread_attr_destroy(&attributes);
    return code;
}

int64_t thread_start(const struct thread *like, const struct domain_user *user, const creation_asked *asked)
{
    struct process *process = like->process;
    struct start start = {.thread = malloc(sizeof *start.thread),
        .extended = thread_copy_extended(like),
        .asked = asked,
        .result = -EAGAIN};
    sem_init(&start.done, 0, 0);
    if (start.thread && start.extended) {
        *start.thread = (struct thread){.process = process,
            .user = *user,
            .mask = like->mask,
            .filters = like->filters,
            .strict = like->strict,
            .clear_on_exit = creation_cleared(asked),
            .stack_flags = 2};
        process->threads++;
        process->threaded = true;
        if (start_host_thread(&start) == 0)
            while (sem_wait(&start.done) < 0)
                continue;
        if (start.result < 0)
            process->threads--;
    }
    if (start.result < 0)
        free(start.thread);
    else
        tally_add(&process->tally->threads, 1);
    free(start.extended);
    sem_destroy(&start.done);
    return start.result;
}
