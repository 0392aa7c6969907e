/* CPUID with every leaf and subleaf, and XCR0, as the guest obtains them. */
#include "monitor/deprivileged/state.h"

#include "host/cpuid.h"
#include "monitor/deprivileged/cpuid.h"

#include <string.h>

/* How many subleaves of a leaf are looked at (SDM volume 2A, CPUID). */
static uint32_t subleaves(uint32_t leaf)
{
    static const struct {
        uint32_t leaf, count;
    } list[] = {{0x4, 8}, {0x7, 2}, {0xb, 4}, {0xd, 20}, {0x8000001d, 8}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].leaf == leaf)
            return list[i].count;
    return 1;
}

/* What the guest is answered: by this monitor, or where it is not asked by the CPU. */
static struct cpuid_words answer(const struct vcpu *vcpu, bool trapped, uint32_t leaf, uint32_t subleaf)
{
    const struct cpuid_state state = {.cr4 = vcpu->machine.system.cr4, .apic = vcpu->machine.has_apic};
    return trapped ? cpuid_of_guest(leaf, subleaf, &state, cpuid_of_host) : cpuid_of_host(leaf, subleaf);
}

static size_t list_cpuid(const struct vcpu *vcpu, struct kvm_cpuid_entry2 *list, size_t room)
{
    const bool trapped = cpuid_is_trapped();
    size_t count = 0;
    for (uint32_t range = 0; range < 2; range++) {
        const uint32_t first = range << 31;
        uint32_t most = answer(vcpu, trapped, first, 0).eax;
        most = most < first + 0x20 ? most : first + 0x20;
        for (uint32_t leaf = first; leaf <= most; leaf++)
            for (uint32_t sub = 0; sub < subleaves(leaf) && count < room; sub++) {
                const struct cpuid_words words = answer(vcpu, trapped, leaf, sub);
                if (sub && !(words.eax | words.ebx | words.ecx | words.edx))
                    continue;
                list[count++] = (struct kvm_cpuid_entry2){.function = leaf,
                    .index = sub,
                    .flags = subleaves(leaf) > 1 ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
                    .eax = words.eax,
                    .ebx = words.ebx,
                    .ecx = words.ecx,
                    .edx = words.edx};
            }
    }
    return count;
}

uint64_t state_xcr0_here(void)
{
    uint32_t low, high;
    struct host_cpuid leaf;
    if (!host_cpuid(1, 0, &leaf) || !(leaf.ecx >> 27 & 1)) /* OSXSAVE */
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

int state_take_cpuid(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    enum { CPUIDS = 128 };
    struct kvm_cpuid_entry2 list[CPUIDS];
    const size_t bytes = list_cpuid(vcpu, list, CPUIDS) * sizeof *list;
    void *cpuid = state_add(vcpu, state, STATE_CPUID, bytes, error);
    struct kvm_xcrs *xcrs = state_add(vcpu, state, STATE_XCRS, sizeof *xcrs, error);
    if (!cpuid || !xcrs)
        return -error->code;
    memcpy(cpuid, list, bytes);
    *xcrs = (struct kvm_xcrs){.nr_xcrs = 1, .xcrs = {{.value = state_xcr0_here() & STATE_COMPONENTS}}};
    return 0;
}
