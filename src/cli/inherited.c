#include "cli/inherited.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

/* ---- signals ---- */

static void nothing(int number)
{
    (void)number;
}

/* A handler and not SIG_IGN: the programs that are started from here get the default back. */
void inherited_signals(void)
{
    const struct sigaction fail = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGCHLD, SIG_DFL);
    sigaction(SIGXFSZ, &fail, NULL);
}

/* ---- stack ---- */

enum { STACK_BYTES = 1 << 20, GUARD_BYTES = 1 << 16 };

static struct {
    int (*run)(int argc, char **argv);
    int argc, result;
    char **argv;
} call;

static void make_call(void)
{
    call.result = call.run(call.argc, call.argv);
}

int inherited_stack(int (*run)(int argc, char **argv), int argc, char **argv)
{
    struct rlimit limit;
    ucontext_t here, there;
    if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= STACK_BYTES)
        return run(argc, argv);
    char *room = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (room == MAP_FAILED || mprotect(room, GUARD_BYTES, PROT_NONE) < 0 || getcontext(&there) < 0)
        return -errno;
    call.run = run;
    call.argc = argc;
    call.argv = argv;
    there.uc_stack = (stack_t){.ss_sp = room + GUARD_BYTES, .ss_size = STACK_BYTES};
    there.uc_link = &here;
    makecontext(&there, make_call, 0);
    return swapcontext(&here, &there) < 0 ? -errno : call.result; /* unmapped with the process */
}
