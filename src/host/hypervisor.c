#include "host/hypervisor.h"

#include "host/cpu.h"

#include <string.h>

/* The 12 bytes of EBX, ECX, EDX of leaf 4000_0000h without the NULs and blanks around them. Sources: Linux
 * arch/x86/kernel/cpu/{mshyperv,vmware,acrn,jailhouse}.c and kvm_para.h, QEMU target/i386 (TCG), Xen public
 * arch-x86/cpuid.h, systemd src/basic/virt.c (bhyve, QNX), the OpenBSD and NetBSD monitors; Parallels and
 * VirtualBox have no document of their own, theirs are as seen in the wild. Bochs puts none. */
static const struct {
    const char *signature, *name;
} hypervisors[] = {
    {"KVMKVMKVM", "kvm"},
    {"Linux KVM Hv", "kvm"},
    {"TCGTCGTCGTCG", "tcg"},
    {"Microsoft Hv", "hyperv"},
    {"VMwareVMware", "vmware"},
    {"XenVMMXenVMM", "xen"},
    {"bhyve bhyve", "bhyve"},
    {"QNXQVMBSQG", "qnx"},
    {"ACRNACRNACRN", "acrn"},
    {"prl hyperv", "parallels"},
    {"lrpepyh  vr", "parallels"},
    {"lrpepyh vr", "parallels"},
    {"VBoxVBoxVBox", "virtualbox"},
    {"Jailhouse", "jailhouse"},
    {"OpenBSDVMM58", "openbsd"},
    {"___ NVMM ___", "nvmm"},
};

static const char *name_of(const char *signature)
{
    for (size_t i = 0; i < sizeof hypervisors / sizeof *hypervisors; i++)
        if (!strcmp(signature, hypervisors[i].signature))
            return hypervisors[i].name;
    return NULL;
}

struct fact hypervisor_name(const char *first, const char *second)
{
    const char *name = name_of(first), *behind = name_of(second);
    if (behind && (!name || !strcmp(name, "hyperv")))
        name = behind;
    if (name)
        return fact_known("%s", name);
    if (*first)
        return fact_known("%s", first);
    return fact_unknown("a hypervisor announces itself but gives no signature");
}

/* The leaf that opens a range of hypervisor leaves tells the highest one in EAX. Some leave it 0 (old KVM),
 * so it is read past the range check; where there is no second range the answer is zeros or another leaf's,
 * which matches no signature. */
void hypervisor_signature(uint32_t leaf, char text[static 13])
{
    struct host_cpuid told;
    host_cpuid_unchecked(leaf, &told);
    cpu_text12(told.ebx, told.ecx, told.edx, text);
}

void host_look_hypervisor(struct host *host)
{
    struct host_cpuid leaf;
    char first[13], second[13];
    host_cpuid(1, 0, &leaf);
    host->is_guest = leaf.ecx >> 31;
    if (!host->is_guest) {
        host->guest_of = fact_unknown("no hypervisor announces itself (CPUID leaf 1, ECX bit 31)");
        return;
    }
    hypervisor_signature(UINT32_C(0x40000000), first);
    hypervisor_signature(UINT32_C(0x40000100), second);
    host->guest_of = hypervisor_name(first, second);
}
