/* What takes this guest's memory away and gives it back: the balloon of virtio, and free page reporting. */
#ifndef VCOST_HOST_BALLOON_H
#define VCOST_HOST_BALLOON_H

#include "host/host.h"

/* Reads the bit string in a virtio device's `features`, bit 0 first; what is behind bit 63 is not kept. False
 * if it is no such string. */
bool balloon_parse_features(const char *text, uint64_t *features);

/* Fills host->balloon. */
void host_look_balloon(struct host *host);

#endif
