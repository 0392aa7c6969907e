/* Where the guest's task runs, and how long it and the monitor look at the turn before they sleep. */
#include "monitor/deprivileged/child_internal.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

static_assert(CHILD_SLEEP == 0 && CHILD_SPIN == 1, "the two modes of transport_switch.h");

enum { SPIN_NS = 20 * 1000, PAUSES = 256, TRIES = 5 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How often PAUSE can be executed in SPIN_NS: it takes from 10 to 150 cycles, by the CPU. */
static uint32_t count_spins(void)
{
    uint64_t least = UINT64_MAX;
    for (int try = 0; try < TRIES; try++) {
        uint64_t start = now_ns();
        for (int i = 0; i < PAUSES; i++)
            __builtin_ia32_pause();
        uint64_t took = now_ns() - start;
        least = took < least ? took : least;
    }
    return (uint32_t)(SPIN_NS * PAUSES / (least ? least : 1) + 1);
}

static int place(pid_t task, int cpu)
{
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
    if (!set)
        return -ENOMEM;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(cpu, bytes, set);
    int rc = sched_setaffinity(task, bytes, set) < 0 ? -errno : 0;
    CPU_FREE(set);
    return rc;
}

static void use(struct children *children, unsigned mode)
{
    children->mode = mode;
    children->cpu = mode == CHILD_SPIN ? children->spare : children->own;
    children->spins = mode == CHILD_SPIN ? children->spins_long : 0;
    children->changes++;
}

int children_transport(
    struct children *children, enum child_transport transport, int cpu, struct error *error)
{
    if (transport != CHILD_SLEEP && cpu < 0)
        return error_set(error, EINVAL, "there is no CPU %d for guests", cpu);
    children->own = sched_getcpu();
    children->spare = cpu;
    children->spins_long = count_spins();
    children->either = transport == CHILD_EITHER;
    transport_switch_init(&children->choice, CHILD_SPIN);
    use(children, transport == CHILD_SLEEP ? CHILD_SLEEP : CHILD_SPIN);
    return 0;
}

/* One that has run before and still looks at its turn would take the CPU from this one. */
static void follow(struct child *child)
{
    struct children *children = child->family;
    if (children->last != child && children->last)
        atomic_store(desk_word(children->last, DESK_SPINS), 0);
    if (child->changes != children->changes)
        place(child->guest_number, children->cpu);
    if (children->last != child || child->changes != children->changes)
        atomic_store(desk_word(child, DESK_SPINS), children->spins);
    children->last = child;
    child->changes = children->changes;
}

uint64_t transport_begin(struct child *child)
{
    const uint64_t began = child->family->either ? now_ns() : 0; /* to follow takes time, too */
    follow(child);
    return began;
}

void transport_end(struct children *children, uint64_t began)
{
    if (!children->either)
        return;
    unsigned mode = transport_switch_next(&children->choice, now_ns() - began);
    if (mode != children->mode)
        use(children, mode);
}
