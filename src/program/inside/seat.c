#include "program/inside/seat.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TAKEN = -1 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seat *seats;

/* ---- starting a process on one ---- */

/* The C library's clone() refuses to set the thread pointer, and passes on no place to clear. */
int64_t seat_clone(
    uint64_t flags, void *stack, atomic_int *clear, void *thread, int (*begin)(void *), void *context);
__asm__(".text\n"
        ".globl seat_clone\n"
        ".type seat_clone, @function\n"
        "seat_clone:\n"
        "    and $-16, %rsi\n"
        "    sub $16, %rsi\n"
        "    mov %r8, (%rsi)\n"
        "    mov %r9, 8(%rsi)\n"
        "    mov %rdx, %r10\n"
        "    mov %rcx, %r8\n"
        "    xor %edx, %edx\n"
        "    mov $56, %eax\n" /* clone */
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jne 1f\n"
        "    xor %ebp, %ebp\n"
        "    pop %rax\n"
        "    pop %rdi\n"
        "    call *%rax\n"
        "    hlt\n" /* it does not return */
        "1:  ret\n"
        ".size seat_clone, . - seat_clone\n");

int64_t seat_start(struct seat *seat, uint64_t flags, int (*begin)(void *context), void *context)
{
    seat->context = context;
    return seat_clone(flags | CLONE_SETTLS | CLONE_CHILD_CLEARTID, seat->stack, &seat->holder, seat->thread,
        begin, context);
}

/* ---- making one ---- */

/* Of the C library's thread everything stays but the thread of the host: also that there are several, so that
 * the library's own locks are taken. It ends without its C library (musl has a lock of its own where a
 * thread's end is told), and tells it as the holder's end is told. */
static void *leave_seat(void *context)
{
    struct seat *seat = context;
    __asm__("mov %%fs:0, %0" : "=r"(seat->thread));
    seat->stack = __builtin_frame_address(0);
    syscall(SYS_set_tid_address, &seat->holder);
    syscall(SYS_exit, 0);
    return NULL; /* is not reached */
}

static struct seat *make(void)
{
    enum { STACK_BYTES = 256 << 10 };
    pthread_attr_t attributes;
    pthread_t host;
    struct seat *seat = calloc(1, sizeof *seat);
    if (!seat)
        return NULL;
    seat->holder = TAKEN;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int code = pthread_create(&host, &attributes, leave_seat, seat);
    pthread_attr_destroy(&attributes);
    if (code) {
        free(seat);
        return NULL;
    }
    while (seat->holder)
        syscall(SYS_futex, &seat->holder, FUTEX_WAIT, TAKEN, NULL, NULL, 0);
    return seat;
}

/* ---- the seats that there are ---- */

struct seat *seat_take(void (*release)(void *context))
{
    struct seat *free_one = NULL;
    pthread_mutex_lock(&lock);
    for (struct seat *seat = seats; seat; seat = seat->next) {
        if (seat->holder)
            continue;
        if (seat->context)
            release(seat->context);
        seat->context = NULL;
        free_one = seat;
    }
    if (!free_one && (free_one = make())) {
        free_one->next = seats;
        seats = free_one;
    }
    if (free_one)
        free_one->holder = TAKEN;
    pthread_mutex_unlock(&lock);
    return free_one;
}

void seat_give(struct seat *seat)
{
    seat->context = NULL;
    seat->holder = 0;
}

void seat_wait(const atomic_int *holder)
{
    enum { TRIES = 1000 };
    const struct timespec a_moment = {0, 1000000};
    for (int i = 0; *holder && i < TRIES; i++)
        syscall(SYS_futex, holder, FUTEX_WAIT, TAKEN, &a_moment, NULL, 0);
}

bool seats_are_held(void)
{
    bool held = false;
    pthread_mutex_lock(&lock);
    for (const struct seat *seat = seats; seat && !held; seat = seat->next)
        held = seat->holder != 0;
    pthread_mutex_unlock(&lock);
    return held;
}

void seats_forget(void)
{
    pthread_mutex_init(&lock, NULL);
    seats = NULL;
}
