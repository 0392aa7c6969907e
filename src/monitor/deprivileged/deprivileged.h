/* The monitors that need no hardware: guest code runs at the lowest privilege in processes of its own
 * (child.h), which map what the guest's tables say. `shadow`: the guest believes that it owns its tables,
 * which are looked at when it touches what is not mapped yet. `paravirt`: the guest's kernel knows that it is
 * a guest; what its tables say is mapped at once. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_DEPRIVILEGED_H
#define VCOST_MONITOR_DEPRIVILEGED_DEPRIVILEGED_H

#include "monitor/monitor.h"

extern const struct monitor_ops monitor_paravirt, monitor_shadow;

#endif
