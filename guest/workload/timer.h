/* Reading the time and the privilege level from inside a workload. */
#ifndef VCOST_GUEST_TIMER_H
#define VCOST_GUEST_TIMER_H

#include <stdint.h>

/* The time-stamp counter with everything before it done and nothing after it begun (SDM volume 2B, RDTSC:
 * LFENCE on both sides; on AMD LFENCE is dispatch serializing in every kernel that mitigates Spectre). */
static inline uint64_t timer_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t code_selector(void)
{
    uint64_t selector;
    __asm__ volatile("mov %%cs, %0" : "=r"(selector));
    return selector & 0xffff;
}

#endif
