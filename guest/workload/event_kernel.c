/* What only a guest's kernel may do (CPL 0). */
#include "event.h"

enum { LOCAL_APIC_BASE = 0x1b, UNKNOWN_HYPERCALL = 0x7fff };

static inline void vmcall(void)
{
    uint64_t rax = UNKNOWN_HYPERCALL;
    __asm__ volatile("vmcall" : "+a"(rax) : : "memory");
}

static inline void vmmcall(void)
{
    uint64_t rax = UNKNOWN_HYPERCALL;
    __asm__ volatile("vmmcall" : "+a"(rax) : : "memory");
}

static inline void read_msr(void)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(LOCAL_APIC_BASE));
}

static inline void write_cr8(void)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"(0ul));
}

static inline void flush_page(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline uint64_t read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

EVENT_LOOP(event_vmcall, vmcall();)
EVENT_LOOP(event_vmmcall, vmmcall();)
EVENT_LOOP(event_msr_read, read_msr();)
EVENT_LOOP(event_cr8_write, write_cr8();)
EVENT_LOOP(event_flush_page, flush_page(job->first);)
EVENT(event_flush_full, uint64_t cr3 = read_cr3();
      for (uint64_t left = job->steps; left; left--) write_cr3(cr3);)

/* The entry at job->first, which maps the page at job->bytes: a bit that is software's to use changes (SDM
 * volume 3, 4.5.4), and the translation is flushed. */
EVENT_LOOP(event_pte_change, *(volatile uint64_t *)job->first ^= 1u << 9; flush_page(job->bytes);)

/* Takes the first job->steps pages of the entries at job->first away. */
EVENT(event_clear, volatile uint64_t *entry = (volatile uint64_t *)job->first;
      for (uint64_t i = 0; i < job->steps; i++) entry[i] &= ~1ul; write_cr3(read_cr3());)

/* Laps as those of event_laps.c, each after a change to the other of two address spaces (cursor[1],
 * cursor[2]), or after none where both are the same. */
void event_laps_space(struct workload_job *job);
void event_laps_space(struct workload_job *job)
{
    const uint64_t *at = (const uint64_t *)job->first;
    uint64_t ticks = 0;
    job->entered = timer_ticks();
    for (uint64_t left = job->steps; left; left--) {
        if (job->cursor[1] != job->cursor[2])
            write_cr3(job->cursor[1 + left % 2]);
        uint64_t start = timer_ticks();
        for (uint64_t hops = job->bytes; hops; hops--)
            at = (const uint64_t *)*at;
        ticks += timer_ticks() - start;
    }
    job->cursor[0] = (uint64_t)at;
    write_cr3(job->cursor[1]);
    job->ticks = ticks;
    job->finished = WORKLOAD_MAGIC;
}
