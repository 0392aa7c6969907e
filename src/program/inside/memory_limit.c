#include "program/inside/memory_limit.h"

#include <sys/resource.h>

#define NONE UINT64_MAX
_Static_assert(RLIM_INFINITY == NONE, "a limit that is none, here as for the kernel");

static void take(int resource, struct limit *limit)
{
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit host = none;
    getrlimit(resource, &host);
    *limit = (struct limit){host.rlim_cur, host.rlim_max};
    host.rlim_cur = host.rlim_max;
    if (limit->now != NONE && setrlimit(resource, &none) < 0)
        setrlimit(resource, &host);
}

void memory_limits_take(struct memory_limits *limits)
{
    take(RLIMIT_AS, &limits->addresses);
    take(RLIMIT_DATA, &limits->data);
}

/* A limit of 0 was meant for the heap alone, and is not held against all that is data (may_expand_vm()). */
static uint64_t limit_of_data(const struct limit *limit)
{
    return limit->now ? limit->now : limit->most;
}

bool memory_limits_let(const struct process *process, const struct memory_wish *wish)
{
    const struct memory_limits *limits = &process->memory;
    uint64_t data = limit_of_data(&limits->data);
    if (limits->addresses.now != NONE &&
        window_total(process->window, wish->from, wish->to) + wish->bytes > limits->addresses.now)
        return false;
    return data == NONE || !wish->data ||
           window_data(process->window, wish->from, wish->to, wish->rewrite) + wish->bytes <= data;
}
