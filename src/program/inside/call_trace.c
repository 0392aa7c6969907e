/* ptrace, of threads that run in the tracer's own memory: what LeakSanitizer does, whose tracer is a process
 * that shares the program's. The kernel stops the thread of the host that runs the tracee, and whatever is
 * asked about registers is answered with the program's: those that the monitor has, or that the tracee's
 * thread has left the guest with. What would show or change more of the thread of the host is refused. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/roll.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Linux, include/uapi/linux/ptrace.h */
enum {
    PEEK_TEXT = 1,
    PEEK_DATA,
    PEEK_USER,
    POKE_TEXT,
    POKE_DATA,
    GO_ON = 7,
    KILL,
    GET_REGISTERS = 12,
    GET_FLOATS = 14,
    ATTACH = 16,
    DETACH,
    SET_OPTIONS = 0x4200,
    GET_MESSAGE,
    GET_INFO,
    GET_SET = 0x4204,
    SEIZE = 0x4206,
    INTERRUPT,
    LISTEN,
    OPTION_EXIT_KILL = 1 << 20,
    EVENT_STOP = 128
};

/* What is asked, as ptrace() was. */
struct request {
    struct thread *tracer, *tracee;
    int number;
    uint64_t address, data;
};

static int64_t ask_host(int number, pid_t id, uint64_t address, uint64_t data)
{
    long result = syscall(SYS_ptrace, (long)number, (long)id, address, data);
    return result < 0 ? -errno : result;
}

static int64_t refuse(const struct thread *tracer)
{
    tally_add(&tracer->process->tally->refused_traces, 1);
    return -EPERM;
}

static int64_t forward(const struct request *of)
{
    return ask_host(of->number, of->tracee->id, of->address, of->data);
}

/* ---- stopping ---- */

/* Not with a lock of vcost's, which its tracer would wait for: in the guest, or in a system call of the
 * program's. */
static bool is_at_rest(const struct thread *tracee)
{
    struct user_regs_struct host;
    bool begun;
    return ask_host(GET_REGISTERS, tracee->id, 0, (uintptr_t)&host) < 0 ||
           domain_user_is_entered(tracee->cpu) || call_is_made_at(host.rip, &begun);
}

static bool is_that_stop(const siginfo_t *info, int request)
{
    const int awaited = request == ATTACH ? SIGSTOP : SIGTRAP | EVENT_STOP << 8;
    return info->si_pid && info->si_status == awaited;
}

/* Stops it again and again, until it is at rest. Whoever traces it is told of the last stop alone. */
static void let_come_to_rest(const struct thread *tracee, int request)
{
    enum { TRIES = 10000 };
    const struct timespec moment = {0, 20000};
    for (int i = 0; i < TRIES; i++) {
        siginfo_t info = {.si_signo = 0};
        const id_t id = (id_t)tracee->id;
        if (waitid(P_PID, id, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL) < 0 ||
            !is_that_stop(&info, request) || is_at_rest(tracee))
            return;
        if (waitid(P_PID, id, &info, WSTOPPED | __WALL) < 0 || ask_host(GO_ON, tracee->id, 0, 0) < 0)
            return;
        nanosleep(&moment, NULL);
        if (request == ATTACH)
            syscall(SYS_tkill, tracee->id, SIGSTOP);
        else
            ask_host(INTERRUPT, tracee->id, 0, 0);
    }
}

static int64_t stop(const struct request *of)
{
    signals_block();
    int64_t result = forward(of);
    if (result == 0)
        let_come_to_rest(of->tracee, of->number);
    signals_let(of->tracer);
    return result;
}

/* The other options have the tracee stopped for what it does on the host, or trace what it makes there. */
static int64_t set_options(const struct request *of)
{
    return of->data & ~(uint64_t)OPTION_EXIT_KILL ? refuse(of->tracer) : forward(of);
}

/* ---- registers ---- */

static int64_t find_user(struct thread *tracee, struct domain_user *user)
{
    struct error error;
    if (!domain_user_is_entered(tracee->cpu)) {
        *user = tracee->user;
        return 0;
    }
    domain_cpu_disown(tracee->cpu);
    int rc = domain_user_look(tracee->cpu, user, &error);
    domain_cpu_release(tracee->cpu);
    return rc < 0 ? -EIO : 0;
}

/* Of a system call that goes on the kernel says what it will return. It may also be about to make it (again).
 */
static void set_call(struct user_regs_struct *registers, const struct user_regs_struct *host)
{
    enum { SYSCALL_BYTES = 2 };
    bool begun, forwarded = call_is_made_at(host->rip, &begun);
    if (forwarded && !begun) {
        registers->rip -= SYSCALL_BYTES;
        return;
    }
    registers->orig_rax = registers->rax;
    registers->rax = begun ? host->rax : (uint64_t)-ENOSYS;
}

static int64_t find_registers(struct thread *tracee, struct user_regs_struct *out)
{
    enum { USER_CS = 0x33, USER_SS = 0x2b };
    struct user_regs_struct host;
    struct domain_user user;
    int64_t rc = ask_host(GET_REGISTERS, tracee->id, 0, (uintptr_t)&host);
    if (rc < 0 || (rc = find_user(tracee, &user)) < 0)
        return rc;
    const struct vcpu_registers *from = &user.registers;
    *out = (struct user_regs_struct){.r15 = from->r15,
        .r14 = from->r14,
        .r13 = from->r13,
        .r12 = from->r12,
        .rbp = from->rbp,
        .rbx = from->rbx,
        .r11 = from->r11,
        .r10 = from->r10,
        .r9 = from->r9,
        .r8 = from->r8,
        .rax = from->rax,
        .rcx = from->rcx,
        .rdx = from->rdx,
        .rsi = from->rsi,
        .rdi = from->rdi,
        .orig_rax = UINT64_MAX,
        .rip = from->rip,
        .cs = USER_CS,
        .eflags = from->rflags,
        .rsp = from->rsp,
        .ss = USER_SS,
        .fs_base = user.fs_base,
        .gs_base = user.gs_base};
    if (!domain_user_is_entered(tracee->cpu))
        set_call(out, &host);
    return 0;
}

static int64_t get_registers(const struct request *of)
{
    struct user_regs_struct registers;
    int64_t rc = find_registers(of->tracee, &registers);
    return rc < 0 ? rc : access_write(of->tracer->process, of->data, &registers, sizeof registers);
}

/* As XSAVE has them, with what of them there is where Linux says it (arch/x86/kernel/fpu/xstate.h). */
static void *find_extended(const struct thread *tracee)
{
    enum { FEATURES = 464 };
    const struct process *process = tracee->process;
    domain_cpu_disown(tracee->cpu);
    char *area = thread_copy_extended(tracee);
    domain_cpu_release(tracee->cpu);
    if (area)
        memcpy(area + FEATURES, &process->features, sizeof process->features);
    return area;
}

enum { FLOAT_BYTES = 512 };

static int64_t get_floats(const struct request *of)
{
    void *area = find_extended(of->tracee);
    int64_t rc = area ? access_write(of->tracer->process, of->data, area, FLOAT_BYTES) : -EIO;
    free(area);
    return rc;
}

/* As much as there is room for, and how much that was. */
static int64_t give_set(const struct request *of, const void *set, size_t bytes)
{
    const struct process *process = of->tracer->process;
    struct iovec room;
    if (access_read(process, of->data, &room, sizeof room) < 0)
        return -EFAULT;
    if (room.iov_len % sizeof(uint64_t))
        return -EINVAL;
    room.iov_len = room.iov_len < bytes ? room.iov_len : bytes;
    if (access_write(process, (uintptr_t)room.iov_base, set, room.iov_len) < 0)
        return -EFAULT;
    return access_write(process, of->data, &room, sizeof room);
}

static int64_t get_set(const struct request *of)
{
    struct user_regs_struct registers;
    if (of->address == NT_PRSTATUS) {
        int64_t rc = find_registers(of->tracee, &registers);
        return rc < 0 ? rc : give_set(of, &registers, sizeof registers);
    }
    if (of->address != NT_PRFPREG && of->address != NT_X86_XSTATE)
        return -EINVAL;
    void *area = find_extended(of->tracee);
    const size_t bytes = of->address == NT_PRFPREG ? FLOAT_BYTES : of->tracee->process->extended_bytes;
    int64_t rc = area ? give_set(of, area, bytes) : -EIO;
    free(area);
    return rc;
}

/* ---- memory, and what the kernel says ---- */

static int64_t peek(const struct request *of)
{
    uint64_t word;
    if (access_read(of->tracee->process, of->address, &word, sizeof word) < 0)
        return -EIO;
    return access_write(of->tracer->process, of->data, &word, sizeof word);
}

static int64_t poke(const struct request *of)
{
    return access_write(of->tracee->process, of->address, &of->data, sizeof of->data) < 0 ? -EIO : 0;
}

static int64_t get_info(const struct request *of)
{
    siginfo_t info;
    int64_t rc = ask_host(GET_INFO, of->tracee->id, 0, (uintptr_t)&info);
    return rc < 0 ? rc : access_write(of->tracer->process, of->data, &info, sizeof info);
}

static int64_t get_message(const struct request *of)
{
    uint64_t message;
    int64_t rc = ask_host(GET_MESSAGE, of->tracee->id, 0, (uintptr_t)&message);
    return rc < 0 ? rc : access_write(of->tracer->process, of->data, &message, sizeof message);
}

/* ---- the call ---- */

static const struct {
    int number;
    bool of_stopped; /* which the kernel does not look at */
    int64_t (*answer)(const struct request *of);
} requests[] = {
    {ATTACH, false, stop},
    {INTERRUPT, false, stop},
    {SEIZE, false, set_options},
    {SET_OPTIONS, false, set_options},
    {GO_ON, false, forward},
    {DETACH, false, forward},
    {LISTEN, false, forward},
    {KILL, false, forward},
    {GET_INFO, false, get_info},
    {GET_MESSAGE, false, get_message},
    {GET_REGISTERS, true, get_registers},
    {GET_FLOATS, true, get_floats},
    {GET_SET, true, get_set},
    {PEEK_TEXT, true, peek},
    {PEEK_DATA, true, peek},
    {POKE_TEXT, true, poke},
    {POKE_DATA, true, poke},
};

/* Not the program's, or not in this memory, or nobody. */
static int64_t refuse_other(const struct thread *tracer, pid_t id)
{
    if (kill(id, 0) < 0 && errno == ESRCH)
        return -ESRCH;
    return roll_is_own(id) ? -EPERM : refuse(tracer);
}

int64_t call_ptrace(struct thread *thread, const uint64_t *arguments)
{
    const pid_t id = (pid_t)arguments[1];
    const struct request of = {.tracer = thread,
        .tracee = roll_find(id),
        .number = (int)arguments[0],
        .address = arguments[2],
        .data = arguments[3]};
    uint64_t word;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (requests[i].number != of.number)
            continue;
        if (!of.tracee)
            return refuse_other(thread, id);
        int64_t rc = requests[i].of_stopped ? ask_host(PEEK_USER, id, 0, (uintptr_t)&word) : 0;
        return rc < 0 ? rc : requests[i].answer(&of);
    }
    return refuse(thread);
}
