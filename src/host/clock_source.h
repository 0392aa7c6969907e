/* What this kernel reads the time from. Linux Documentation/ABI/testing/sysfs-devices-system-clocksource. */
#ifndef VCOST_HOST_CLOCK_SOURCE_H
#define VCOST_HOST_CLOCK_SOURCE_H

#include "host/host.h"

/* Fills host->clock. */
void host_look_clock_source(struct host *host);

#endif
