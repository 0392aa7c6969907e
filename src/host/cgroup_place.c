#include "host/cgroup_place.h"

#include "host/text.h"

#include <stdio.h>
#include <string.h>

struct search {
    const char *controller;
    struct cgroup_place *places;
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
    struct search *search = context;
    struct cgroup_place *places = search->places;
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return true;
    *controllers++ = '\0';
    *group++ = '\0';
    if (!strcmp(line, "0") && !*controllers)
        text_copy(places[CGROUP_V2].group, sizeof places->group, group);
    else if (list_has(controllers, search->controller))
        text_copy(places[CGROUP_V1].group, sizeof places->group, group);
    return true;
}

/* A line of /proc/self/mountinfo: "id parent device root mount options [tags…] - type source options". */
static bool take_mount(char *line, void *context)
{
    struct search *search = context;
    char *end = strstr(line, " - "), *rest = NULL, *field[5];
    if (!end)
        return true;
    *end = '\0';
    field[0] = strtok_r(line, " ", &rest);
    for (size_t i = 1; i < 5; i++)
        field[i] = field[i - 1] ? strtok_r(NULL, " ", &rest) : NULL;
    char *type = strtok_r(end + 3, " ", &rest), *source = type ? strtok_r(NULL, " ", &rest) : NULL;
    char *options = source ? strtok_r(NULL, " ", &rest) : NULL;
    if (!field[4] || !options)
        return true;
    bool v1 = !strcmp(type, "cgroup") && list_has(options, search->controller);
    if (!v1 && strcmp(type, "cgroup2"))
        return true;
    struct cgroup_place *place = &search->places[v1 ? CGROUP_V1 : CGROUP_V2];
    if (*place->mount)
        return true; /* a later one is a bind mount */
    text_copy(place->root, sizeof place->root, field[3]);
    text_copy(place->mount, sizeof place->mount, field[4]);
    return true;
}

int cgroup_places_find(const char *controller, struct cgroup_place places[static CGROUP_GENERATIONS])
{
    struct search search = {controller, places};
    memset(places, 0, CGROUP_GENERATIONS * sizeof *places);
    int rc = read_each_line("/proc/self/cgroup", take_group, &search);
    return rc ? rc : read_each_line("/proc/self/mountinfo", take_mount, &search);
}

bool cgroup_place_found(const struct cgroup_place *place)
{
    return *place->group && *place->mount;
}

/* The part of the group's path below the mounted group; "" if it is that one or lies outside of it. */
static const char *below_root(const struct cgroup_place *place)
{
    size_t length = strcmp(place->root, "/") ? strlen(place->root) : 0;
    const char *below = place->group + length;
    if (strncmp(place->group, place->root, length) || *below != '/' || strstr(below, "/.."))
        return "";
    return below[1] ? below : "";
}

void cgroup_climb(
    const struct cgroup_place *place, void (*at)(const char *directory, void *context), void *context)
{
    char directory[2 * READ_TEXT_LINE];
    size_t mount = strlen(place->mount);
    int length = snprintf(directory, sizeof directory, "%s%s", place->mount, below_root(place));
    if (length < 0 || (size_t)length >= sizeof directory)
        return;
    for (;;) {
        at(directory, context);
        char *last = strrchr(directory + mount, '/');
        if (!last)
            return;
        *last = '\0';
    }
}
