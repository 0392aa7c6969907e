/* Operations that a guest's kernel is entered for. */
#include "event.h"

/* Two bytes long, which the kernel's handler relies on. */
static inline void divide_by_zero(void)
{
    uint32_t a = 1, d = 0, zero = 0;
    __asm__ volatile("div %2" : "+a"(a), "+d"(d) : "c"(zero));
}

static __attribute__((noinline)) void callee(void)
{
    __asm__ volatile("");
}

/* Natively Linux's getppid(), which does nothing; in a guest whatever its kernel does. */
static inline void system_call(void)
{
    uint64_t rax = 110;
    __asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
}

EVENT(event_call, UNROLLED(callee();))
EVENT_LOOP(event_syscall, system_call();)
EVENT_LOOP(event_divide, divide_by_zero();)
