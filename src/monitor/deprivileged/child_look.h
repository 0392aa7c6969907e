/* What Linux says about a child (child.h): authentic, whatever its guest does. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_CHILD_LOOK_H
#define VCOST_MONITOR_DEPRIVILEGED_CHILD_LOOK_H

#include "monitor/deprivileged/child.h"

/* The CPU time that its guest has taken so far, in nanoseconds; 0 where it cannot be told (it has died). */
uint64_t child_cpu_ns(const struct child *child);
/* That, and its helper's. */
uint64_t child_work_ns(const struct child *child);
/* The nursery's: it makes children. */
uint64_t children_work_ns(const struct children *children);

/* The leaves of its page tables that map memory: of 4 KiB and of 2 MiB. */
struct child_pages {
    uint64_t small, large;
};
/* 0 or a negative errno: /proc hides it. */
int child_pages(const struct child *child, struct child_pages *pages);

#endif
