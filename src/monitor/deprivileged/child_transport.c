/* Where the guest's task runs, and how long it and the monitor look at the turn before they sleep. */
#include "monitor/deprivileged/child_internal.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

static_assert((int)CHILD_SLEEP == (int)SPARE_SLEEP && (int)CHILD_SPIN == (int)SPARE_SPIN,
    "as SPARE_SLEEP and SPARE_SPIN");

enum {
    SPIN_NS = 20 * 1000,
    PAUSES = 256,
    TRIES = 5,
    EVERY = 16 /* of so many hand-overs that spin one is timed: to look at the clock takes a fifth of one */
};

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
    const bool spins = mode == SPARE_SPIN;
    children->mode = mode;
    children->cpu = spins ? (int)children->spare->number : children->own;
    children->spins = spins ? children->spins_long : 0;
    children->changes++;
}

int children_transport(
    struct children *children, enum child_transport transport, struct spare_cpu *spare, struct error *error)
{
    if (transport != CHILD_SLEEP && !spare)
        return error_set(error, EINVAL, "there is no CPU to spare for guests");
    children->own = sched_getcpu();
    children->spare = spare;
    children->either = transport == CHILD_EITHER && !spare->held;
    if (!children->spins_long)
        children->spins_long = count_spins();
    if (transport != CHILD_EITHER) {
        use(children, transport);
        return 0;
    }
    if (!spare->known)
        transport_switch_init(&spare->choice, SPARE_SLEEP);
    spare->known = true;
    use(children, children->either ? transport_switch_mode(&spare->choice) : spare->choice.mode);
    return 0;
}

bool children_spun(const struct children *children)
{
    return children->spun;
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

/* To follow takes time, too. */
void transport_begin(struct child *child)
{
    struct children *children = child->family;
    children->began = 0;
    children->slept = false;
    children->spun = children->mode == SPARE_SPIN;
    if (children->spare) {
        struct spare_cpu *spare = children->spare;
        const uint64_t number = spare->handovers[children->mode]++;
        if (children->either &&
            (children->mode == SPARE_SLEEP || number % EVERY == 0 || spare->choice.trying))
            children->began = now_ns();
    }
    follow(child);
}

void transport_sleeps(struct children *children)
{
    children->slept = true;
    if (children->either && !children->began)
        children->began = now_ns() - SPIN_NS;
}

/* One that ended in sleep is timed by all means, and counts for itself; of the others each that is timed
 * counts for those that are not. */
void transport_end(struct children *children)
{
    if (!children->began)
        return;
    struct transport_switch *choice = &children->spare->choice;
    const bool alone = children->mode == SPARE_SLEEP || children->slept || choice->trying;
    const unsigned count = alone ? 1 : EVERY;
    unsigned mode =
        transport_switch_next(choice, children->beside + (now_ns() - children->began) * count, count);
    children->beside = 0;
    if (mode != children->mode)
        use(children, mode);
}

uint64_t transport_beside_begin(const struct children *children)
{
    return children->either ? now_ns() : 0;
}

void transport_beside_end(struct children *children, uint64_t began)
{
    if (began)
        children->beside += now_ns() - began;
}
