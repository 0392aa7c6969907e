/* What this machine can do as a host of virtual machines. */
#include "inspect/told_internal.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char tried[] = "running a small guest";

static const char *not_usable(const struct monitor_facts *kvm)
{
    return *kvm->reason ? "KVM is not usable" : "KVM was not tried";
}

/* ---- rows ---- */

/* SVM is AMD's, VMX Intel's. */
static void make_instructions(const struct telling *telling, struct told_value *value)
{
    static const char *const names[] = {"svm", "vmx"};
    for (size_t i = 0; i < COUNT(names); i++) {
        value->value = told_flag(telling->host, names[i]);
        if (!value->value.known)
            return;
        value->number = value->value.text[0] == 'y';
        value->value = fact_known("%s", value->number != 0 ? names[i] : "");
        if (value->number != 0)
            return;
    }
}

static void make_usable(const struct telling *telling, struct told_value *value)
{
    const struct monitor_facts *kvm = telling->kvm;
    value->number = kvm->usable;
    if (kvm->usable)
        value->value = fact_known("%s", "");
    else if (*kvm->reason)
        value->value = fact_known("%.159s", kvm->reason);
    else
        value->value = fact_unknown("%s", not_usable(kvm));
}

static void make_technique(const struct telling *telling, struct told_value *value)
{
    const struct monitor_facts *kvm = telling->kvm;
    if (*kvm->technique_proof)
        value->how = kvm->technique_proof;
    if (!kvm->usable)
        value->value = fact_unknown("%s", not_usable(kvm));
    else if (kvm->technique == TECHNIQUE_UNKNOWN)
        value->value = fact_unknown("it could not be told by trying");
    else
        value->value = fact_known("%s", technique_name(kvm->technique));
}

static void make_provider(const struct telling *telling, struct told_value *value)
{
    value->value = telling->kvm->provider;
}

static void make_syscall(const struct telling *telling, struct told_value *value)
{
    const struct monitor_facts *kvm = telling->kvm;
    value->number = kvm->syscall_privilege;
    if (!kvm->usable)
        value->value = fact_unknown("%s", not_usable(kvm));
    else if (kvm->syscall_privilege < 0)
        value->value = fact_unknown("it could not be told by trying");
    else
        value->value = fact_known("%s", kvm->syscall_privilege ? "not as on hardware" : "as on hardware");
}

static const struct told_row rows[] = {
    {{"hardware-virtualization", FINDING_KVM, "instructions for virtualization", UNIT_YES_NO,
         .how = "flags in /proc/cpuinfo", .made_up = true},
        .make = make_instructions},
    {{"kvm-usable", FINDING_KVM, "KVM can be used", UNIT_YES_NO, .how = tried, .source = FINDING_JUDGED},
        .make = make_usable},
    {{"kvm-technique", FINDING_KVM, "guests' memory is virtualized by", UNIT_TEXT, .how = tried,
         .source = FINDING_JUDGED},
        .make = make_technique},
    {{"kvm-provider", FINDING_KVM, "KVM's provider", UNIT_TEXT, .how = "/sys/module"}, .make = make_provider},
    {{"kvm-syscall-privilege", FINDING_KVM, "CPL of SYSCALL in a guest", UNIT_COUNT, .how = tried,
         .source = FINDING_JUDGED},
        .make = make_syscall},
    {{"iommu", FINDING_KVM, "IOMMU", UNIT_YES_NO, .how = "/sys/class/iommu", .made_up = true},
        TOLD_FACT(passthrough.iommu)},
    {{"iommu-groups", FINDING_KVM, "groups of devices behind an IOMMU", UNIT_COUNT, .detail = true,
         .how = "/sys/kernel/iommu_groups", .made_up = true},
        TOLD_FACT(passthrough.iommu_groups)},
    {{"vfio", FINDING_KVM, "devices for guests (VFIO)", UNIT_YES_NO, .how = "/dev/vfio/vfio",
         .sure = "the device is not opened to see"},
        TOLD_FACT(passthrough.vfio)},
};

/* ---- lists ---- */

static const struct told_kind parameter_kind = {"kvm-parameter", FINDING_KVM, "KVM's parameter", UNIT_TEXT,
    .detail = true, .how = "/sys/module/*/parameters"};
static const struct told_kind quirk_kind = {
    "kvm-quirk", FINDING_KVM, "KVM's quirk", UNIT_TEXT, .how = tried, .source = FINDING_JUDGED};

static int tell_parameter(const struct telling *telling, const struct monitor_parameter *parameter)
{
    return tell(telling, &parameter_kind,
        &(struct told_value){.key = parameter->name, .value = fact_known("%s", parameter->value)});
}

static int tell_quirk(const struct telling *telling, size_t index)
{
    char key[24];
    (void)snprintf(key, sizeof key, "%zu", index + 1);
    return tell(telling, &quirk_kind,
        &(struct told_value){.key = key, .value = fact_known("%s", telling->kvm->quirks[index])});
}

int tell_kvm(const struct telling *telling)
{
    const struct monitor_facts *kvm = telling->kvm;
    int rc = tell_rows(telling, rows, COUNT(rows));
    for (size_t i = 0; rc == 0 && i < kvm->parameter_count; i++)
        rc = tell_parameter(telling, &kvm->parameters[i]);
    for (size_t i = 0; rc == 0 && i < kvm->quirk_count; i++)
        rc = tell_quirk(telling, i);
    return rc;
}
