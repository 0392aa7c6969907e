/* Operations that a guest's kernel is entered for. */
#include "event.h"

/* Two bytes long, which the kernel's handler relies on. */
static inline void divide_by_zero(void)
{
    uint32_t a = 1, d = 0, zero = 0;
    __asm__ volatile("div %2" : "+a"(a), "+d"(d) : "c"(zero));
}

EVENT_LOOP(event_divide, divide_by_zero();)
