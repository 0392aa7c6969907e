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
/* What a system call costs depends, by a third on some processors, on where the loop around it lies: the
 * branches of the kernel's entry are predicted from a history that the loop is part of. So there are loops at
 * several places, and every call takes one by chance: the median is not that of one place. */
#define LOOP_AT(place)                                                                                       \
    case place:                                                                                              \
        __asm__ volatile(".fill " #place ", 1, 0x90");                                                       \
        for (uint64_t left = job->steps; left; left--) {                                                     \
            system_call();                                                                                   \
        }                                                                                                    \
        break;

EVENT(event_syscall, switch (job->entered / 64 % 16){LOOP_AT(0) LOOP_AT(1) LOOP_AT(2) LOOP_AT(3) LOOP_AT(4)
                             LOOP_AT(5) LOOP_AT(6) LOOP_AT(7) LOOP_AT(8) LOOP_AT(9) LOOP_AT(10) LOOP_AT(11)
                                 LOOP_AT(12) LOOP_AT(13) LOOP_AT(14) LOOP_AT(15)})
EVENT_LOOP(event_divide, divide_by_zero();)
