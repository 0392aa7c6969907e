#include "result/baseline.h"

#include "base/clean.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *signature, *name;
} hypervisors[] = {
    {"kvm", "KVM"},
    {"tcg", "QEMU (TCG)"},
    {"vmware", "VMware"},
    {"hyperv", "Hyper-V"},
    {"xen", "Xen"},
    {"bochs", "Bochs"},
};

static const char *hypervisor_name(const char *signature)
{
    for (size_t i = 0; i < sizeof hypervisors / sizeof *hypervisors; i++)
        if (!strcmp(signature, hypervisors[i].signature))
            return hypervisors[i].name;
    return signature;
}

bool baseline_guest(const struct host *host, char kind[static BASELINE_BYTES])
{
    char below[32] = "";
    kind[0] = 0;
    if (!host->is_guest)
        return false;
    if (host->guest_of.known)
        text_clean(hypervisor_name(host->guest_of.text), TEXT_ASCII, below, sizeof below);
    snprintf(kind, BASELINE_BYTES, "%s%s", below, below[0] ? " guest" : "guest of an unnamed hypervisor");
    return true;
}

void baseline_note(const struct host *host, char note[static BASELINE_BYTES])
{
    char kind[BASELINE_BYTES];
    note[0] = 0;
    if (baseline_guest(host, kind))
        snprintf(note, BASELINE_BYTES, "native here is itself a %.60s", kind);
}

/* Squeezes runs of blanks, which brand strings are padded with. */
static void squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (*from != ' ' || (to != text && to[-1] != ' '))
            *to++ = *from;
    if (to != text && to[-1] == ' ')
        to--;
    *to = 0;
}

void baseline_cpu(const struct host *host, char name[static BASELINE_BYTES])
{
    const struct fact *brand = &host->cpu.brand;
    text_clean(
        brand->known && brand->text[0] ? brand->text : host->cpu.vendor, TEXT_ASCII, name, BASELINE_BYTES);
    squeeze(name);
    if (!name[0])
        snprintf(name, BASELINE_BYTES, "unnamed CPU");
}
