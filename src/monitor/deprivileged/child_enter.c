/* A child runs: registers in, the hand-over, a trap out. */
#include "monitor/deprivileged/child_internal.h"
#include "monitor/deprivileged/entry.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { SLICE_NS = 20 * 1000 * 1000, BEGIN_SLICES = 1000 };

/* ---- registers ---- */

/* In the order of struct child_registers. */
static const uint16_t places[] = {DESK_RAX, DESK_RBX, DESK_RCX, DESK_RDX, DESK_RSI, DESK_RDI, DESK_RSP,
    DESK_RBP, DESK_R8, DESK_R9, DESK_R10, DESK_R11, DESK_R12, DESK_R13, DESK_R14, DESK_R15, DESK_RIP,
    DESK_RFLAGS, DESK_FS_BASE, DESK_GS_BASE};
enum { WORDS = sizeof places / sizeof *places, BASES = WORDS - 2 };

static_assert(
    sizeof(struct child_registers) == sizeof places / sizeof *places * sizeof(uint64_t), "a place each");

static uint64_t *word_at(const struct child *child, size_t offset)
{
    return (uint64_t *)(void *)(child->desk + offset);
}

/* Unrolled: a call without a signal between two CPUs takes as long as some hundred instructions. */
static inline __attribute__((always_inline)) void put_words(
    const struct child *child, const struct child_registers *registers, unsigned first)
{
    const uint64_t *new = (const uint64_t *)registers, *old = (const uint64_t *)&child->taken.called;
#pragma GCC unroll 32
    for (unsigned i = first; i < WORDS; i++)
        if (new[i] != old[i])
            __atomic_store_n(word_at(child, places[i]), new[i], __ATOMIC_RELAXED);
}

static inline __attribute__((always_inline)) void take_words(
    struct child *child, struct child_registers *registers, unsigned first)
{
    uint64_t *words = (uint64_t *)registers, *old = (uint64_t *)&child->taken.called;
#pragma GCC unroll 32
    for (unsigned i = first; i < WORDS; i++)
        words[i] = old[i] = __atomic_load_n(word_at(child, places[i]), __ATOMIC_RELAXED);
    registers->fs_base = address_canonical(registers->fs_base).value;
    registers->gs_base = address_canonical(registers->gs_base).value;
}

/* What of the frame the kernel makes use of and the guest may have changed becomes what it was at first. */
static void heal(struct signal_frame *frame, const struct signal_frame *template)
{
    frame->flags = template->flags;
    frame->link = template->link;
    frame->fpu = template->fpu;
    memcpy(frame->stack, template->stack, sizeof frame->stack);
}

static void put_frame(const struct child *child, const struct vcpu_registers *general)
{
    struct signal_frame frame = child->taken.frame;
    const uint64_t *new = (const uint64_t *)&frame, *old = (const uint64_t *)&child->taken.frame;
    heal(&frame, &child->template);
    frame_write_registers(&frame, general);
    for (unsigned i = 0; i < offsetof(struct signal_frame, number) / sizeof *new; i++)
        if (new[i] != old[i])
            __atomic_store_n(word_at(child, child->frame) + i, new[i], __ATOMIC_RELAXED);
}

/* Once: the guest may be changing it. */
static void take_frame(struct child *child)
{
    memcpy(&child->taken.frame, child->desk + child->frame, sizeof child->taken.frame);
}

static void put_registers(const struct child *child, const struct child_registers *registers)
{
    if (child->turn == TURN_CALLED) {
        put_words(child, registers, 0);
        return;
    }
    put_words(child, registers, BASES);
    if (child->turn == TURN_SIGNAL)
        put_frame(child, &registers->general);
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
    child->taken.frame = child->template;
    struct child_registers ignored;
    take_words(child, &ignored, BASES);
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
    uint32_t turn = child_turn(child);
    for (int slice = 0; slice < BEGIN_SLICES && turn == TURN_GUEST; slice++, turn = child_turn(child)) {
        if (stop_asked(child->family->stop))
            return error_set(error, EINTR, "%s", stop_reason(child->family->stop));
        child_sleep(child, TURN_GUEST, SLICE_NS);
        if (child_turn(child) == TURN_GUEST && child_task_ended(child->helper))
            return child_failed_step(child, error);
    }
    if (turn == TURN_GUEST)
        return error_set(error, ETIMEDOUT, "a guest's process does not come up");
    if (turn != TURN_SIGNAL)
        return child_failed_step(child, error);
    child->turn = turn;
    return find_frame(child, error);
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
    const struct signal_frame *frame = &child->taken.frame;
    take_frame(child);
    if (frame->number == SIGUSR1) {
        trap->kind = CHILD_KICKED;
    } else if (!frame_read_trap(frame, trap)) {
        child_kill(child, "it wrote into its signal frame");
        trap_died(child, trap);
        return true;
    }
    take_words(child, registers, BASES);
    frame_read_registers(frame, &registers->general);
    return trap->kind != CHILD_KICKED || atomic_exchange(&child->kicked, false);
}

static void take_call(struct child *child, struct child_registers *registers, struct child_trap *trap)
{
    take_words(child, registers, 0);
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
    return atomic_load(&child->kicked) && atomic_exchange(&child->kicked, false);
}

int child_run(
    struct child *child, struct child_registers *registers, struct child_trap *trap, struct error *error)
{
    if (!address_is_canonical(registers->fs_base) || !address_is_canonical(registers->gs_base))
        return error_set(error, EINVAL, "a guest cannot have such an FS or GS base");
    trap->vector = 0;
    trap->error_code = trap->address = trap->number = 0;
    trap->no_memory = false;
    trap->detail[0] = '\0'; /* not all of it: that takes as long as the rest */
    atomic_store(&child->inside, true);
    while (!take_kick(child, trap)) {
        if (child->turn != TURN_DEAD) {
            put_registers(child, registers);
            child->counts.runs++;
            transport_begin(child);
            child_hand_over(child, TURN_GUEST);
            transport_end(child->family);
        }
        if (take_trap(child, registers, trap))
            break;
    }
    atomic_store_explicit(&child->inside, false, memory_order_release);
    return 0;
}

void child_kick(struct child *child)
{
    int before = errno;
    atomic_store(&child->kicked, true);
    if (atomic_load(&child->inside))
        child_send_kick(child);
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
        take_frame(child);
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
