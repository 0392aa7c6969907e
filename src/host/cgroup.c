#include "host/cgroup.h"

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
enum { V2, V1, GENERATIONS };
static const struct generation {
    const char *limits[2], *usage, *idle_cache;
} generations[GENERATIONS] = {
    [V2] = {{"memory.max", "memory.high"}, "memory.current", "inactive_file"},
    [V1] = {{"memory.limit_in_bytes", NULL}, "memory.usage_in_bytes", "total_inactive_file"},
};

/* Where the groups of this process are. "" while not found. */
struct place {
    char group[READ_TEXT_LINE]; /* of this process, as /proc/self/cgroup tells it */
    char root[READ_TEXT_LINE];  /* the group that is mounted */
    char mount[READ_TEXT_LINE]; /* where */
};

/* Is `word` an element of a list separated by commas? */
static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, word, length) && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* A line of /proc/self/cgroup, "0::/group" (v2) or "4:memory,…:/group" (v1). */
static bool take_group(char *line, void *context)
{
    struct place *places = context;
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return true;
    *controllers++ = '\0';
    *group++ = '\0';
    if (!strcmp(line, "0") && !*controllers)
        text_copy(places[V2].group, sizeof places[V2].group, group);
    else if (list_has(controllers, "memory"))
        text_copy(places[V1].group, sizeof places[V1].group, group);
    return true;
}

/* A line of /proc/self/mountinfo: "id parent device root mount options [tags…] - type source options". */
static bool take_mount(char *line, void *context)
{
    struct place *places = context;
    char *end = strstr(line, " - "), *rest = NULL, *field[5];
    if (!end)
        return true;
    *end = '\0';
    field[0] = strtok_r(line, " ", &rest);
    for (size_t i = 1; i < 5; i++)
        field[i] = field[i - 1] ? strtok_r(NULL, " ", &rest) : NULL;
    char *type = strtok_r(end + 3, " ", &rest), *source = strtok_r(NULL, " ", &rest);
    char *options = source ? strtok_r(NULL, " ", &rest) : NULL;
    if (!field[4] || !options)
        return true;
    bool v1 = !strcmp(type, "cgroup") && list_has(options, "memory");
    if (!v1 && strcmp(type, "cgroup2"))
        return true;
    struct place *place = &places[v1 ? V1 : V2];
    if (*place->mount)
        return true; /* a later one is a bind mount */
    text_copy(place->root, sizeof place->root, field[3]);
    text_copy(place->mount, sizeof place->mount, field[4]);
    return true;
}

/* The part of the group's path below the mounted group; "" if it is that one or lies outside of it. */
static const char *below_root(const struct place *place)
{
    size_t length = strcmp(place->root, "/") ? strlen(place->root) : 0;
    const char *below = place->group + length;
    if (strncmp(place->group, place->root, length) || *below != '/' || strstr(below, "/.."))
        return "";
    return below[1] ? below : "";
}

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

static void take_group_limits(
    const char *directory, const struct generation *generation, struct cgroup_memory *memory)
{
    for (size_t i = 0; i < 2 && generation->limits[i]; i++) {
        uint64_t limit;
        if (!group_number(directory, generation->limits[i], &limit) || limit >= NO_LIMIT)
            continue; /* "max" is no number */
        uint64_t used = group_used(directory, generation);
        narrow(&memory->limit_bytes, limit);
        narrow(&memory->room_bytes, limit > used ? limit - used : 0);
    }
}

/* From the group of this process up to the mounted one. */
static void climb(
    const struct place *place, const struct generation *generation, struct cgroup_memory *memory)
{
    char directory[2 * READ_TEXT_LINE];
    size_t mount = strlen(place->mount);
    int length = snprintf(directory, sizeof directory, "%s%s", place->mount, below_root(place));
    if (length < 0 || (size_t)length >= sizeof directory)
        return;
    for (;;) {
        take_group_limits(directory, generation, memory);
        char *last = strrchr(directory + mount, '/');
        if (!last)
            return;
        *last = '\0';
    }
}

void cgroup_memory(struct cgroup_memory *memory)
{
    struct place places[GENERATIONS] = {0};
    *memory = (struct cgroup_memory){.limit_bytes = UINT64_MAX, .room_bytes = UINT64_MAX};
    int rc = read_each_line("/proc/self/cgroup", take_group, places);
    if (!rc)
        rc = read_each_line("/proc/self/mountinfo", take_mount, places);
    bool seen = false;
    for (size_t i = 0; i < GENERATIONS; i++)
        if (*places[i].group && *places[i].mount) {
            climb(&places[i], &generations[i], memory);
            seen = true;
        }
    if (memory->limit_bytes != UINT64_MAX)
        memory->limit = fact_known("%" PRIu64, memory->limit_bytes);
    else if (rc)
        memory->limit = fact_unknown("the control groups of this process cannot be read: %s", strerror(-rc));
    else
        memory->limit = fact_unknown(seen ? "no limit" : "no control group of this process is mounted");
}
