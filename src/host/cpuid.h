/* CPUID as this process sees it. x86-64 only. */
#ifndef VCOST_HOST_CPUID_H
#define VCOST_HOST_CPUID_H

#include <stdbool.h>
#include <stdint.h>

struct host_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* Reads a leaf. False, and *out all zero, if the leaf is above the highest one of its range (the range is
 * told by the upper half of the number): there a CPU answers with something else. Hypervisor leaves
 * (4000_xxxxh) must be asked for only where leaf 1 announces a hypervisor. */
bool host_cpuid(uint32_t leaf, uint32_t subleaf, struct host_cpuid *out);

/* Reads subleaf 0 of a leaf whatever its range says. */
void host_cpuid_unchecked(uint32_t leaf, struct host_cpuid *out);

#endif
