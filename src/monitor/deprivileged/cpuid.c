#include "monitor/deprivileged/cpuid.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

enum { BASIC_MAX = 0x19, HYPERVISOR = 0x40000000, EXTENDED = 0x80000000, EXTENDED_MAX = 0x80000008 };
#define CR4_OSXSAVE (UINT64_C(1) << 18)
#define BIT(number) (UINT32_C(1) << (number))
#define ALL UINT32_MAX

/* To allow what is allowed changes nothing, and fails where nothing else would be possible. */
bool cpuid_is_trapped(void)
{
    return syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1) == 0;
}

struct cpuid_words cpuid_of_host(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_words words;
    __cpuid_count(leaf, subleaf, words.eax, words.ebx, words.ecx, words.edx);
    return words;
}

/* ---- what is left of the host's ---- */

/* Bits that stay; of leaves that are not named here, nothing (Intel SDM volume 2A, table 3-17; AMD APM volume
 * 3, appendix E). */
static const struct {
    uint32_t leaf;
    struct cpuid_words kept;
} leaves[] = {
    {0x0, {ALL, ALL, ALL, ALL}},
    /* ebx: no APIC id, one logical CPU. ecx: not DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, CNXT-ID, SDBG,
     * xTPR, PDCM, PCID, DCA, x2APIC, deadline timer, OSXSAVE. edx: not MCE, APIC, MTRR, MCA, PAT, DS, ACPI,
     * HTT, TM, PBE. */
    {0x1, {ALL, 0x0000ff00,
              ALL & ~(BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(10) | BIT(11) |
                        BIT(14) | BIT(15) | BIT(17) | BIT(18) | BIT(21) | BIT(24) | BIT(27)),
              ALL & ~(BIT(7) | BIT(9) | BIT(12) | BIT(14) | BIT(16) | BIT(21) | BIT(22) | BIT(28) | BIT(29) |
                        BIT(31))}},
    {0x2, {ALL, ALL, ALL, ALL}},
    {0x4, {0x3ff, ALL, ALL, ALL}}, /* not who shares a cache */
    /* ebx: not SGX, SMEP, INVPCID, PQM, MPX, PQE, SMAP, PT. ecx: not UMIP, PKU, OSPKE, WAITPKG, CET, LA57,
     * ENQCMD, SGX. edx: not AMX, CET, ARCH_CAPABILITIES and what else is used by MSRs. */
    {0x7, {0, ALL & ~(BIT(1) | BIT(2) | BIT(7) | BIT(10) | BIT(12) | BIT(14) | BIT(15) | BIT(20) | BIT(25)),
              ALL & ~(BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(7) | BIT(16) | BIT(29) | BIT(30) | BIT(31)),
              BIT(2) | BIT(3) | BIT(4) | BIT(8) | BIT(10) | BIT(14) | BIT(23)}},
    {0xd, {ALL & ~(BIT(17) | BIT(18)), ALL, ALL, ALL}},
    {0x15, {ALL, ALL, ALL, 0}},
    {0x16, {ALL, ALL, ALL, 0}},
    {0x80000000, {ALL, ALL, ALL, ALL}},
    /* ecx: not SVM, extended APIC space, IBS, SKINIT, WDT, LWP, topology, performance counters, MONITORX.
     * edx: SYSCALL, NX, RDTSCP, LM, and on AMD what leaf 1 tells, too; not pages of 1 GiB */
    {0x80000001, {ALL, 0,
                     ALL & ~(BIT(2) | BIT(3) | BIT(10) | BIT(12) | BIT(13) | BIT(15) | BIT(22) | BIT(23) |
                               BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29)),
                     ALL & ~(BIT(7) | BIT(9) | BIT(12) | BIT(14) | BIT(16) | BIT(26))}},
    {0x80000002, {ALL, ALL, ALL, ALL}},
    {0x80000003, {ALL, ALL, ALL, ALL}},
    {0x80000004, {ALL, ALL, ALL, ALL}},
    {0x80000005, {ALL, ALL, ALL, ALL}},
    {0x80000006, {ALL, ALL, ALL, ALL}},
    {0x80000007, {0, 0, 0, BIT(8)}}, /* the time-stamp counter does not stop */
    {0x80000008, {0xff00, BIT(0), 0, 0}},
};

static struct cpuid_words masked(struct cpuid_words words, const struct cpuid_words *kept)
{
    return (struct cpuid_words){
        words.eax & kept->eax, words.ebx & kept->ebx, words.ecx & kept->ecx, words.edx & kept->edx};
}

/* ---- what is the guest's own ---- */

enum { PHYSICAL_BITS = 46 };

static void add_own(uint32_t leaf, const struct cpuid_state *state, struct cpuid_words *words)
{
    switch (leaf) {
    case 0x0:
        words->eax = words->eax < BASIC_MAX ? words->eax : BASIC_MAX;
        break;
    case 0x1:
        words->ebx |= 1 << 16; /* one logical CPU */
        words->ecx |= BIT(31) | (state->apic ? BIT(21) : 0) | (state->cr4 & CR4_OSXSAVE ? BIT(27) : 0);
        words->edx |= state->apic ? BIT(9) : 0;
        break;
    case 0x80000000:
        words->eax = words->eax < EXTENDED_MAX ? words->eax : EXTENDED_MAX;
        break;
    case 0x80000008:
        words->eax = (words->eax & 0xff00 ? words->eax : 48 << 8) | PHYSICAL_BITS;
        break;
    default:
        break;
    }
}

struct cpuid_words cpuid_of_guest(uint32_t leaf, uint32_t subleaf, const struct cpuid_state *state,
    struct cpuid_words (*host)(uint32_t leaf, uint32_t subleaf))
{
    const uint32_t most = leaf < HYPERVISOR ? host(0, 0).eax : leaf >= EXTENDED ? host(EXTENDED, 0).eax : 0;
    struct cpuid_words words = {0, 0, 0, 0};
    if (leaf == HYPERVISOR)
        return (struct cpuid_words){HYPERVISOR, 0x736f6376, 0x74, 0}; /* "vcost" */
    for (size_t i = 0; leaf <= most && i < sizeof leaves / sizeof leaves[0]; i++)
        if (leaves[i].leaf == leaf) {
            words = masked(host(leaf, subleaf), &leaves[i].kept);
            add_own(leaf, state, &words);
        }
    return words;
}
