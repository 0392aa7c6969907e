/* A child runs: registers in, the hand-over, a trap out. */
#include "monitor/deprivileged/child_internal.h"
#include "monitor/deprivileged/child_look.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SLICE_NS = 20 * 1000 * 1000,    /* between two looks at the stop flag, and at whether it lives */
    KICK_SLICE_NS = 1000 * 1000,    /* between two kicks */
    KICK_CPU_NS = 50 * 1000 * 1000, /* a guest that takes kicks does it at once */
    BEGIN_SLICES = 1000
};

/* ---- the hand-over ---- */

static bool has_ended(int pidfd)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return poll(&ended, 1, 0) > 0;
}

static uint32_t turn_of(const struct child *child)
{
    return atomic_load(desk_word(child, DESK_TURN));
}

static void sleep_for(const struct child *child, uint32_t turn, long ns)
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
    for (uint32_t i = child->family->spins; i && turn_of(child) == mine; i--)
        __builtin_ia32_pause();
}

static void send_kick(const struct child *child)
{
    pidfd_send_signal(child->guest, SIGUSR1, NULL, 0);
}

/* Since the first kick that was not answered. */
struct watch {
    unsigned kicks;
    uint64_t cpu_ns;
};

/* A kick gets lost where it comes in the stub, so it is sent again. A guest that has blocked signals (by a
 * forged return from a handler) has then run on, or sleeps for ever. */
static bool would_not_stop(const struct child *child, struct watch *watch)
{
    const uint64_t cpu_ns = child_cpu_ns(child);
    if (watch->kicks++ == 0)
        watch->cpu_ns = cpu_ns;
    send_kick(child);
    return cpu_ns > watch->cpu_ns + KICK_CPU_NS || watch->kicks > child->family->kicks_max;
}

/* Nothing came for a while. */
static void look_after(struct child *child, struct watch *watch)
{
    if (has_ended(child->guest)) {
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
    while (child->turn == mine) {
        if (turn_of(child) == mine)
            sleep_for(child, mine, atomic_load(&child->kicked) ? KICK_SLICE_NS : SLICE_NS);
        uint32_t turn = turn_of(child);
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

/* ---- the first trap ---- */

int child_failed_step(const struct child *child, struct error *error)
{
    static const char *const steps[] = {
        [STEP_NONE] = "start a guest's process",
        [STEP_PARENT] = "start a guest's process: its parent has ended",
        [STEP_DESCRIPTORS] = "close a process's descriptors (close_range, Linux 5.9)",
        [STEP_TID] = "watch a process's end (set_tid_address)",
        [STEP_STACK] = "have a signal stack of their own (sigaltstack)",
        [STEP_SIGNALS] = "handle signals (rt_sigaction)",
        [STEP_SPAWN] = "share memory between processes (clone) or filter system calls (seccomp)",
    };
    uint32_t step = *desk_word(child, DESK_FAILED_STEP);
    int code = (int)*desk_word(child, DESK_FAILED_CODE);
    const char *what = steps[step < sizeof steps / sizeof *steps ? step : STEP_NONE];
    return error_set(error, ENOTSUP, "this host does not let programs %s%s%s", what, code > 0 ? ": " : "",
        code > 0 ? strerror(code) : "");
}

/* The frame is always at the same place (SS_AUTODISARM). No code of a guest has run: what is there can be
 * believed. */
static int find_frame(struct child *child, struct error *error)
{
    const uint64_t at = atomic_load((_Atomic uint64_t *)(void *)(child->desk + DESK_FRAME)) - DESK_BASE;
    const struct signal_frame *frame = &child->template;
    if (at < DESK_STACK || at > DESK_BYTES - sizeof *frame)
        return error_set(
            error, ENOTSUP, "this host puts signal frames elsewhere than it is told (sigaltstack)");
    memcpy(&child->template, child->desk + at, sizeof child->template);
    const uint64_t fpu = frame->fpu - DESK_BASE;
    uint32_t magic, bytes;
    if (frame->number != SIGILL || fpu < at || fpu > DESK_BYTES - 512)
        return error_set(error, ENOTSUP, "this host's signal frames are not as Linux makes them");
    memcpy(&magic, child->desk + fpu + 464, sizeof magic); /* struct _fpx_sw_bytes */
    memcpy(&bytes, child->desk + fpu + 468, sizeof bytes);
    child->frame = at;
    child->fpu = fpu;
    child->fpu_bytes = magic == 0x46505853 && bytes >= 512 && bytes <= DESK_BYTES - fpu ? bytes : 512;
    return 0;
}

int child_begin(struct child *child, struct error *error)
{
    uint32_t turn = turn_of(child);
    for (int slice = 0; slice < BEGIN_SLICES && turn == TURN_GUEST; slice++, turn = turn_of(child)) {
        if (stop_asked(child->family->stop))
            return error_set(error, EINTR, "%s", stop_reason(child->family->stop));
        sleep_for(child, TURN_GUEST, SLICE_NS);
        if (turn_of(child) == TURN_GUEST && has_ended(child->helper))
            return child_failed_step(child, error);
    }
    if (turn == TURN_GUEST)
        return error_set(error, ETIMEDOUT, "a guest's process does not come up");
    if (turn != TURN_SIGNAL)
        return child_failed_step(child, error);
    child->turn = turn;
    return find_frame(child, error);
}

/* ---- registers ---- */

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static uint64_t make_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static uint64_t *base_at(const struct child *child, size_t offset)
{
    return (uint64_t *)(void *)(child->desk + offset);
}

/* What the guest may have changed in the frame, but for the registers, is as it was at first. */
static void write_frame(const struct child *child, const struct vcpu_registers *general)
{
    struct signal_frame frame = child->template;
    frame_write_registers(&frame, general);
    memcpy(child->desk + child->frame, &frame, sizeof frame);
}

static void put_registers(const struct child *child, const struct child_registers *registers)
{
    __atomic_store_n(base_at(child, DESK_FS_BASE), registers->fs_base, __ATOMIC_RELAXED);
    __atomic_store_n(base_at(child, DESK_GS_BASE), registers->gs_base, __ATOMIC_RELAXED);
    if (child->turn == TURN_CALLED)
        memcpy(child->desk + DESK_GENERAL, &registers->general, sizeof registers->general);
    else
        write_frame(child, &registers->general);
}

static void get_bases(const struct child *child, struct child_registers *registers)
{
    registers->fs_base = make_canonical(__atomic_load_n(base_at(child, DESK_FS_BASE), __ATOMIC_RELAXED));
    registers->gs_base = make_canonical(__atomic_load_n(base_at(child, DESK_GS_BASE), __ATOMIC_RELAXED));
}

/* ---- traps ---- */

static void trap_died(const struct child *child, struct child_trap *trap)
{
    trap->kind = CHILD_DIED;
    snprintf(trap->detail, sizeof trap->detail, "%s", child->died);
}

/* Whether it is one for the caller; a kick that was answered before is not. */
static bool take_signal(struct child *child, struct child_registers *registers, struct child_trap *trap)
{
    struct signal_frame frame;
    memcpy(&frame, child->desk + child->frame, sizeof frame); /* once: the guest may be changing it */
    if (frame.number == SIGUSR1) {
        trap->kind = CHILD_KICKED;
    } else if (!frame_read_trap(&frame, trap)) {
        child_kill(child, "it wrote into its signal frame");
        trap_died(child, trap);
        return true;
    }
    frame_read_registers(&frame, &registers->general);
    get_bases(child, registers);
    return trap->kind != CHILD_KICKED || atomic_exchange(&child->kicked, false);
}

static void take_call(const struct child *child, struct child_registers *registers, struct child_trap *trap)
{
    memcpy(&registers->general, child->desk + DESK_GENERAL, sizeof registers->general);
    get_bases(child, registers);
    trap->kind = CHILD_CALLED;
}

/* Whether the caller is to know; if not, the guest goes on with what is in *registers. */
static bool take_trap(struct child *child, struct child_registers *registers, struct child_trap *trap)
{
    switch (child->turn) {
    case TURN_SIGNAL:
        return take_signal(child, registers, trap);
    case TURN_CALLED:
        take_call(child, registers, trap);
        return true;
    default:
        trap_died(child, trap);
        return true;
    }
}

/* A dead one has more to say than that it was kicked. */
static bool take_kick(struct child *child, struct child_trap *trap)
{
    if (child->turn == TURN_DEAD)
        return false;
    if (stop_asked(child->family->stop))
        atomic_store(&child->kicked, true);
    trap->kind = CHILD_KICKED;
    return atomic_exchange(&child->kicked, false);
}

int child_run(
    struct child *child, struct child_registers *registers, struct child_trap *trap, struct error *error)
{
    if (!is_canonical(registers->fs_base) || !is_canonical(registers->gs_base))
        return error_set(error, EINVAL, "a guest cannot have such an FS or GS base");
    memset(trap, 0, sizeof *trap);
    atomic_store(&child->inside, true);
    while (!take_kick(child, trap)) {
        if (child->turn != TURN_DEAD) {
            put_registers(child, registers);
            child->counts.runs++;
            uint64_t began = transport_begin(child);
            child_hand_over(child, TURN_GUEST);
            transport_end(child->family, began);
        }
        if (take_trap(child, registers, trap))
            break;
    }
    atomic_store(&child->inside, false);
    return 0;
}

void child_kick(struct child *child)
{
    int before = errno;
    atomic_store(&child->kicked, true);
    if (atomic_load(&child->inside))
        send_kick(child);
    errno = before;
}

/* ---- the FPU ---- */

size_t child_fpu_bytes(const struct child *child)
{
    return child->fpu_bytes;
}

/* Only a task that is in the signal handler has its state in memory. */
static int bring_into_frame(struct child *child, struct error *error)
{
    if (child->turn == TURN_CALLED) {
        child_hand_over(child, TURN_SHOW);
        if (child->turn == TURN_CALLED)
            child_kill(child, "it wrote into the mailbox");
    }
    return child->turn == TURN_DEAD ? error_set(error, ESRCH, "a guest's process has ended: %s", child->died)
                                    : 0;
}

int child_fpu_get(struct child *child, void *state, struct error *error)
{
    int rc = bring_into_frame(child, error);
    if (rc == 0)
        memcpy(state, child->desk + child->fpu, child->fpu_bytes);
    return rc;
}

int child_fpu_put(struct child *child, const void *state, struct error *error)
{
    int rc = bring_into_frame(child, error);
    if (rc == 0)
        memcpy(child->desk + child->fpu, state, child->fpu_bytes);
    return rc;
}
