#include "domain/moved/throttle.h"

#include <time.h>

/* Short enough that a program does not seem to stop, and long against stopping a virtual CPU. */
enum { PERIOD_NS = 20000000 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void nap(uint64_t ns)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

/* One that cannot be stopped in time is not held, and no time is told. */
static void *hold_and_let_go(void *context)
{
    struct throttle *throttle = context;
    struct error error;
    while (!throttle->quit) {
        const uint64_t held = (uint64_t)PERIOD_NS * throttle->percent / 100, begun = now_ns();
        if (portable_hold(throttle->portable, true, &error) == 0) {
            nap(held);
            throttle->held_ns += now_ns() - begun;
            (void)portable_hold(throttle->portable, false, &error);
        }
        nap(PERIOD_NS - held);
    }
    return NULL;
}

bool throttle_more(struct throttle *throttle, unsigned most)
{
    const unsigned next = throttle->percent + THROTTLE_STEP,
                   limit = most < THROTTLE_MOST ? most : THROTTLE_MOST;
    if (throttle->percent >= limit)
        return false;
    throttle->percent = next < limit ? next : limit;
    if (!throttle->started)
        throttle->started = pthread_create(&throttle->thread, NULL, hold_and_let_go, throttle) == 0;
    return throttle->started;
}

void throttle_end(struct throttle *throttle)
{
    throttle->quit = true;
    if (throttle->started)
        pthread_join(throttle->thread, NULL);
    throttle->started = false;
}
