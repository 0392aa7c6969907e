/* What the hypervisor below this machine says of itself: its features by CPUID, and the machine that it makes
 * up by DMI. The decoders take register values, so that they can be tested with any. */
#ifndef VCOST_HOST_BELOW_H
#define VCOST_HOST_BELOW_H

#include "host/host.h"

/* KVM's features leaf, EAX and EDX: Linux Documentation/virt/kvm/x86/cpuid.rst. Fills kvm_told, kvm_features,
 * kvm_hints, kvm, steal_time and dedicated. */
void below_decode_kvm(uint32_t features, uint32_t hints, struct host_below *below);

/* Hyper-V's leaves 4000_0003h (features) and 4000_0004h (recommendations), EAX: Hypervisor Top Level
 * Functional Specification, "Feature and Interface Discovery". Fills hyperv and nested. */
void below_decode_hyperv(uint32_t features, uint32_t recommendations, struct host_below *below);

/* Fills host->below and host->dmi. After host_look_hypervisor(), which it builds on. */
void host_look_below(struct host *host);

#endif
