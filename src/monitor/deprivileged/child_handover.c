/* The turn goes to the guest's task and comes back, or it is seen that it does not. */
#include "monitor/deprivileged/child_internal.h"
#include "monitor/deprivileged/child_look.h"

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SLICE_NS = 20 * 1000 * 1000,      /* between two looks at the stop flag, and at whether it lives */
    KICK_SLICE_NS = 1000 * 1000,      /* between two kicks */
    KICKS_LOST_MAX = 50,              /* in a row, where they come in the stub */
    KICK_CPU_NS = 1000 * 1000 * 1000, /* a guest that takes kicks does it at once */
};

bool child_task_ended(int pidfd)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return poll(&ended, 1, 0) > 0;
}

uint32_t child_turn(const struct child *child)
{
    return atomic_load(desk_word(child, DESK_TURN));
}

void child_sleep(const struct child *child, uint32_t turn, long ns)
{
    const struct timespec slice = {.tv_nsec = ns};
    atomic_store(desk_word(child, DESK_MONITOR_SLEEPS), 1);
    syscall(SYS_futex, child->desk + DESK_TURN, FUTEX_WAIT, turn, &slice, NULL, 0);
    atomic_store_explicit(desk_word(child, DESK_MONITOR_SLEEPS), 0, memory_order_relaxed);
}

/* Whoever sleeps says so before it looks at the turn for the last time (which the kernel does), and whoever
 * gives the turn away looks for sleepers afterwards. */
static void pass_turn(const struct child *child, uint32_t turn)
{
    atomic_exchange(desk_word(child, DESK_TURN), turn);
    if (atomic_load(desk_word(child, DESK_GUEST_SLEEPS)))
        syscall(SYS_futex, child->desk + DESK_TURN, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void spin(const struct child *child, uint32_t mine)
{
    for (uint32_t i = child->family->spins; i && child_turn(child) == mine; i--)
        __builtin_ia32_pause();
}

void child_send_kick(const struct child *child)
{
    pidfd_send_signal(child->guest, SIGUSR1, NULL, 0);
}

/* Since the first kick that was not answered. */
struct watch {
    unsigned kicks;
    uint64_t cpu_ns;
};

/* A kick gets lost where it comes in the stub, so it is sent again. A guest that has blocked signals (by a
 * forged return from a handler) has then run on, or sleeps for ever. Its CPU time alone does not tell: who
 * kicks may have had no CPU since the last kick, and what a hypervisor takes away counts as the guest's. */
static bool would_not_stop(const struct child *child, struct watch *watch)
{
    const uint64_t cpu_ns = child_cpu_ns(child);
    if (watch->kicks++ == 0)
        watch->cpu_ns = cpu_ns;
    child_send_kick(child);
    bool ran_on = watch->kicks > KICKS_LOST_MAX && cpu_ns > watch->cpu_ns + KICK_CPU_NS;
    return ran_on || watch->kicks > child->family->kicks_max;
}

/* Nothing came for a while. */
static void look_after(struct child *child, struct watch *watch)
{
    if (child_task_ended(child->guest)) {
        child_kill(child, "its process was killed");
        return;
    }
    if (stop_asked(child->family->stop))
        atomic_store(&child->kicked, true);
    if (atomic_load(&child->kicked) && would_not_stop(child, watch))
        child_kill(child, "it would not stop");
}

static void take_turn(struct child *child, uint32_t turn)
{
    child->turn = turn;
    if (turn == TURN_DEAD)
        child_kill(child, "it trapped where or when it cannot, or its process was killed");
    else if (turn != TURN_SIGNAL && turn != TURN_CALLED)
        child_kill(child, "it wrote into the mailbox");
}

static void await_turn(struct child *child, uint32_t mine)
{
    struct watch watch = {0};
    child->turn = mine;
    spin(child, mine);
    if (child_turn(child) == mine)
        transport_sleeps(child->family);
    while (child->turn == mine) {
        if (child_turn(child) == mine)
            child_sleep(child, mine, atomic_load(&child->kicked) ? KICK_SLICE_NS : SLICE_NS);
        uint32_t turn = child_turn(child);
        if (turn == mine)
            look_after(child, &watch);
        else
            take_turn(child, turn);
    }
}

void child_hand_over(struct child *child, uint32_t turn)
{
    pass_turn(child, turn);
    await_turn(child, turn);
}
