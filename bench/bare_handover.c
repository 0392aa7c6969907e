#include "bare_handover.h"

#include "measure/clock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OURS, THEIRS, NUMBER = 600, PAGE = 4096, WORDS = 20 };

/* The registers go along: all of them to the monitor, one back. */
struct shared {
    atomic_uint turn;
    atomic_uint sleeps[2];
    volatile uint64_t result, registers[WORDS];
};

struct bare_partner {
    struct shared *shared;
    uint32_t spins;
    pid_t process;
};

static struct shared *place; /* of the partner */
static uint32_t looks;

static void wait_for(struct shared *shared, uint32_t mine, uint32_t spins)
{
    while (atomic_load_explicit(&shared->turn, memory_order_acquire) != mine) {
        if (spins) {
            spins--;
            __builtin_ia32_pause();
            continue;
        }
        atomic_store(&shared->sleeps[mine], 1);
        syscall(SYS_futex, &shared->turn, FUTEX_WAIT, !mine, NULL, NULL, 0);
        atomic_store_explicit(&shared->sleeps[mine], 0, memory_order_relaxed);
    }
}

static void give(struct shared *shared, uint32_t to)
{
    atomic_exchange(&shared->turn, to);
    if (atomic_load(&shared->sleeps[to]))
        syscall(SYS_futex, &shared->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void hand_over(int number)
{
    uint64_t sum = (uint64_t)number;
    for (unsigned i = 0; i < WORDS; i++)
        place->registers[i] = i;
    give(place, OURS);
    wait_for(place, THEIRS, looks);
    for (unsigned i = 0; i < WORDS; i++)
        sum += place->registers[i];
    place->result += sum;
}

static void trap_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NUMBER, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof code / sizeof *code, code};
    const struct sigaction action = {.sa_handler = hand_over};
    if (sigaction(SIGSYS, &action, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(1);
}

static void bind_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static _Noreturn void be_partner(struct shared *shared, bool trap, uint32_t spins, int cpu)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    place = shared;
    looks = spins;
    if (spins)
        bind_to(cpu);
    if (trap)
        trap_calls();
    for (wait_for(place, THEIRS, looks);;) {
        if (trap)
            syscall(NUMBER);
        else
            hand_over(0);
    }
}

struct bare_partner *bare_partner_open(bool trap, uint32_t spins, int cpu, const char **why)
{
    struct bare_partner *partner = malloc(sizeof *partner);
    struct shared *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t process = !partner || shared == MAP_FAILED ? -1 : fork();
    if (process < 0) {
        *why = strerror(errno);
        free(partner);
        return NULL;
    }
    if (process == 0)
        be_partner(shared, trap, spins, cpu);
    *partner = (struct bare_partner){shared, spins, process};
    return partner;
}

uint64_t bare_partner_ticks(struct bare_partner *partner, uint64_t count)
{
    uint64_t start = clock_ticks();
    for (; count; count--) {
        struct shared *shared = partner->shared;
        uint64_t sum = 0;
        give(shared, THEIRS);
        wait_for(shared, OURS, partner->spins);
        for (unsigned i = 0; i < WORDS; i++)
            sum += shared->registers[i];
        shared->result = sum;
    }
    return clock_ticks() - start;
}

void bare_partner_close(struct bare_partner *partner)
{
    kill(partner->process, SIGKILL);
    waitpid(partner->process, NULL, 0);
    munmap(partner->shared, PAGE);
    free(partner);
}
