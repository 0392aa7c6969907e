/* The TLBs as CPUID describes them. The decoders take raw register values, so that they can be tested with
 * those of any processor on any machine. What a hypervisor shows may differ from what the silicon has, and on
 * a hybrid processor the answer is that of the core which was asked.
 *
 * Several TLBs of the same level, type and page size are several structures (Alder Lake has two for 4 KiB at
 * level 2); a structure that holds several page sizes is listed once for each. 4 MiB pages do not exist in
 * long mode: they are listed only where nothing is said of 2 MiB ones. TLBs only for loads or only for stores
 * have the types "data load" and "data store". */
#ifndef VCOST_HOST_TLB_H
#define VCOST_HOST_TLB_H

#include "host/cpuid.h"
#include "host/host.h"

struct tlb_list {
    struct host_tlb tlbs[HOST_TLBS_MAX];
    size_t count;
};

/* AMD and Hygon: EAX and EBX of leaves 8000_0005h (level 1, 4 KiB and 2 MiB), 8000_0006h (level 2, the same)
 * and 8000_0019h (1 GiB), APM volume 3 appendix E.4. Where the field holds a range of ways its lower end is
 * told. */
void tlb_decode_amd(const struct host_cpuid *leaf5, const struct host_cpuid *leaf6,
    const struct host_cpuid *leaf19, struct tlb_list *list);

/* Intel: the subleaves 0, 1, … of leaf 18h, SDM volume 2A "CPUID", Deterministic Address Translation
 * Parameters. */
void tlb_decode_intel_leaf18(const struct host_cpuid *subleaves, size_t count, struct tlb_list *list);

/* Intel: the one-byte descriptors of leaf 2, SDM volume 2A "CPUID", table "Encoding of CPUID Leaf 2
 * Descriptors". Descriptors whose associativity is not told (NetBurst and the first Atoms) are left out. */
void tlb_decode_intel_leaf2(const struct host_cpuid *leaf, struct tlb_list *list);

/* Fills host->tlbs and host->tlb_source. After host_look_cpu() and host_look_hypervisor(), which it builds
 * on. */
void host_look_tlbs(struct host *host);

#endif
