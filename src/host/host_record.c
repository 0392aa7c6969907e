/* A host as JSON. */
#include "host/host.h"
#include "record/record.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) FIELD_AT(struct host, member)

/* ---- cpu ---- */

static json_t *words(struct draft *draft, const char *text)
{
    json_t *array = json_array();
    while (*text) {
        size_t length = strcspn(text, " \t\n");
        if (length)
            put_item(draft, array, json_stringn(text, length));
        text += length + (text[length] != 0);
    }
    return array;
}

static void write_features(struct draft *draft, json_t *object, const void *base)
{
    const struct host *host = base;
    bool any = host->cpu.features && host->cpu.features[0];
    put(draft, object, "features", any ? words(draft, host->cpu.features) : json_null());
    if (!any)
        put_text(draft, object, "features_reason", "/proc/cpuinfo tells none");
}

static size_t words_bytes(struct reader *reader, const json_t *array)
{
    size_t bytes = 1;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *word = json_array_get(array, i);
        if (!reader_takes(reader, word, "features", TAKES(JSON_STRING)))
            return 0;
        bytes += json_string_length(word) + 1;
    }
    return bytes;
}

static void read_features(struct reader *reader, const json_t *object, void *base)
{
    struct host *host = base;
    const json_t *array = json_object_get(object, "features");
    if (!array || !reader_takes(reader, array, "features", TAKES(JSON_ARRAY) | TAKES(JSON_NULL)))
        return;
    char *to = host->cpu.features = reader_room(reader, words_bytes(reader, array), 1);
    for (size_t i = 0; to && i < json_array_size(array); i++)
        to = stpcpy(i ? stpcpy(to, " ") : to, json_string_value(json_array_get(array, i)));
}

static const struct field_hook features = {
    .write = write_features,
    .read = read_features,
    .schema = "'features': {'type': ['array', 'null'], 'items': {'type': 'string'}}",
    .reasons = true,
};

static const struct field cpu_fields[] = {
    {"vendor", FIELD_TEXT, AT(cpu.vendor)},
    {"brand", FIELD_FACT, AT(cpu.brand)},
    {"model", FIELD_COUNT, AT(cpu.model)},
    {"family", FIELD_COUNT, AT(cpu.family)},
    {"stepping", FIELD_COUNT, AT(cpu.stepping)},
    {"microcode", FIELD_FACT, AT(cpu.microcode)},
    {"features", FIELD_HOOK, .hook = &features},
};
static const struct record cpu_record = {"CPU", sizeof(struct host), RECORD_FIELDS(cpu_fields)};

/* ---- caches and TLBs ---- */

static const char *no_caches(const void *base)
{
    const struct host *host = base;
    if (host->cache_count)
        return NULL;
    return host->topology.known ? "none is described" : host->topology.text;
}

static const char *no_tlbs(const void *base)
{
    const struct host *host = base;
    if (host->tlb_count)
        return NULL;
    return host->tlb_source.known ? "none is described" : host->tlb_source.text;
}

static const struct field cache_fields[] = {
    {"level", FIELD_COUNT, FIELD_AT(struct host_cache, level), .check = "'minimum': 1"},
    {"type", FIELD_TEXT, FIELD_AT(struct host_cache, type), .about = "data, instruction, unified"},
    {"bytes", FIELD_COUNT, FIELD_AT(struct host_cache, bytes)},
    {"line_bytes", FIELD_COUNT, FIELD_AT(struct host_cache, line_bytes), .missing = "not told"},
    {"ways", FIELD_COUNT, FIELD_AT(struct host_cache, ways), .missing = "fully associative or not told"},
    {"shared_cpus", FIELD_COUNT, FIELD_AT(struct host_cache, shared_cpus), .missing = "not told",
        .about = "Logical CPUs behind one instance."},
};
static const struct record cache_record = {"cache", sizeof(struct host_cache), RECORD_FIELDS(cache_fields),
    .about = "A cache that the host describes."};

/* In the file a TLB that is fully associative has as many ways as entries. */
static void write_ways(struct draft *draft, json_t *object, const void *base)
{
    const struct host_tlb *tlb = base;
    put(draft, object, "ways", json_integer(tlb->ways ? tlb->ways : tlb->entries));
}

static void read_ways(struct reader *reader, const json_t *object, void *base)
{
    static const struct field ways[] = {{"ways", FIELD_COUNT, FIELD_AT(struct host_tlb, ways)}};
    static const struct record record = {"TLB", sizeof(struct host_tlb), RECORD_FIELDS(ways)};
    struct host_tlb *tlb = base;
    record_take(&record, reader, object, "", tlb);
    if (tlb->ways == tlb->entries)
        tlb->ways = 0;
}

static const struct field_hook ways = {
    .write = write_ways, .read = read_ways, .schema = "'ways': {'type': 'integer', 'minimum': 0}"};

static const struct field tlb_fields[] = {
    {"level", FIELD_COUNT, FIELD_AT(struct host_tlb, level)},
    {"type", FIELD_TEXT, FIELD_AT(struct host_tlb, type), .about = "data, instruction, unified"},
    {"page_bytes", FIELD_COUNT, FIELD_AT(struct host_tlb, page_bytes)},
    {"entries", FIELD_COUNT, FIELD_AT(struct host_tlb, entries)},
    {"ways", FIELD_HOOK, .hook = &ways},
};
static const struct record tlb_record = {"TLB", sizeof(struct host_tlb), RECORD_FIELDS(tlb_fields),
    .about = "A TLB as CPUID describes it; fully associative: ways equals entries."};

/* ---- memory, virtualization, settings ---- */

static const struct field hugetlb_fields[] = {
    {"page_bytes", FIELD_COUNT, FIELD_AT(struct host_hugetlb, page_bytes)},
    {"total_pages", FIELD_COUNT, FIELD_AT(struct host_hugetlb, total)},
    {"free_pages", FIELD_COUNT, FIELD_AT(struct host_hugetlb, free)},
};
static const struct record hugetlb_record = {"pages of one size", sizeof(struct host_hugetlb),
    RECORD_FIELDS(hugetlb_fields), .about = "Pages of one size."};

static const char *no_hypervisor(const void *base)
{
    const struct host *host = base;
    return host->is_guest || host->guest_of.known ? NULL : "CPUID tells of no hypervisor";
}

static const struct field virtualization_fields[] = {
    {"is_guest", FIELD_FLAG, AT(is_guest), .about = "A hypervisor is below this kernel."},
    {"guest_of", FIELD_FACT, AT(guest_of), .why = no_hypervisor,
        .about = "kvm, tcg, vmware, hyperv, xen, bochs, or the raw signature."},
};
static const struct record virtualization_record = {
    "virtualization", sizeof(struct host), RECORD_FIELDS(virtualization_fields)};

static const struct field host_fields[] = {
    {"cpu", FIELD_RECORD, .of = &cpu_record, .about = "The CPU."},
    {"cpus_online", FIELD_COUNT, AT(cpus_online), .missing = "not told"},
    {"topology", FIELD_FACT, AT(topology), .about = "Where the description of the caches comes from."},
    {"kernel", FIELD_FACT, AT(kernel), .about = "Release of the kernel."},
    {"memory_bytes", FIELD_COUNT, AT(memory_bytes), .missing = "/proc/meminfo does not tell"},
    {"memory_available_bytes", FIELD_COUNT, AT(memory_available_bytes),
        .missing = "/proc/meminfo does not tell"},
    {"cgroup_memory_limit_bytes", FIELD_FACT_COUNT, AT(cgroup_memory_limit)},
    {"caches", FIELD_LIST, FIELD_ITEMS(struct host, caches, cache_count), .of = &cache_record,
        .why = no_caches},
    {"tlb", FIELD_LIST, FIELD_ITEMS(struct host, tlbs, tlb_count), .of = &tlb_record, .why = no_tlbs},
    {"tlb_source", FIELD_FACT, AT(tlb_source), .about = "The CPUID leaves that the TLBs were read from."},
    {"numa_nodes", FIELD_FACT_COUNT, AT(numa_nodes)},
    {"thp", FIELD_FACT, AT(thp), .about = "Transparent huge pages: always, madvise, never."},
    {"hugetlb", FIELD_KEYED, FIELD_ITEMS(struct host, hugetlb, hugetlb_count), .of = &hugetlb_record,
        .about = "Reserved huge pages; the keys are page sizes in bytes."},
    {"virtualization", FIELD_RECORD, .of = &virtualization_record,
        .about = "What this kernel itself runs on."},
};
const struct record host_record = {"host", sizeof(struct host), RECORD_FIELDS(host_fields)};

/* ---- settings ---- */

static const char *no_mitigations(const void *base)
{
    const struct host *host = base;
    if (host->mitigation_count)
        return NULL;
    return host->mitigations_source.known ? "none is described" : host->mitigations_source.text;
}

static const struct field mitigation_fields[] = {
    {"name", FIELD_TEXT, FIELD_AT(struct host_named_fact, name)},
    {"text", FIELD_TEXT, FIELD_AT(struct host_named_fact, text)},
};
static const struct record mitigation_record = {
    "mitigation", sizeof(struct host_named_fact), RECORD_FIELDS(mitigation_fields)};

/* Why there are none stands in the file only beside the null. */
static void read_mitigations_source(struct reader *reader, const json_t *object, void *base)
{
    struct host *host = base;
    const char *reason = json_string_value(json_object_get(object, "mitigations_reason"));
    (void)reader;
    host->mitigations_source = fact_unknown("%.150s", reason ? reason : "not told");
    host->mitigations_source.known = host->mitigation_count != 0;
}

static void write_nothing(struct draft *draft, json_t *object, const void *base)
{
    (void)draft;
    (void)object;
    (void)base;
}

static const struct field_hook mitigations_source = {.write = write_nothing, .read = read_mitigations_source};

static const struct field settings_fields[] = {
    {"governor", FIELD_FACT, AT(governor)},
    {"turbo", FIELD_FACT, AT(turbo)},
    {"smt", FIELD_FACT, AT(smt)},
    {"mitigations", FIELD_KEYED, FIELD_ITEMS(struct host, mitigations, mitigation_count),
        .of = &mitigation_record, .why = no_mitigations,
        .about = "Mitigations of CPU vulnerabilities by name."},
    {"mitigations_reason", FIELD_HOOK, .hook = &mitigations_source},
};
const struct record host_settings_record = {"host", sizeof(struct host), RECORD_FIELDS(settings_fields)};
