/* Slows a domain down that writes faster than the link takes it: for a share of the time its virtual CPUs are
 * held outside the guest. That costs its program just that share, which is told. */
#ifndef VCOST_DOMAIN_MOVED_THROTTLE_H
#define VCOST_DOMAIN_MOVED_THROTTLE_H

#include "domain/portable/portable.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THROTTLE_STEP = 20, THROTTLE_MOST = 99 }; /* percent */

struct throttle { /* starts zeroed but for: */
    struct portable *portable;
    atomic_uint percent;
    atomic_uint_fast64_t held_ns; /* so far */
    atomic_bool quit;
    bool started;
    pthread_t thread;
};

/* One step more, up to `most` percent; false: it is there already, or there is no thread for it. */
bool throttle_more(struct throttle *throttle, unsigned most);

/* The domain is as free as before. Harmless if it never was slowed down. */
void throttle_end(struct throttle *throttle);

#endif
