/* What is below this machine, if it is a guest. */
#include "inspect/told_internal.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void make_guest(const struct telling *telling, struct told_value *value)
{
    value->number = telling->host->is_guest;
    value->value = fact_known("%s", "");
}

/* What the names above leave out where they do not fit. */
static void make_bits(const struct telling *telling, struct told_value *value)
{
    const struct host_below *below = &telling->host->below;
    value->value = below->kvm_told
                       ? fact_known("%08" PRIx32 "h, %08" PRIx32 "h", below->kvm_features, below->kvm_hints)
                       : below->kvm;
}

static const struct told_row rows[] = {
    {{"guest", FINDING_BELOW, "this machine is a guest", UNIT_YES_NO, .how = "CPUID leaf 1, ECX bit 31",
         .sure = "a hypervisor can hide itself"},
        .make = make_guest},
    {{"guest-of", FINDING_BELOW, "whose guest", UNIT_TEXT, .how = "CPUID leaves 4000_0000h and 4000_0100h",
         .made_up = true},
        TOLD_FACT(guest_of)},
    {{"hypervisor-signatures", FINDING_BELOW, "signatures of the hypervisor", UNIT_TEXT, .detail = true,
         .how = "CPUID leaves 4000_0000h and 4000_0100h", .sure = "of two the first is what it poses as"},
        TOLD_FACT(below.signatures)},
    {{"hypervisor-features", FINDING_BELOW, "features of KVM below", UNIT_TEXT, .detail = true,
         .how = "CPUID leaf 4000_0001h (4000_0101h behind Hyper-V's), EAX and EDX",
         .sure = "what is offered; this kernel need not use it"},
        TOLD_FACT(below.kvm)},
    {{"hypervisor-feature-bits", FINDING_BELOW, "features of KVM below, bits", UNIT_TEXT, .detail = true,
         .how = "CPUID leaf 4000_0001h (4000_0101h behind Hyper-V's), EAX and EDX"},
        .make = make_bits},
    {{"steal-time", FINDING_BELOW, "stolen time is told", UNIT_YES_NO,
         .how = "CPUID leaf 4000_0001h (4000_0101h behind Hyper-V's), EAX bit 5",
         .sure = "where it is not, time that others ran on a CPU goes unseen"},
        TOLD_FACT(below.steal_time)},
    {{"dedicated-cpus", FINDING_BELOW, "CPUs of the host for itself", UNIT_YES_NO, .detail = true,
         .how = "CPUID leaf 4000_0001h (4000_0101h behind Hyper-V's), EDX bit 0",
         .sure = "a hint that whoever set the machine up gives"},
        TOLD_FACT(below.dedicated)},
    {{"hyperv-features", FINDING_BELOW, "features of Hyper-V's interface", UNIT_TEXT, .detail = true,
         .how = "CPUID leaves 4000_0003h and (with +) 4000_0004h, EAX"},
        TOLD_FACT(below.hyperv)},
    {{"nested", FINDING_BELOW, "the hypervisor is itself a guest", UNIT_YES_NO,
         .how = "CPUID leaf 4000_0004h, EAX bit 12"},
        TOLD_FACT(below.nested)},
    {{"dmi-vendor", FINDING_BELOW, "vendor of the machine", UNIT_TEXT, .detail = true,
         .how = "/sys/class/dmi/id/sys_vendor", .made_up = true},
        TOLD_FACT(dmi.vendor)},
    {{"dmi-product", FINDING_BELOW, "product", UNIT_TEXT, .how = "/sys/class/dmi/id/product_name",
         .made_up = true},
        TOLD_FACT(dmi.product)},
    {{"balloon", FINDING_BELOW, "balloon device", UNIT_YES_NO, .how = "device 5 in /sys/bus/virtio/devices",
         .sure = "only virtio's is looked for, not those of Hyper-V, VMware and Xen"},
        TOLD_FACT(balloon.device)},
    {{"balloon-features", FINDING_BELOW, "features of the balloon", UNIT_TEXT, .detail = true,
         .how = "features of the device in /sys/bus/virtio/devices"},
        TOLD_FACT(balloon.features)},
    {{"free-page-reporting", FINDING_BELOW, "free page reporting", UNIT_YES_NO,
         .how = "bit 5 of the balloon's features",
         .sure = "agreed upon; that the host then takes it is not told"},
        TOLD_FACT(balloon.reporting)},
    {{"free-page-reporting-block", FINDING_BELOW, "smallest free block that is reported", UNIT_BYTES,
         .detail = true, .how = "/sys/module/page_reporting/parameters/page_reporting_order"},
        TOLD_FACT(balloon.reporting_bytes)},
    {{"balloon-bytes", FINDING_BELOW, "memory in the balloon", UNIT_BYTES, .detail = true,
         .how = "/proc/vmstat nr_balloon_pages, or balloon_inflate less balloon_deflate"},
        TOLD_FACT(balloon.held_bytes)},
    {{"balloon-pages", FINDING_BELOW, "pages since boot, balloon", UNIT_COUNT, .detail = true,
         .how = "/proc/vmstat balloon_inflate"},
        TOLD_FACT(balloon.inflated), .key = "taken"},
    {{"balloon-pages", FINDING_BELOW, "pages since boot, balloon", UNIT_COUNT, .detail = true,
         .how = "/proc/vmstat balloon_deflate"},
        TOLD_FACT(balloon.deflated), .key = "given back"},
    {{"balloon-pages", FINDING_BELOW, "pages since boot, balloon", UNIT_COUNT, .detail = true,
         .how = "/proc/vmstat balloon_migrate"},
        TOLD_FACT(balloon.migrated), .key = "moved"},
};

int tell_below(const struct telling *telling)
{
    return tell_rows(telling, rows, COUNT(rows));
}
