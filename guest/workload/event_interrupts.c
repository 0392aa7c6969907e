/* Interrupts, sent by a guest's kernel (CPL 0) through its local APIC in x2APIC mode (SDM
 * volume 3, 10.12). */
#include "abi/domain.h"
#include "event.h"

enum {
    APIC_BASE = 0x1b,
    APIC_BASE_X2APIC = 0xc00, /* enabled, and in x2APIC mode */
    X2APIC_SPURIOUS = 0x80f,
    X2APIC_COMMAND = 0x830,
    X2APIC_TIMER = 0x832,
    X2APIC_INITIAL_COUNT = 0x838,
    X2APIC_DIVIDE = 0x83e,
    SPURIOUS_VECTOR = 0xff,
    ENABLED = 0x100,
    DIVIDE_BY_1 = 0xb,
    VECTOR = 0x40,     /* DOMAIN_INTERRUPT_VECTOR */
    RFLAGS_IF = 0x202, /* and the bit that is always set */
};

static inline void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static inline void enable_apic(void)
{
    write_msr(APIC_BASE, read_msr(APIC_BASE) | APIC_BASE_X2APIC);
    write_msr(X2APIC_SPURIOUS, ENABLED | SPURIOUS_VECTOR);
}

/* The first virtual CPU's local APIC, once; job->first is the counter of interrupts in all of these. */
EVENT(event_apic, enable_apic(); write_msr(X2APIC_DIVIDE, DIVIDE_BY_1); write_msr(X2APIC_TIMER, VECTOR);)

static inline void send_to_second(void)
{
    write_msr(X2APIC_COMMAND, (uint64_t)1 << 32 | VECTOR);
}

/* How far a virtual CPU has to get with a program for an interrupt of its own to be lost: a millisecond of
 * counting at least, on anything that runs this. */
enum { FAR = 1000000 };

/* job->cursor[0] ticks have passed: no proof, where other work has the host's CPUs. Waits on until the
 * virtual CPU that the interrupt is for has got far without having handled it: `progress`, or this one if
 * that is NULL. Bounded by job->cursor[4] times cursor[0] ticks. */
static __attribute__((noinline, cold)) int wait_longer(
    const struct workload_job *job, uint64_t before, const volatile uint64_t *progress)
{
    volatile uint64_t laps = 0;
    const volatile uint64_t *so_far = progress ? progress : &laps;
    uint64_t start = timer_ticks(), seen = *so_far;
    while (*(volatile uint64_t *)job->first == before) {
        laps++;
        if (*so_far - seen > FAR || timer_ticks() - start > job->cursor[4] * job->cursor[0])
            /* It may have been handled between that look at the counter and this one. */
            return *(volatile uint64_t *)job->first != before;
    }
    return 1;
}

static inline int wait_for_change(
    const struct workload_job *job, uint64_t before, const volatile uint64_t *progress)
{
    uint64_t start = timer_ticks();
    while (*(volatile uint64_t *)job->first == before)
        if (timer_ticks() - start > job->cursor[0])
            return wait_longer(job, before, progress);
    return 1;
}

/* What the second virtual CPU, whose job is at job->stride, counts on while it runs a program. Halted it
 * counts nothing. */
static inline const volatile uint64_t *count_of_second(const struct workload_job *job)
{
    return &((const struct workload_job *)job->stride)->warmed;
}

#define EACH_INTERRUPT(name, before_each, cause)                                                             \
    void name(struct workload_job *job);                                                                     \
    void name(struct workload_job *job)                                                                      \
    {                                                                                                        \
        uint64_t ticks = 0;                                                                                  \
        job->bytes = 0;                                                                                      \
        for (uint64_t left = job->steps; left; left--) {                                                     \
            uint64_t seen = *(volatile uint64_t *)job->first;                                                \
            before_each uint64_t start = timer_ticks();                                                      \
            cause if (!wait_for_change(job, seen, count_of_second(job))) break;                              \
            ticks += timer_ticks() - start;                                                                  \
            job->bytes++;                                                                                    \
        }                                                                                                    \
        job->ticks = ticks;                                                                                  \
        job->finished = WORKLOAD_MAGIC;                                                                      \
    }

/* The other CPU counts on: what it was interrupted by last it has done with. */
static inline void wait_for_program(struct workload_job *job)
{
    const volatile uint64_t *count = count_of_second(job);
    uint64_t seen = *count, start = timer_ticks(), limit = job->cursor[4] * job->cursor[0];
    while (*count - seen < 2 && timer_ticks() - start < limit)
        ;
}

/* It tells that it is about to halt. Then job->cursor[3] ticks pass. */
static inline void wait_for_halt(struct workload_job *job)
{
    volatile struct workload_job *second = (volatile struct workload_job *)job->stride;
    uint64_t start = timer_ticks(), limit = job->cursor[4] * job->cursor[0];
    while (!second->warmed && timer_ticks() - start < limit)
        ;
    start = timer_ticks();
    while (timer_ticks() - start < job->cursor[3])
        ;
    second->warmed = 0;
}

/* job->bytes: how many came. */
EACH_INTERRUPT(event_ipi, wait_for_program(job);, send_to_second();)
EACH_INTERRUPT(event_halt_wake, wait_for_halt(job);, send_to_second();)

/* A shootdown: the entry at job->cursor[1] changes, the translation of job->cursor[2] is flushed here and
 * there. */
EACH_INTERRUPT(event_shootdown, wait_for_program(job);, *(volatile uint64_t *)job->cursor[1] ^= 1u << 9;
               __asm__ volatile("invlpg (%0)"
                                :
                                : "r"(job->cursor[2])
                                : "memory");
               send_to_second();)

/* ---- the timer ---- */

/* job->bytes: how many ns ahead it is set, at CPL 0. cursor[2] says when that was. */
EVENT(event_timer_set, job->cursor[2] = timer_ticks(); write_msr(X2APIC_INITIAL_COUNT, job->bytes);)

/* At CPL 3, as a program that is interrupted: waits until there are more than cursor[1] interrupts.
 * job->bytes is set if one came; cursor[3], if it had come before. */
void event_timer_wait(struct workload_job *job);
void event_timer_wait(struct workload_job *job)
{
    uint64_t before = job->cursor[1];
    job->cursor[3] = *(volatile uint64_t *)job->first != before;
    job->bytes = (uint64_t)wait_for_change(job, before, 0);
    job->ticks = timer_ticks() - job->cursor[2];
    job->finished = WORKLOAD_MAGIC;
}

/* ---- the second virtual CPU ---- */

static _Noreturn void count(struct workload_job *job)
{
    for (;;)
        *(volatile uint64_t *)&job->warmed += 1;
}

/* Runs at CPL 3, as a program does: there a virtual CPU takes interrupts at once even where its kernel is
 * emulated, which looks for them only now and then. It is stopped from outside. */
void event_second_spins(struct workload_job *job);
void event_second_spins(struct workload_job *job)
{
    enable_apic();
    job->batches = 1;
    __asm__ volatile("pushq %q0\n\tpushq %q1\n\tpushq %q2\n\tpushq %q3\n\tpushq %q4\n\tiretq"
                     :
                     : "r"((uint64_t)DOMAIN_USER_SS), "r"(job + 1), "r"((uint64_t)RFLAGS_IF),
                     "r"((uint64_t)DOMAIN_USER_CS), "r"(count), "D"(job)
                     : "memory");
    __builtin_unreachable();
}

/* Halted, until its job->steps is 0. */
void event_second_halts(struct workload_job *job);
void event_second_halts(struct workload_job *job)
{
    enable_apic();
    job->batches = 1;
    while (*(volatile uint64_t *)&job->steps) {
        __asm__ volatile("cli" : : : "memory");
        *(volatile uint64_t *)&job->warmed = 1;
        __asm__ volatile("sti\n\thlt" : : : "memory");
    }
    job->finished = WORKLOAD_MAGIC;
}
