#include "host/tlb.h"

#include "base/size.h"
#include "host/text.h"

#include <string.h>

enum { WAYS_FULL = 0, INTEL_SUBLEAVES = 32 };

static void add(struct tlb_list *list, unsigned level, const char *type, uint64_t page_bytes,
    unsigned entries, unsigned ways)
{
    if (list->count == HOST_TLBS_MAX)
        return;
    struct host_tlb *tlb = &list->tlbs[list->count++];
    *tlb = (struct host_tlb){.level = level, .page_bytes = page_bytes, .entries = entries, .ways = ways};
    text_copy(tlb->type, sizeof tlb->type, type);
}

/* ---- AMD ---- */

/* What half a register tells. */
struct amd_half {
    bool present;
    unsigned entries, ways;
};

/* Leaf 8000_0005h: 8 bits of entries, 8 bits of ways; 0 is reserved, FFh is fully associative. */
static struct amd_half amd_level1(uint32_t bits)
{
    unsigned ways = bits >> 8 & 0xff, entries = bits & 0xff;
    return (struct amd_half){ways && entries, entries, ways == 0xff ? WAYS_FULL : ways};
}

/* Leaves 8000_0006h and 8000_0019h: 12 bits of entries, 4 bits of coded ways (APM volume 3 table E-4). */
static struct amd_half amd_coded(uint32_t bits)
{
    enum { NONE = -1 };
    static const int ways_of[16] = {NONE, 1, 2, 3, 4, 6, 8, NONE, 16, NONE, 32, 48, 64, 96, 128, WAYS_FULL};
    int ways = ways_of[bits >> 12 & 0xf];
    unsigned entries = bits & 0xfff;
    return (struct amd_half){ways != NONE && entries, entries, ways == NONE ? 0 : (unsigned)ways};
}

/* The upper half is the data TLB, the lower half the instruction TLB. A level-2 TLB without an upper half is
 * a unified one (AMD CPUID specification 25481, Fn8000_0006). */
static void amd_word(uint32_t word, unsigned level, uint64_t page_bytes, struct amd_half (*decode)(uint32_t),
    struct tlb_list *list)
{
    struct amd_half data = decode(word >> 16), code = decode(word & 0xffff);
    bool unified = level == 2 && !(word >> 16);
    if (data.present)
        add(list, level, "data", page_bytes, data.entries, data.ways);
    if (code.present)
        add(list, level, unified ? "unified" : "instruction", page_bytes, code.entries, code.ways);
}

void tlb_decode_amd(const struct host_cpuid *leaf5, const struct host_cpuid *leaf6,
    const struct host_cpuid *leaf19, struct tlb_list *list)
{
    const struct {
        uint32_t word;
        unsigned level;
        uint64_t page_bytes;
        struct amd_half (*decode)(uint32_t);
    } words[] = {
        {leaf5->ebx, 1, 4 * KIB, amd_level1},
        {leaf5->eax, 1, 2 * MIB, amd_level1},
        {leaf19->eax, 1, GIB, amd_coded},
        {leaf6->ebx, 2, 4 * KIB, amd_coded},
        {leaf6->eax, 2, 2 * MIB, amd_coded},
        {leaf19->ebx, 2, GIB, amd_coded},
    };
    list->count = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        amd_word(words[i].word, words[i].level, words[i].page_bytes, words[i].decode, list);
}

/* ---- Intel, leaf 18h ---- */

/* EBX bits 0-3: 4 KiB, 2 MiB, 4 MiB, 1 GiB. */
enum { PAGES_4K = 1, PAGES_2M = 2, PAGES_4M = 4, PAGES_1G = 8 };

static void add_pages(
    struct tlb_list *list, unsigned level, const char *type, unsigned pages, unsigned entries, unsigned ways)
{
    static const uint64_t sizes[] = {4 * KIB, 2 * MIB, 4 * MIB, GIB};
    if (pages & PAGES_2M)
        pages &= ~(unsigned)PAGES_4M;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (pages >> i & 1)
            add(list, level, type, sizes[i], entries, ways);
}

/* EBX 31:16 ways, ECX sets; EDX 4:0 type, 7:5 level, 8 fully associative. */
static void intel_subleaf(const struct host_cpuid *subleaf, struct tlb_list *list)
{
    static const char *const types[] = {NULL, "data", "instruction", "unified", "data load", "data store"};
    const uint64_t most = 1 << 20; /* entries: more is garbage */
    unsigned type = subleaf->edx & 0x1f, ways = subleaf->ebx >> 16;
    uint64_t entries = (uint64_t)ways * subleaf->ecx;
    if (type == 0 || type >= sizeof types / sizeof *types || entries == 0 || entries > most)
        return;
    bool full = subleaf->edx >> 8 & 1;
    add_pages(list, subleaf->edx >> 5 & 7, types[type], subleaf->ebx & 0xf, (unsigned)entries,
        full ? WAYS_FULL : ways);
}

void tlb_decode_intel_leaf18(const struct host_cpuid *subleaves, size_t count, struct tlb_list *list)
{
    list->count = 0;
    for (size_t i = 0; i < count; i++)
        intel_subleaf(&subleaves[i], list);
}

/* ---- Intel, leaf 2 ---- */

/* The SDM says "Data TLB0"/"uTLB" for what is asked first and "Data TLB1"/"Shared 2nd-Level TLB" for what is
 * asked next: levels 1 and 2. Where it says only "Data TLB", level 1. */
static const struct intel_descriptor {
    unsigned char descriptor, level;
    char type; /* 'd', 'i', 'u' */
    unsigned char pages, ways;
    unsigned short entries;
} intel_descriptors[] = {
    {0x01, 1, 'i', PAGES_4K, 4, 32},
    {0x02, 1, 'i', PAGES_4M, WAYS_FULL, 2},
    {0x03, 1, 'd', PAGES_4K, 4, 64},
    {0x04, 1, 'd', PAGES_4M, 4, 8},
    {0x05, 2, 'd', PAGES_4M, 4, 32},
    {0x0b, 1, 'i', PAGES_4M, 4, 4},
    {0x55, 1, 'i', PAGES_2M | PAGES_4M, WAYS_FULL, 7},
    {0x56, 1, 'd', PAGES_4M, 4, 16},
    {0x57, 1, 'd', PAGES_4K, 4, 16},
    {0x59, 1, 'd', PAGES_4K, WAYS_FULL, 16},
    {0x5a, 1, 'd', PAGES_2M | PAGES_4M, 4, 32},
    {0x61, 1, 'i', PAGES_4K, WAYS_FULL, 48},
    {0x63, 1, 'd', PAGES_2M | PAGES_4M, 4, 32},
    {0x63, 1, 'd', PAGES_1G, 4, 4},
    {0x64, 1, 'd', PAGES_4K, 4, 512},
    {0x6a, 1, 'd', PAGES_4K, 8, 64},
    {0x6b, 2, 'd', PAGES_4K, 8, 256},
    {0x6c, 2, 'd', PAGES_2M | PAGES_4M, 8, 128},
    {0x6d, 2, 'd', PAGES_1G, WAYS_FULL, 16},
    {0x76, 1, 'i', PAGES_2M | PAGES_4M, WAYS_FULL, 8},
    {0xa0, 1, 'd', PAGES_4K, WAYS_FULL, 32},
    {0xb0, 1, 'i', PAGES_4K, 4, 128},
    {0xb1, 1, 'i', PAGES_2M, 4, 8},
    {0xb2, 1, 'i', PAGES_4K, 4, 64},
    {0xb3, 1, 'd', PAGES_4K, 4, 128},
    {0xb4, 2, 'd', PAGES_4K, 4, 256},
    {0xb5, 1, 'i', PAGES_4K, 8, 64},
    {0xb6, 1, 'i', PAGES_4K, 8, 128},
    {0xba, 2, 'd', PAGES_4K, 4, 64},
    {0xc0, 1, 'd', PAGES_4K | PAGES_4M, 4, 8},
    {0xc1, 2, 'u', PAGES_4K | PAGES_2M, 8, 1024},
    {0xc2, 1, 'd', PAGES_4K | PAGES_2M, 4, 16},
    {0xc3, 2, 'u', PAGES_4K | PAGES_2M, 6, 1536},
    {0xc3, 2, 'u', PAGES_1G, 4, 16},
    {0xc4, 1, 'd', PAGES_2M | PAGES_4M, 4, 32},
    {0xca, 2, 'u', PAGES_4K, 4, 512},
};

static void intel_descriptor(unsigned descriptor, struct tlb_list *list)
{
    for (size_t i = 0; i < sizeof intel_descriptors / sizeof *intel_descriptors; i++) {
        const struct intel_descriptor *row = &intel_descriptors[i];
        if (row->descriptor != descriptor)
            continue;
        const char *type = row->type == 'd' ? "data" : row->type == 'i' ? "instruction" : "unified";
        add_pages(list, row->level, type, row->pages, row->entries, row->ways);
    }
}

/* A register with bit 31 set holds no descriptors; the lowest byte of EAX is a count, always 1. */
void tlb_decode_intel_leaf2(const struct host_cpuid *leaf, struct tlb_list *list)
{
    const uint32_t words[] = {leaf->eax & ~UINT32_C(0xff), leaf->ebx, leaf->ecx, leaf->edx};
    list->count = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (unsigned shift = 0; shift < 32 && !(words[i] >> 31); shift += 8)
            intel_descriptor(words[i] >> shift & 0xff, list);
}

/* ---- this machine ---- */

static const char *look_amd(struct tlb_list *list)
{
    struct host_cpuid leaf5, leaf6, leaf19;
    host_cpuid(UINT32_C(0x80000005), 0, &leaf5);
    host_cpuid(UINT32_C(0x80000006), 0, &leaf6);
    host_cpuid(UINT32_C(0x80000019), 0, &leaf19);
    tlb_decode_amd(&leaf5, &leaf6, &leaf19, list);
    return "CPUID 8000_0005h, 8000_0006h, 8000_0019h";
}

static size_t read_leaf18(struct host_cpuid subleaves[INTEL_SUBLEAVES])
{
    if (!host_cpuid(0x18, 0, &subleaves[0]))
        return 0;
    uint32_t highest = subleaves[0].eax;
    size_t count = highest < INTEL_SUBLEAVES ? highest + 1 : INTEL_SUBLEAVES;
    for (uint32_t i = 1; i < count; i++)
        host_cpuid(0x18, i, &subleaves[i]);
    return count;
}

static const char *look_intel(struct tlb_list *list)
{
    struct host_cpuid subleaves[INTEL_SUBLEAVES], leaf2;
    tlb_decode_intel_leaf18(subleaves, read_leaf18(subleaves), list);
    if (list->count)
        return "CPUID leaf 18h";
    host_cpuid(2, 0, &leaf2);
    tlb_decode_intel_leaf2(&leaf2, list);
    return "CPUID leaf 2";
}

static const struct {
    const char *vendor;
    const char *(*look)(struct tlb_list *list);
} vendors[] = {
    {"AuthenticAMD", look_amd},
    {"HygonGenuine", look_amd},
    {"GenuineIntel", look_intel},
};

void host_look_tlbs(struct host *host)
{
    struct tlb_list list = {.count = 0};
    const char *source = NULL;
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors && !source; i++)
        if (!strcmp(host->cpu.vendor, vendors[i].vendor))
            source = vendors[i].look(&list);
    memcpy(host->tlbs, list.tlbs, sizeof host->tlbs);
    host->tlb_count = list.count;
    if (!source)
        host->tlb_source =
            fact_unknown("the CPUID of a \"%s\" is not known to describe its TLBs", host->cpu.vendor);
    else if (!list.count)
        host->tlb_source = fact_unknown("%s describes no TLB", source);
    else
        host->tlb_source = fact_known("%s%s", source, host->is_guest ? ", as the hypervisor shows them" : "");
}
