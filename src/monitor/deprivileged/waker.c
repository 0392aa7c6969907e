#include "monitor/deprivileged/waker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { NS = 1000000000 };

struct waker {
    void (*wake)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t at; /* 0: never */
    bool ends;
};

uint64_t waker_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

/* The lock is held. */
static void sleep_until_changed(struct waker *waker)
{
    const struct timespec until = {(time_t)(waker->at / NS), (long)(waker->at % NS)};
    if (waker->at)
        pthread_cond_timedwait(&waker->changed, &waker->lock, &until);
    else
        pthread_cond_wait(&waker->changed, &waker->lock);
}

static void *keep_time(void *context)
{
    struct waker *waker = context;
    pthread_mutex_lock(&waker->lock);
    while (!waker->ends) {
        if (!waker->at || waker_now() < waker->at) {
            sleep_until_changed(waker);
            continue;
        }
        waker->at = 0;
        pthread_mutex_unlock(&waker->lock);
        waker->wake(waker->context);
        pthread_mutex_lock(&waker->lock);
    }
    pthread_mutex_unlock(&waker->lock);
    return NULL;
}

static int start(struct waker *waker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&waker->thread, NULL, keep_time, waker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void dispose(struct waker *waker)
{
    pthread_cond_destroy(&waker->changed);
    pthread_mutex_destroy(&waker->lock);
    free(waker);
}

int waker_open(void (*wake)(void *context), void *context, struct waker **out, struct error *error)
{
    struct waker *waker = malloc(sizeof *waker);
    pthread_condattr_t attributes;
    if (!waker)
        return error_set(error, ENOMEM, "no memory for a virtual CPU's timer");
    *waker = (struct waker){.wake = wake, .context = context};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&waker->lock, NULL);
    int failed = start(waker);
    if (failed) {
        dispose(waker);
        return error_errno(error, failed, "cannot start a thread for a virtual CPU's timer");
    }
    *out = waker;
    return 0;
}

void waker_set(struct waker *waker, uint64_t at)
{
    pthread_mutex_lock(&waker->lock);
    waker->at = at;
    pthread_cond_signal(&waker->changed);
    pthread_mutex_unlock(&waker->lock);
}

void waker_close(struct waker *waker)
{
    if (!waker)
        return;
    pthread_mutex_lock(&waker->lock);
    waker->ends = true;
    pthread_cond_signal(&waker->changed);
    pthread_mutex_unlock(&waker->lock);
    pthread_join(waker->thread, NULL);
    dispose(waker);
}
