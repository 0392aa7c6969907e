/* Laps over a warm list: what is timed is one lap, after something that may have cost its caches and TLB
 * entries. */
#include "abi/domain.h"
#include "event.h"

enum { SYS_GETPPID = 110 }; /* of Linux on x86-64 */

typedef void disturbance(void);

static inline void nothing(void)
{
}

static inline void leave_guest(void)
{
    __asm__ volatile("outl %0, %1" : : "a"(0), "d"((uint16_t)DOMAIN_PORT_NULL));
}

static inline void system_call(void)
{
    uint64_t rax = SYS_GETPPID;
    __asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
}

/* Two bytes long, which the kernel's handlers rely on. */
static inline void divide_by_zero(void)
{
    uint32_t a = 1, d = 0, zero = 0;
    __asm__ volatile("div %2" : "+a"(a), "+d"(d) : "c"(zero));
}

static inline const uint64_t *walk(const uint64_t *at, uint64_t hops)
{
    for (; hops; hops--)
        at = (const uint64_t *)*at;
    return at;
}

/* job->steps laps of job->bytes hops each from job->first. The lap before the first timed one warms the list.
 */
static inline __attribute__((always_inline)) void laps(struct workload_job *job, disturbance *disturb)
{
    const uint64_t *at = walk((const uint64_t *)job->first, job->bytes);
    uint64_t ticks = 0;
    job->entered = timer_ticks();
    for (uint64_t left = job->steps; left; left--) {
        disturb();
        uint64_t start = timer_ticks();
        at = walk(at, job->bytes);
        ticks += timer_ticks() - start;
    }
    job->cursor[0] = (uint64_t)at;
    job->ticks = ticks;
    job->finished = WORKLOAD_MAGIC;
}

#define LAPS(name, disturb)                                                                                  \
    void name(struct workload_job *job);                                                                     \
    void name(struct workload_job *job)                                                                      \
    {                                                                                                        \
        laps(job, disturb);                                                                                  \
    }

LAPS(event_laps, nothing)
LAPS(event_laps_exit, leave_guest)
LAPS(event_laps_call, system_call)
LAPS(event_laps_divide, divide_by_zero)

/* One lap without one before it that would warm the list: for what disturbs it from outside. */
void event_lap(struct workload_job *job);
void event_lap(struct workload_job *job)
{
    uint64_t start = timer_ticks();
    job->cursor[0] = (uint64_t)walk((const uint64_t *)job->first, job->bytes);
    job->ticks = timer_ticks() - start;
    job->finished = WORKLOAD_MAGIC;
}
