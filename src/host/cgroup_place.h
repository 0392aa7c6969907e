/* Where the control groups of this process are, v2 and v1: Linux Documentation/admin-guide/{cgroup-v2,
 * cgroup-v1/cgroups}.rst, and proc(5) for /proc/self/cgroup and mountinfo. */
#ifndef VCOST_HOST_CGROUP_PLACE_H
#define VCOST_HOST_CGROUP_PLACE_H

#include "host/read_text.h"

#include <stdbool.h>

enum cgroup_generation { CGROUP_V2, CGROUP_V1, CGROUP_GENERATIONS };

struct cgroup_place {
    char group[READ_TEXT_LINE]; /* of this process, as /proc/self/cgroup tells it; "": not found */
    char root[READ_TEXT_LINE];  /* the group that is mounted */
    char mount[READ_TEXT_LINE]; /* where; "": nowhere */
};

/* Finds the groups that a controller ("cpu", "memory") limits this process by. 0 or a negative errno if
 * /proc cannot be read; what was found until then is told all the same. */
int cgroup_places_find(const char *controller, struct cgroup_place places[static CGROUP_GENERATIONS]);

bool cgroup_place_found(const struct cgroup_place *place);

/* Calls at() for the directory of the group and for each one above it, up to the mounted one: all of them
 * limit the process. */
void cgroup_climb(
    const struct cgroup_place *place, void (*at)(const char *directory, void *context), void *context);

#endif
