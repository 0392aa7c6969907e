/* Brings a virtual CPU out of its child at a time that its timer sets: a thread that sleeps until then. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_WAKER_H
#define VCOST_MONITOR_DEPRIVILEGED_WAKER_H

#include "base/error.h"

#include <stdint.h>

struct waker;

/* wake(context) is called by the thread, which takes no signals; it must not wait for whoever calls the
 * functions below. */
int waker_open(void (*wake)(void *context), void *context, struct waker **waker, struct error *error);
/* At this time (waker_now()) from now on, instead of any time set before; 0: never. */
void waker_set(struct waker *waker, uint64_t at);
/* NULL is harmless. wake() is not called any more when it returns. */
void waker_close(struct waker *waker);

/* ns of CLOCK_MONOTONIC. */
uint64_t waker_now(void);

#endif
