/* The pointer chase of the article: follow a closed list, one dependent load a hop.
 *
 * For each number of chains, reading only or also incrementing the element's second word, there is one
 * function with its own loop, unrolled WORKLOAD_HOPS_UNROLLED times so that counting does not show in the
 * time of a hop. */
#include "abi/workload.h"
#include "timer.h"

typedef uint64_t word;

static inline word *next(word *element)
{
    return (word *)*element;
}

#define HOP_READ(i) p##i = next(p##i);
#define HOP_WRITE(i)                                                                                         \
    {                                                                                                        \
        word *here = p##i;                                                                                   \
        p##i = next(here);                                                                                   \
        here[1]++;                                                                                           \
    }
#define LOAD(i) word *p##i = (word *)cursor[i];
#define STORE(i) cursor[i] = (word)p##i;

#define EACH_1(X) X(0)
#define EACH_2(X) EACH_1(X) X(1)
#define EACH_3(X) EACH_2(X) X(2)
#define EACH_4(X) EACH_3(X) X(3)
#define EACH_5(X) EACH_4(X) X(4)
#define EACH_6(X) EACH_5(X) X(5)
#define EACH_7(X) EACH_6(X) X(6)
#define EACH_8(X) EACH_7(X) X(7)

#define TIMES_4(X) X X X X
#define TIMES_16(X) TIMES_4(TIMES_4(X))

/* Moves every chain on by `steps` hops and leaves the cursors at the elements that come next. */
typedef void walk(word *cursor, uint64_t steps);

#define DEFINE_WALK(name, chains, HOP)                                                                       \
    static __attribute__((noinline)) void name(word *cursor, uint64_t steps)                                 \
    {                                                                                                        \
        EACH_##chains(LOAD) for (; steps >= WORKLOAD_HOPS_UNROLLED; steps -= WORKLOAD_HOPS_UNROLLED)         \
        {                                                                                                    \
            TIMES_16(EACH_##chains(HOP))                                                                     \
        }                                                                                                    \
        for (; steps; steps--) {                                                                             \
            EACH_##chains(HOP)                                                                               \
        }                                                                                                    \
        EACH_##chains(STORE)                                                                                 \
    }

static inline uint64_t timed(walk *walk, word *cursor, uint64_t steps)
{
    uint64_t start = timer_ticks();
    walk(cursor, steps);
    return timer_ticks() - start;
}

/* Untimed batches until one is no longer clearly (3 %) faster than the one before: the caches and TLBs hold
 * by then what they hold in the steady state. */
static inline uint64_t warm_up(const struct workload_job *job, walk *walk, word *cursor)
{
    uint64_t before = UINT64_MAX, warmed = 0;
    while (job->warm_steps && warmed < job->warm_limit) {
        uint64_t ticks = timed(walk, cursor, job->warm_steps);
        warmed++;
        if (ticks >= before - before / 32)
            break;
        before = ticks;
    }
    return warmed;
}

static __attribute__((always_inline)) inline void chase(struct workload_job *job, walk *walk)
{
    uint64_t total = 0, fastest = UINT64_MAX, slowest = 0;
    job->entered = timer_ticks();
    job->code_selector = code_selector();
    job->warmed = warm_up(job, walk, job->cursor);
    for (uint64_t batch = 0; batch < job->batches; batch++) {
        uint64_t ticks = timed(walk, job->cursor, job->steps);
        total += ticks;
        fastest = ticks < fastest ? ticks : fastest;
        slowest = ticks > slowest ? ticks : slowest;
    }
    job->ticks = total;
    job->fastest_batch = fastest;
    job->slowest_batch = slowest;
    job->finished = WORKLOAD_MAGIC;
}

#define DEFINE_CHASE(chains)                                                                                 \
    DEFINE_WALK(walk_read_##chains, chains, HOP_READ)                                                        \
    DEFINE_WALK(walk_write_##chains, chains, HOP_WRITE)                                                      \
    void chase_read_##chains(struct workload_job *job);                                                      \
    void chase_read_##chains(struct workload_job *job)                                                       \
    {                                                                                                        \
        chase(job, walk_read_##chains);                                                                      \
    }                                                                                                        \
    void chase_write_##chains(struct workload_job *job);                                                     \
    void chase_write_##chains(struct workload_job *job)                                                      \
    {                                                                                                        \
        chase(job, walk_write_##chains);                                                                     \
    }

DEFINE_CHASE(1)
DEFINE_CHASE(2)
DEFINE_CHASE(3)
DEFINE_CHASE(4)
DEFINE_CHASE(5)
DEFINE_CHASE(6)
DEFINE_CHASE(7)
DEFINE_CHASE(8)
