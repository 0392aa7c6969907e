/* How long-running library code asks whether it should stop (Ctrl-C, a time budget). */
#ifndef VCOST_BASE_STOP_H
#define VCOST_BASE_STOP_H

#include <stdbool.h>
#include <stddef.h>

struct stop {
    bool (*asked)(void *context); /* NULL: never stops */
    void *context;
    const char *(*why)(void *context); /* NULL: the user asked */
};

static inline bool stop_asked(const struct stop *stop)
{
    return stop && stop->asked && stop->asked(stop->context);
}

/* Of one that is asked, for people. */
static inline const char *stop_reason(const struct stop *stop)
{
    return stop->why ? stop->why(stop->context) : "stopped by the user";
}

#endif
