#include "host/cpuid.h"

#include <cpuid.h>

static struct host_cpuid read_leaf(uint32_t leaf, uint32_t subleaf)
{
    struct host_cpuid got;
    __cpuid_count(leaf, subleaf, got.eax, got.ebx, got.ecx, got.edx);
    return got;
}

bool host_cpuid(uint32_t leaf, uint32_t subleaf, struct host_cpuid *out)
{
    uint32_t first = leaf & UINT32_C(0xffffff00); /* hypervisors stack their ranges 100h apart */
    uint32_t highest = read_leaf(first, 0).eax;
    bool present = highest >= leaf && highest - first < UINT32_C(0x10000);
    *out = present ? read_leaf(leaf, subleaf) : (struct host_cpuid){0};
    return present;
}

void host_cpuid_unchecked(uint32_t leaf, struct host_cpuid *out)
{
    *out = read_leaf(leaf, 0);
}
