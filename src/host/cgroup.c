#include "host/cgroup.h"

#include "host/cgroup_place.h"
#include "host/read_text.h"
#include "host/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A limit above this is v1's way to say that there is none. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* The two generations of the interface: Linux Documentation/admin-guide/{cgroup-v2,cgroup-v1/memory}.rst. */
static const struct generation {
    const char *limits[2], *usage, *idle_cache;
} generations[CGROUP_GENERATIONS] = {
    [CGROUP_V2] = {{"memory.max", "memory.high"}, "memory.current", "inactive_file"},
    [CGROUP_V1] = {{"memory.limit_in_bytes", NULL}, "memory.usage_in_bytes", "total_inactive_file"},
};

static bool group_number(const char *directory, const char *file, uint64_t *value)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, file);
    return length > 0 && (size_t)length < sizeof path && !read_number(path, value);
}

/* File cache of a group that has not been used of late. */
static uint64_t idle_cache(const char *directory, const char *name)
{
    char path[PATH_MAX], text[8192];
    uint64_t bytes = 0;
    int length = snprintf(path, sizeof path, "%s/memory.stat", directory);
    if (length > 0 && (size_t)length < sizeof path && !read_text(path, text, sizeof text))
        (void)text_value_number(text, name, ' ', &bytes);
    return bytes;
}

static uint64_t group_used(const char *directory, const struct generation *generation)
{
    uint64_t usage = 0;
    if (!group_number(directory, generation->usage, &usage))
        return 0;
    uint64_t idle = idle_cache(directory, generation->idle_cache);
    return usage > idle ? usage - idle : 0;
}

static void narrow(uint64_t *value, uint64_t other)
{
    if (other < *value)
        *value = other;
}

struct taking {
    const struct generation *generation;
    struct cgroup_memory *memory;
};

static void take_group_limits(const char *directory, void *context)
{
    const struct taking *taking = context;
    const struct generation *generation = taking->generation;
    struct cgroup_memory *memory = taking->memory;
    for (size_t i = 0; i < 2 && generation->limits[i]; i++) {
        uint64_t limit;
        if (!group_number(directory, generation->limits[i], &limit) || limit >= NO_LIMIT)
            continue; /* "max" is no number */
        uint64_t used = group_used(directory, generation);
        narrow(&memory->limit_bytes, limit);
        narrow(&memory->room_bytes, limit > used ? limit - used : 0);
    }
}

void cgroup_memory(struct cgroup_memory *memory)
{
    struct cgroup_place places[CGROUP_GENERATIONS];
    *memory = (struct cgroup_memory){.limit_bytes = UINT64_MAX, .room_bytes = UINT64_MAX};
    int rc = cgroup_places_find("memory", places);
    bool seen = false;
    for (size_t i = 0; i < CGROUP_GENERATIONS; i++)
        if (cgroup_place_found(&places[i])) {
            cgroup_climb(&places[i], take_group_limits, &(struct taking){&generations[i], memory});
            seen = true;
        }
    if (memory->limit_bytes != UINT64_MAX)
        memory->limit = fact_known("%" PRIu64, memory->limit_bytes);
    else if (rc)
        memory->limit = fact_unknown("the control groups of this process cannot be read: %s", strerror(-rc));
    else
        memory->limit = fact_unknown(seen ? "no limit" : "no control group of this process is mounted");
}
