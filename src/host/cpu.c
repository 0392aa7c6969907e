#include "host/cpu.h"

#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first processor's block of /proc/cpuinfo fits well: its longest line, the flags, has some 2 KB. */
enum { CPUINFO_BYTES = 16384 };

void cpu_signature(uint32_t eax, unsigned *family, unsigned *model, unsigned *stepping)
{
    unsigned base = eax >> 8 & 0xf;
    *stepping = eax & 0xf;
    *family = base == 0xf ? base + (eax >> 20 & 0xff) : base;
    *model = eax >> 4 & 0xf;
    if (base == 0xf || base == 6)
        *model |= (eax >> 16 & 0xf) << 4;
}

void cpu_text12(uint32_t a, uint32_t b, uint32_t c, char text[static 13])
{
    const uint32_t words[3] = {a, b, c};
    memcpy(text, words, sizeof words);
    text[12] = '\0';
    text_trim(text);
}

static struct fact brand_by_cpuid(void)
{
    char brand[49] = "";
    for (uint32_t i = 0; i < 3; i++) {
        struct host_cpuid part;
        if (!host_cpuid(UINT32_C(0x80000002) + i, 0, &part))
            return fact_unknown("CPUID has no brand string");
        memcpy(brand + i * sizeof part, &part, sizeof part);
    }
    text_trim(brand);
    return *brand ? fact_known("%s", brand) : fact_unknown("the CPUID brand string is empty");
}

static struct fact cpuinfo_fact(const char *cpuinfo, const char *name)
{
    char value[128];
    if (!text_value(cpuinfo, name, ':', value, sizeof value) || !*value)
        return fact_unknown("/proc/cpuinfo does not tell the %s", name);
    return fact_known("%s", value);
}

static struct fact brand(const char *cpuinfo)
{
    struct fact told = brand_by_cpuid();
    return told.known ? told : cpuinfo_fact(cpuinfo, "model name");
}

int host_look_cpu(struct host *host, struct error *error)
{
    char cpuinfo[CPUINFO_BYTES] = "", flags[CPUINFO_BYTES] = "";
    struct host_cpuid leaf;
    if (read_text("/proc/cpuinfo", cpuinfo, sizeof cpuinfo))
        cpuinfo[0] = '\0';
    (void)text_value(cpuinfo, "flags", ':', flags, sizeof flags);
    char *features = strdup(flags);
    if (!features)
        return error_set(error, ENOMEM, "no memory left to describe this machine");
    host->cpu.features = features;
    host_cpuid(0, 0, &leaf);
    cpu_text12(leaf.ebx, leaf.edx, leaf.ecx, host->cpu.vendor);
    host_cpuid(1, 0, &leaf);
    cpu_signature(leaf.eax, &host->cpu.family, &host->cpu.model, &host->cpu.stepping);
    host->cpu.brand = brand(cpuinfo);
    host->cpu.microcode = cpuinfo_fact(cpuinfo, "microcode");
    return 0;
}
