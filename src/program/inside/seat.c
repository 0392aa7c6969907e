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

int64_t seat_start(struct seat *seat, const creation_asked *asked, int (*begin)(void *context), void *context)
{
    const struct beginning begins = {.stack = seat->stack,
        .begin = begin,
        .context = context,
        .thread = seat->thread,
        .clear = &seat->holder};
    seat->context = context;
    return creation_make(asked, &begins);
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
