#include "host/below.h"

#include "host/bits.h"
#include "host/cpuid.h"
#include "host/hypervisor.h"
#include "host/read_text.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Hypervisor leaves stack their ranges 100h apart; who poses as Hyper-V puts its own range second. */
static const uint32_t ranges[] = {UINT32_C(0x40000000), UINT32_C(0x40000100)};

/* ---- KVM ---- */

enum { KVM_STEAL_TIME = 5, KVM_REALTIME = 0, KVM_HINTS_SHIFT = 32 };

/* Short, so that a usual set fits a fact. The hints stand behind the features. */
static const struct bit_name kvm_names[] = {
    {0, "clock"},
    {1, "no-io-delay"},
    {2, "mmu-op"},
    {3, "clock2"},
    {4, "async-pf"},
    {KVM_STEAL_TIME, "steal-time"},
    {6, "eoi"},
    {7, "unhalt"},
    {9, "tlb-flush"},
    {10, "async-pf-vmexit"},
    {11, "ipi"},
    {12, "poll-control"},
    {13, "yield"},
    {14, "async-pf-int"},
    {15, "msi-ext-dest"},
    {16, "map-gpa-range"},
    {17, "migration"},
    {24, "clock-stable"},
    {KVM_HINTS_SHIFT + KVM_REALTIME, "hint-realtime"},
};

static struct fact yes_no(bool yes)
{
    return fact_known(yes ? "yes" : "no");
}

void below_decode_kvm(uint32_t features, uint32_t hints, struct host_below *below)
{
    below->kvm_told = true;
    below->kvm_features = features;
    below->kvm_hints = hints;
    below->kvm = bits_named((uint64_t)hints << KVM_HINTS_SHIFT | features, kvm_names, COUNT(kvm_names));
    below->steal_time = yes_no(features >> KVM_STEAL_TIME & 1);
    below->dedicated = yes_no(hints >> KVM_REALTIME & 1);
}

/* Old KVM leaves the highest leaf of its range 0, so this one is read past the range check. */
static bool look_kvm(struct host_below *below)
{
    static const char signature[] = "KVMKVMKVM";
    char text[13];
    struct host_cpuid leaf;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        hypervisor_signature(ranges[i], text);
        if (strcmp(text, signature))
            continue;
        host_cpuid_unchecked(ranges[i] + 1, &leaf);
        below_decode_kvm(leaf.eax, leaf.edx, below);
        return true;
    }
    return false;
}

/* ---- Hyper-V ---- */

enum { HYPERV_RECOMMENDATIONS_SHIFT = 32, HYPERV_NESTED = 12 };

/* The features, and behind them the recommendations. */
static const struct bit_name hyperv_names[] = {
    {0, "vp-runtime"},
    {1, "time-ref-count"},
    {2, "synic"},
    {3, "stimer"},
    {4, "apic"},
    {5, "hypercall"},
    {6, "vp-index"},
    {7, "reset"},
    {8, "stats"},
    {9, "reference-tsc"},
    {10, "guest-idle"},
    {11, "frequencies"},
    {13, "reenlightenment"},
    {15, "tsc-invariant"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 0, "+as-switch"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 1, "+local-tlb-flush"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 2, "+remote-tlb-flush"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 3, "+apic"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 4, "+reset"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 5, "+relaxed-timing"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 9, "+no-auto-eoi"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 10, "+cluster-ipi"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 11, "+ex-processor-masks"},
    {HYPERV_RECOMMENDATIONS_SHIFT + HYPERV_NESTED, "+nested"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 14, "+evmcs"},
    {HYPERV_RECOMMENDATIONS_SHIFT + 18, "+no-core-sharing"},
};

void below_decode_hyperv(uint32_t features, uint32_t recommendations, struct host_below *below)
{
    below->hyperv = bits_named((uint64_t)recommendations << HYPERV_RECOMMENDATIONS_SHIFT | features,
        hyperv_names, COUNT(hyperv_names));
    if (recommendations >> HYPERV_NESTED & 1)
        below->nested = fact_known("yes: Hyper-V in a partition of another");
}

static bool look_hyperv(struct host_below *below)
{
    const uint32_t interface = UINT32_C(0x31237648); /* "Hv#1" */
    char text[13];
    struct host_cpuid leaf, features, recommendations;
    hypervisor_signature(ranges[0], text);
    if (strcmp(text, "Microsoft Hv") || !host_cpuid(ranges[0] + 1, 0, &leaf) || leaf.eax != interface)
        return false;
    host_cpuid(ranges[0] + 3, 0, &features);
    host_cpuid(ranges[0] + 4, 0, &recommendations);
    below_decode_hyperv(features.eax, recommendations.eax, below);
    return true;
}

/* ---- this machine ---- */

static struct fact look_signatures(void)
{
    char first[13], second[13];
    hypervisor_signature(ranges[0], first);
    hypervisor_signature(ranges[1], second);
    if (!hypervisor_name("", second).known)
        second[0] = '\0'; /* no range is there, and what is answered is another leaf's */
    if (!*first && !*second)
        return fact_unknown("a hypervisor announces itself but gives no signature");
    return fact_known("%s%s%s", first, *first && *second ? ", " : "", second);
}

static void nothing_told(struct host_below *below, struct fact reason)
{
    below->signatures = below->kvm = below->steal_time = below->dedicated = reason;
    below->hyperv = below->nested = reason;
}

static void look_features(const struct host *host, struct host_below *below)
{
    if (!host->is_guest) {
        nothing_told(below, host->guest_of);
        return;
    }
    below->signatures = look_signatures();
    below->nested = fact_unknown("the hypervisor does not say whether it is a guest itself");
    if (!look_kvm(below))
        below->kvm = below->steal_time = below->dedicated =
            fact_unknown("no leaves of KVM: nothing is known that would tell");
    if (!look_hyperv(below))
        below->hyperv = fact_unknown("the hypervisor offers no interface of Hyper-V");
}

void host_look_below(struct host *host)
{
    look_features(host, &host->below);
    host->dmi.vendor = read_fact("/sys/class/dmi/id/sys_vendor");
    host->dmi.product = read_fact("/sys/class/dmi/id/product_name");
}
