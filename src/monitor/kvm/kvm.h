/* The monitor on /dev/kvm: hardware-assisted virtualization as the host's KVM is set (nested or shadow
 * paging), or whatever else provides the same interface (PVM). It never looks at the CPU's virtualization
 * flags: it tries. */
#ifndef VCOST_MONITOR_KVM_KVM_H
#define VCOST_MONITOR_KVM_KVM_H

#include "monitor/monitor.h"

extern const struct monitor_ops monitor_kvm;

#endif
