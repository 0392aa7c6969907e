/* KVM's binary statistics (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD): counters of one VM or virtual
 * CPU, readable without root and without debugfs while it lives. */
#ifndef VCOST_MONITOR_KVM_STATS_H
#define VCOST_MONITOR_KVM_STATS_H

#include "base/error.h"
#include "measure/counters.h"
#include "monitor/monitor.h"

#include <sys/types.h>

enum { KVM_STATS = MONITOR_PLACES };

struct kvm_stats {
    int fd;                  /* -1: this kernel has no binary statistics */
    off_t offset[KVM_STATS]; /* of the value in the file; -1: not among this file's counters */
};

/* Opens the counters of a VM or vCPU file descriptor. A kernel without them is no error: every value is then
 * unknown. places: where they stand, kept from one time to the next; NULL. It waits for a vCPU that runs. */
int kvm_stats_open(
    struct kvm_stats *stats, int vm_or_vcpu, struct monitor_places *places, struct error *error);
void kvm_stats_close(struct kvm_stats *stats);

/* Sets what vcost knows of a virtual CPU's counters, or of a VM's, as it is now. */
void kvm_stats_read(const struct kvm_stats *stats, struct counters *counters);

/* The same by a descriptor that is there for no longer than this. */
void kvm_stats_read_once(int vm_or_vcpu, struct monitor_places *places, struct counters *counters);

#endif
