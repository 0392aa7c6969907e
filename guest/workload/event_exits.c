/* Instructions for which a monitor is entered. */
#include "abi/domain.h"
#include "event.h"

static inline void cpuid(void)
{
    uint32_t a = 0, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static inline void out(uint16_t port)
{
    __asm__ volatile("outl %0, %1" : : "a"(0), "d"(port));
}

EVENT_LOOP(event_cpuid, cpuid();)
EVENT_LOOP(event_pio_user, out(DOMAIN_PORT_NULL);)
