/* Finds out what a monitor does on this host by running a guest and looking. */
#ifndef VCOST_DOMAIN_PROBE_H
#define VCOST_DOMAIN_PROBE_H

#include "monitor/monitor.h"

/* Fills *facts. A monitor that cannot be used is no error: facts->usable is false and facts->reason says why.
 * Takes a few ms. */
void domain_probe(const struct monitor_ops *monitor, struct monitor_facts *facts);

#endif
