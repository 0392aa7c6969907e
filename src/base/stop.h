/* How long-running library code asks whether it should stop (Ctrl-C, a time budget). */
#ifndef VCOST_BASE_STOP_H
#define VCOST_BASE_STOP_H

#include <stdbool.h>
#include <stddef.h>

struct stop {
    bool (*asked)(void *context); /* NULL: never stops */
    void *context;
};

static inline bool stop_asked(const struct stop *stop)
{
    return stop && stop->asked && stop->asked(stop->context);
}

#endif
