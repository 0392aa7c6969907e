/* A process that shares its parent's memory stops that one's threads (ptrace), as LeakSanitizer does, and
 * looks at their registers: in a loop, in system calls that wait, and while they change memory. */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10, TRACES = 30, PAGE = 4096, MARK = 0x5eed };

/* ---- what is traced: each has a number of its own in r12 and xmm7 ---- */

struct tracee {
    const char *name;
    void (*body)(uint64_t mark);
    uint64_t from, to; /* its instructions */
    long number;       /* of the system call that it is in; -1: none; -2: sometimes */
    atomic_int id;
    uint64_t stack, mark;
    pthread_t thread;
    int right;
};

volatile int over;
static int wait_at, ends_of_pipe[2];
static uint64_t buffer;

void run_loop(uint64_t mark);
long run_call(uint64_t mark, long number, uint64_t first, uint64_t second, uint64_t third);
extern const char loop_from[], loop_to[], call_from[], call_to[];
__asm__(".text\n"
        "run_loop:\n"
        "    push %r12\n"
        "    mov %rdi, %r12\n"
        "    movq %rdi, %xmm7\n"
        "loop_from:\n"
        "    cmpl $0, over(%rip)\n"
        "    je loop_from\n"
        "loop_to:\n"
        "    pop %r12\n"
        "    ret\n"
        "run_call:\n"
        "    push %r12\n"
        "    mov %rdi, %r12\n"
        "    movq %rdi, %xmm7\n"
        "    mov %rsi, %rax\n"
        "    mov %rdx, %rdi\n"
        "    mov %rcx, %rsi\n"
        "    mov %r8, %rdx\n"
        "    xor %r10d, %r10d\n"
        "call_from:\n"
        "    syscall\n"
        "call_to:\n"
        "    pop %r12\n"
        "    ret\n");

static void wait_in_futex(uint64_t mark)
{
    run_call(mark, SYS_futex, (uintptr_t)&wait_at, 0 /* FUTEX_WAIT */, 0);
}

static void wait_in_read(uint64_t mark)
{
    run_call(mark, SYS_read, (uint64_t)ends_of_pipe[0], (uintptr_t)&buffer, 1);
}

static void *anonymous(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void change_memory(uint64_t mark)
{
    (void)mark;
    while (!over)
        munmap(anonymous(), PAGE);
}

static struct tracee tracees[] = {
    {.name = "in a loop",
        .body = run_loop,
        .from = (uintptr_t)loop_from,
        .to = (uintptr_t)loop_to,
        .number = -1},
    {.name = "in futex()",
        .body = wait_in_futex,
        .from = (uintptr_t)call_from,
        .to = (uintptr_t)call_to,
        .number = SYS_futex},
    {.name = "in read()",
        .body = wait_in_read,
        .from = (uintptr_t)call_from,
        .to = (uintptr_t)call_to,
        .number = SYS_read},
    {.name = "changing memory", .body = change_memory, .from = 0, .to = UINT64_MAX, .number = -2},
};
enum { TRACEES = sizeof tracees / sizeof tracees[0] };

static void *run(void *context)
{
    struct tracee *tracee = context;
    tracee->stack = (uintptr_t)__builtin_frame_address(0);
    tracee->mark = MARK + (uint64_t)(tracee - tracees);
    tracee->id = (int)syscall(SYS_gettid);
    tracee->body(tracee->mark);
    return NULL;
}

/* ---- looking at one ---- */

static uint64_t float_mark(pid_t id, long set)
{
    static char area[1 << 14];
    struct iovec to = {area, sizeof area};
    const struct user_fpregs_struct *floats = (struct user_fpregs_struct *)area;
    uint64_t mark = 0;
    memset(area, 0, sizeof area);
    if (set ? ptrace(PTRACE_GETREGSET, id, set, &to) < 0 || to.iov_len < sizeof *floats
            : ptrace(PTRACE_GETFPREGS, id, 0, area) < 0)
        return 0;
    memcpy(&mark, floats->xmm_space + 7 * 4, sizeof mark);
    return mark;
}

/* A system call that was interrupted is made again; it may be about to be. */
static bool is_in_call(const struct user_regs_struct *registers, const struct tracee *tracee)
{
    enum { RESTARTS = -512 };
    if (registers->rip == tracee->from)
        return registers->rax == (uint64_t)tracee->number;
    return registers->rax == (uint64_t)RESTARTS && registers->orig_rax == (uint64_t)tracee->number;
}

static bool is_right(const struct tracee *tracee)
{
    enum { NEAR = 4096 };
    struct user_regs_struct registers, again;
    struct iovec to = {&again, sizeof again};
    const pid_t id = tracee->id;
    if (ptrace(PTRACE_GETREGS, id, 0, &registers) < 0 || ptrace(PTRACE_GETREGSET, id, NT_PRSTATUS, &to) < 0)
        return false;
    bool right = registers.rip >= tracee->from && registers.rip <= tracee->to &&
                 registers.rsp < tracee->stack && registers.rsp > tracee->stack - NEAR &&
                 to.iov_len == sizeof again && memcmp(&again, &registers, sizeof again) == 0 &&
                 registers.fs_base > tracee->stack && registers.cs == 0x33 && registers.ss == 0x2b;
    if (tracee->number >= 0)
        right = right && is_in_call(&registers, tracee);
    if (tracee->number == -1)
        right = right && registers.orig_rax == UINT64_MAX;
    if (tracee->number != -2)
        right = right && registers.r12 == tracee->mark && float_mark(id, 0) == tracee->mark &&
                float_mark(id, NT_PRFPREG) == tracee->mark && float_mark(id, NT_X86_XSTATE) == tracee->mark;
    return right;
}

static bool stops(pid_t id, bool seize)
{
    int status, awaited = seize ? SIGTRAP : SIGSTOP;
    if (seize ? ptrace(PTRACE_SEIZE, id, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, id, 0, 0) < 0
              : ptrace(PTRACE_ATTACH, id, 0, 0) < 0)
        return false;
    return waitpid(id, &status, __WALL) == id && WIFSTOPPED(status) && WSTOPSIG(status) == awaited;
}

/* All of them at once, and memory changes meanwhile. */
static void look(int trace)
{
    bool stopped[TRACEES];
    for (int i = 0; i < TRACEES; i++)
        stopped[i] = stops(tracees[i].id, trace % 2);
    char *page = anonymous();
    page[0] = 1;
    munmap(page, PAGE);
    free(malloc(1 << 20));
    for (int i = 0; i < TRACEES; i++) {
        struct tracee *tracee = &tracees[i];
        tracee->right += stopped[i] && is_right(tracee);
        if (stopped[i])
            ptrace(PTRACE_DETACH, tracee->id, 0, 0);
    }
}

/* ---- the tracer ---- */

static void say(const char *what, long result)
{
    printf("%s: %ld, %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static void look_at_memory(void)
{
    static volatile long word = 1234;
    const pid_t id = tracees[0].id;
    char *const nothing = (char *)PAGE;
    siginfo_t info;
    errno = 0;
    say("not attached", ptrace(PTRACE_PEEKDATA, id, &word, 0));
    stops(id, false);
    say("peek", ptrace(PTRACE_PEEKDATA, id, &word, 0));
    say("poke", ptrace(PTRACE_POKEDATA, id, &word, 77L));
    say("now", word);
    say("nothing there", ptrace(PTRACE_POKEDATA, id, nothing, 77L));
    say("a set of none", ptrace(PTRACE_GETREGSET, id, 0x7777L, &info));
    say("signal", ptrace(PTRACE_GETSIGINFO, id, 0, &info) == 0 ? info.si_signo : -1);
    say("goes on", ptrace(PTRACE_CONT, id, 0, 0));
    say("runs", ptrace(PTRACE_GETREGS, id, 0, &info));
    syscall(SYS_tkill, id, SIGSTOP);
    int status;
    say("stops again", waitpid(id, &status, __WALL) == id && WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
    say("detached", ptrace(PTRACE_DETACH, id, 0, 0));
    say("itself", ptrace(PTRACE_ATTACH, getpid(), 0, 0));
    say("nobody", ptrace(PTRACE_ATTACH, 0x3ffffff, 0, 0));
}

/* What a domain refuses. */
static void ask_for_more(void)
{
    const pid_t id = tracees[0].id;
    static struct user_regs_struct registers;
    struct iovec from = {&registers, sizeof registers};
    stops(id, false);
    ptrace(PTRACE_GETREGS, id, 0, &registers);
    say("set registers", ptrace(PTRACE_SETREGS, id, 0, &registers));
    say("set a set", ptrace(PTRACE_SETREGSET, id, NT_PRSTATUS, &from));
    errno = 0;
    say("peek at registers", ptrace(PTRACE_PEEKUSER, id, 0, 0));
    say("poke registers", ptrace(PTRACE_POKEUSER, id, 0, 0));
    say("step", ptrace(PTRACE_SINGLESTEP, id, 0, 0));
    say("to a system call", ptrace(PTRACE_SYSCALL, id, 0, 0));
    say("trace children", ptrace(PTRACE_SETOPTIONS, id, 0, PTRACE_O_TRACECLONE));
    errno = 0;
    say("peek at vcost", ptrace(PTRACE_PEEKDATA, id, (char *)0x7ef000000000, 0));
    say("poke vcost", ptrace(PTRACE_POKEDATA, id, (char *)0x7ef000000000, 0));
    say("be traced", ptrace(PTRACE_TRACEME, 0, 0, 0));
    ptrace(PTRACE_DETACH, id, 0, 0);
}

static int trace(void *context)
{
    const bool more = *(bool *)context;
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < TRACEES; i++)
        while (!tracees[i].id)
            sched_yield();
    if (more)
        ask_for_more();
    else
        look_at_memory();
    for (int i = 0; i < TRACES && !more; i++)
        look(i);
    for (int i = 0; i < TRACEES && !more; i++)
        printf("%s: %d right\n", tracees[i].name, tracees[i].right);
    fflush(stdout);
    over = 1;
    wait_at = 1;
    syscall(SYS_futex, &wait_at, 1 /* FUTEX_WAKE */, 100, NULL, NULL, 0);
    byte = (char)write(ends_of_pipe[1], "", 1);
    _exit(byte == 1 ? 0 : 1);
}

int main(int argc, char **argv)
{
    static char stack[STACK_BYTES] __attribute__((aligned(16)));
    bool more = argc > 1 && !strcmp(argv[1], "more");
    int status;
    if (pipe(ends_of_pipe) < 0)
        return 1;
    for (int i = 0; i < TRACEES; i++)
        pthread_create(&tracees[i].thread, NULL, run, &tracees[i]);
    pid_t tracer =
        clone(trace, stack + STACK_BYTES, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED, &more);
    prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
    if (tracer < 0 || waitpid(tracer, &status, __WALL) != tracer)
        return 1;
    for (int i = 0; i < TRACEES; i++)
        pthread_join(tracees[i].thread, NULL);
    printf("the tracer's status: %d\n", status);
    return 0;
}
