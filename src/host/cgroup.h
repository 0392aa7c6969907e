/* How much memory the control groups of this process leave it. */
#ifndef VCOST_HOST_CGROUP_H
#define VCOST_HOST_CGROUP_H

#include "base/fact.h"

#include <stdint.h>

struct cgroup_memory {
    struct fact limit;    /* bytes as text; unknown: there is none, or it cannot be read */
    uint64_t limit_bytes; /* the narrowest limit, UINT64_MAX if none is known */
    uint64_t room_bytes;  /* what may still be used under every limit, UINT64_MAX if none is known */
};

/* Looks at cgroup v2 (memory.max, memory.high) and v1 (memory.limit_in_bytes), at the group of this process
 * and at every one above it that is visible. File cache that is not in active use counts as free, for the
 * kernel gives it up first. */
void cgroup_memory(struct cgroup_memory *memory);

#endif
