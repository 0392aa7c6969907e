/* What CPUID tells a guest that runs in a process, where the CPU lets Linux refuse it (CPUID faulting: Intel
 * SDM volume 3, 18.2.2 of IA32_MISC_FEATURES_ENABLES; AMD APM volume 2, 3.2 "CpuidUserDis"): the CPU that the
 * guest has, not the host's. Elsewhere the CPU answers, and a guest sees the host's. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_CPUID_H
#define VCOST_MONITOR_DEPRIVILEGED_CPUID_H

#include <stdbool.h>
#include <stdint.h>

struct cpuid_words {
    uint32_t eax, ebx, ecx, edx;
};

/* Whether Linux can refuse CPUID to a process here (arch_prctl, ARCH_SET_CPUID). */
bool cpuid_is_trapped(void);

/* What CPUID of this CPU says. */
struct cpuid_words cpuid_of_host(uint32_t leaf, uint32_t subleaf);

/* What of the answer the guest's own state decides. */
struct cpuid_state {
    uint64_t cr4;
    bool apic; /* it has a local APIC's timer, in x2APIC mode */
};

/* The guest's answer, made of the host's: without what this monitor does not let it have (VMX, SVM, MONITOR,
 * SMEP, SMAP, five levels, pages of 1 GiB, protection keys, AMX, performance counters, power, other CPUs),
 * with the mark of a hypervisor whose signature is "vcost". `host` is asked, with a leaf of its range. */
struct cpuid_words cpuid_of_guest(uint32_t leaf, uint32_t subleaf, const struct cpuid_state *state,
    struct cpuid_words (*host)(uint32_t leaf, uint32_t subleaf));

#endif
