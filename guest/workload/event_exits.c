/* Instructions for which a monitor is entered. */
#include "abi/domain.h"
#include "event.h"

static inline void cpuid(void)
{
    uint32_t a = 0, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
}

static inline void out(uint16_t port)
{
    __asm__ volatile("outl %0, %1" : : "a"(0), "d"(port));
}

static inline void in(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
}

/* Leaf 0 has no subleaves: ECX need not be set. */
EVENT_LOOP(event_cpuid, cpuid();)
EVENT(event_cpuid_kernel, UNROLLED(cpuid();))
EVENT_LOOP(event_pio_user, out(DOMAIN_PORT_NULL);)
EVENT_LOOP(event_pio_kernel, out(DOMAIN_PORT_EVENT);)
EVENT_LOOP(event_in, in(DOMAIN_PORT_NULL);)
EVENT_LOOP(event_mmio_write, *(volatile uint32_t *)job->first = 0;)
EVENT_LOOP(event_mmio_read, (void)*(volatile uint32_t *)job->first;)
