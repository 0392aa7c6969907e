#include "domain/saved/cpu_record.h"

#include "host/cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { EAX, EBX, ECX, EDX };

/* Registers whose bits are features, and not those that tell of the moment (OSXSAVE, OSPKE), of identity or
 * of a size (SDM volume 2A, CPUID; APM volume 3, appendix E). */
static const struct words {
    uint32_t leaf, subleaf;
    unsigned reg;
    uint32_t ignored;
} words[] = {
    {1, 0, ECX, 1u << 27 | 1u << 31},
    {1, 0, EDX, 1u << 28},
    {7, 0, EBX, 0},
    {7, 0, ECX, 1u << 4},
    {7, 0, EDX, 0},
    {7, 1, EAX, 0},
    {7, 1, EDX, 0},
    {0xd, 0, EAX, 0},
    {0xd, 1, EAX, 0},
    {0x80000001, 0, ECX, 0},
    {0x80000001, 0, EDX, 0},
    {0x80000008, 0, EBX, 0},
};

static const struct {
    uint32_t leaf;
    unsigned reg, bit;
    const char *name;
} names[] = {
    {1, ECX, 0, "SSE3"},
    {1, ECX, 1, "PCLMULQDQ"},
    {1, ECX, 9, "SSSE3"},
    {1, ECX, 12, "FMA"},
    {1, ECX, 13, "CX16"},
    {1, ECX, 19, "SSE4.1"},
    {1, ECX, 20, "SSE4.2"},
    {1, ECX, 21, "x2APIC"},
    {1, ECX, 22, "MOVBE"},
    {1, ECX, 23, "POPCNT"},
    {1, ECX, 24, "TSC deadline timer"},
    {1, ECX, 25, "AES"},
    {1, ECX, 26, "XSAVE"},
    {1, ECX, 28, "AVX"},
    {1, ECX, 29, "F16C"},
    {1, ECX, 30, "RDRAND"},
    {7, EBX, 0, "FSGSBASE"},
    {7, EBX, 3, "BMI1"},
    {7, EBX, 5, "AVX2"},
    {7, EBX, 7, "SMEP"},
    {7, EBX, 8, "BMI2"},
    {7, EBX, 9, "ERMS"},
    {7, EBX, 10, "INVPCID"},
    {7, EBX, 16, "AVX512F"},
    {7, EBX, 17, "AVX512DQ"},
    {7, EBX, 18, "RDSEED"},
    {7, EBX, 19, "ADX"},
    {7, EBX, 20, "SMAP"},
    {7, EBX, 21, "AVX512IFMA"},
    {7, EBX, 23, "CLFLUSHOPT"},
    {7, EBX, 24, "CLWB"},
    {7, EBX, 28, "AVX512CD"},
    {7, EBX, 29, "SHA"},
    {7, EBX, 30, "AVX512BW"},
    {7, EBX, 31, "AVX512VL"},
    {7, ECX, 1, "AVX512VBMI"},
    {7, ECX, 2, "UMIP"},
    {7, ECX, 6, "AVX512VBMI2"},
    {7, ECX, 8, "GFNI"},
    {7, ECX, 9, "VAES"},
    {7, ECX, 10, "VPCLMULQDQ"},
    {7, ECX, 11, "AVX512VNNI"},
    {7, ECX, 12, "AVX512BITALG"},
    {7, ECX, 14, "AVX512VPOPCNTDQ"},
    {7, ECX, 22, "RDPID"},
    {0x80000001, ECX, 0, "LAHF"},
    {0x80000001, ECX, 5, "LZCNT"},
    {0x80000001, ECX, 6, "SSE4A"},
    {0x80000001, EDX, 26, "1 GiB pages"},
    {0x80000001, EDX, 27, "RDTSCP"},
};

static uint32_t reg_of(const struct state_part *part, const struct words *word)
{
    const struct kvm_cpuid_entry2 *leaf = part->data;
    for (size_t i = 0; i < part->bytes / sizeof *leaf; i++)
        if (leaf[i].function == word->leaf && leaf[i].index == word->subleaf)
            return (const uint32_t[]){leaf[i].eax, leaf[i].ebx, leaf[i].ecx, leaf[i].edx}[word->reg];
    return 0;
}

struct missing {
    char text[300];
    size_t used;
};

static void add_name(struct missing *missing, const struct words *word, unsigned bit)
{
    static const char *const regs[] = {"EAX", "EBX", "ECX", "EDX"};
    char name[48];
    snprintf(name, sizeof name, "bit %u of %s in CPUID leaf %x.%u", bit, regs[word->reg], word->leaf,
        word->subleaf);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].leaf == word->leaf && names[i].reg == word->reg && names[i].bit == bit && !word->subleaf)
            snprintf(name, sizeof name, "%s", names[i].name);
    int put = snprintf(missing->text + missing->used, sizeof missing->text - missing->used, "%s%s",
        missing->used ? ", " : "", name);
    if (put > 0 && (size_t)put < sizeof missing->text - missing->used)
        missing->used += (size_t)put;
    else
        missing->text[missing->used] = 0;
}

static unsigned compare(
    const struct state_part *saved, const struct state_part *here, struct missing *missing)
{
    unsigned count = 0;
    for (size_t i = 0; saved && here && i < sizeof words / sizeof words[0]; i++) {
        uint32_t gone = reg_of(saved, &words[i]) & ~reg_of(here, &words[i]) & ~words[i].ignored;
        for (unsigned bit = 0; bit < 32; bit++)
            if (gone >> bit & 1) {
                add_name(missing, &words[i], bit);
                count++;
            }
    }
    return count;
}

int cpu_record_add_host(struct machine_state *state, struct error *error)
{
    const size_t count = sizeof words / sizeof words[0];
    struct kvm_cpuid_entry2 *leaf =
        machine_state_add(state, STATE_HOST_CPUID, STATE_OF_MACHINE, count * sizeof *leaf, error);
    if (!leaf)
        return -error->code;
    for (size_t i = 0; i < count; i++) {
        struct host_cpuid found;
        (void)host_cpuid(words[i].leaf, words[i].subleaf, &found);
        leaf[i] = (struct kvm_cpuid_entry2){.function = words[i].leaf,
            .index = words[i].subleaf,
            .eax = found.eax,
            .ebx = found.ebx,
            .ecx = found.ecx,
            .edx = found.edx};
    }
    return 0;
}

int cpu_record_check(const struct machine_state *saved, const struct machine_state *here, struct error *error)
{
    struct missing missing = {.used = 0};
    unsigned count = compare(
        machine_state_find(saved, STATE_CPUID, 0), machine_state_find(here, STATE_CPUID, 0), &missing);
    if (!count)
        count = compare(machine_state_find(saved, STATE_HOST_CPUID, STATE_OF_MACHINE),
            machine_state_find(here, STATE_HOST_CPUID, STATE_OF_MACHINE), &missing);
    if (!count)
        return 0;
    return error_set(error, ENOTSUP,
        "this host lacks %u feature%s that the domain's processor had (%s): restore it on a host that has "
        "them",
        count, count > 1 ? "s" : "", missing.text);
}
