/* A CPU beside the caller's that a monitor may use, and what it has learnt there, for one VM after the other.
 */
#ifndef VCOST_MONITOR_SPARE_CPU_H
#define VCOST_MONITOR_SPARE_CPU_H

#include "monitor/deprivileged/transport_switch.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPARE_SLEEP, SPARE_SPIN, SPARE_MODES };

struct spare_cpu {
    unsigned number; /* that the calling thread may use, and is not on */
    bool known;      /* the choice was begun */
    bool held;       /* VMs that are created now stay with the mode in use, and teach nothing */
    struct transport_switch choice;
    uint64_t handovers[SPARE_MODES]; /* so far: sleeping on the caller's CPU, spinning on this one */
};

#endif
