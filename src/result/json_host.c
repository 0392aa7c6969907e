#include "result/json_host.h"

#include <stdio.h>
#include <string.h>

static json_t *json_features(struct draft *draft, const char *features)
{
    json_t *array = json_array();
    while (*features) {
        size_t length = strcspn(features, " \t\n");
        if (length)
            put_item(draft, array, json_stringn(features, length));
        features += length + (features[length] != 0);
    }
    return array;
}

static json_t *json_cpu(struct draft *draft, const struct host *host)
{
    json_t *cpu = json_object();
    const char *features = host->cpu.features;
    put_text(draft, cpu, "vendor", host->cpu.vendor);
    put_fact(draft, cpu, "brand", &host->cpu.brand);
    put_count(draft, cpu, "model", host->cpu.model);
    put_count(draft, cpu, "family", host->cpu.family);
    put_count(draft, cpu, "stepping", host->cpu.stepping);
    put_fact(draft, cpu, "microcode", &host->cpu.microcode);
    if (features && features[0])
        put(draft, cpu, "features", json_features(draft, features));
    else
        put_null(draft, cpu, "features", "/proc/cpuinfo tells none");
    return cpu;
}

static json_t *json_cache(struct draft *draft, const struct host_cache *cache)
{
    json_t *object = json_object();
    put_count(draft, object, "level", cache->level);
    put_text(draft, object, "type", cache->type);
    put_count(draft, object, "bytes", cache->bytes);
    put_count_if(draft, object, "line_bytes", cache->line_bytes, "not told");
    put_count_if(draft, object, "ways", cache->ways, "fully associative or not told");
    put_count_if(draft, object, "shared_cpus", cache->shared_cpus, "not told");
    return object;
}

static void put_caches(struct draft *draft, json_t *object, const struct host *host)
{
    if (!host->cache_count) {
        put_null(draft, object, "caches", host->topology.known ? "none is described" : host->topology.text);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < host->cache_count; i++)
        put_item(draft, array, json_cache(draft, &host->caches[i]));
    put(draft, object, "caches", array);
}

static json_t *json_tlb(struct draft *draft, const struct host_tlb *tlb)
{
    json_t *object = json_object();
    put_count(draft, object, "level", tlb->level);
    put_text(draft, object, "type", tlb->type);
    put_count(draft, object, "page_bytes", tlb->page_bytes);
    put_count(draft, object, "entries", tlb->entries);
    put_count(
        draft, object, "ways", tlb->ways ? tlb->ways : tlb->entries); /* fully associative: all in one set */
    return object;
}

static void put_tlbs(struct draft *draft, json_t *object, const struct host *host)
{
    if (host->tlb_count) {
        json_t *array = json_array();
        for (size_t i = 0; i < host->tlb_count; i++)
            put_item(draft, array, json_tlb(draft, &host->tlbs[i]));
        put(draft, object, "tlb", array);
    } else {
        put_null(draft, object, "tlb", host->tlb_source.known ? "none is described" : host->tlb_source.text);
    }
    put_fact(draft, object, "tlb_source", &host->tlb_source);
}

/* {"2097152": {"total_pages": 0, "free_pages": 0}}: 0 is what the kernel says. No entry: no such size. */
static json_t *json_hugetlb(struct draft *draft, const struct host *host)
{
    json_t *object = json_object();
    for (size_t i = 0; i < host->hugetlb_count; i++) {
        char size[24];
        json_t *pages = json_object();
        snprintf(size, sizeof size, "%llu", (unsigned long long)host->hugetlb[i].page_bytes);
        put_count(draft, pages, "total_pages", host->hugetlb[i].total);
        put_count(draft, pages, "free_pages", host->hugetlb[i].free);
        put(draft, object, size, pages);
    }
    return object;
}

static json_t *json_virtualization(struct draft *draft, const struct host *host)
{
    json_t *object = json_object();
    put(draft, object, "is_guest", json_boolean(host->is_guest));
    if (host->is_guest || host->guest_of.known)
        put_fact(draft, object, "guest_of", &host->guest_of);
    else
        put_null(draft, object, "guest_of", "CPUID tells of no hypervisor");
    return object;
}

static void put_mitigations(struct draft *draft, json_t *object, const struct host *host)
{
    if (!host->mitigation_count) {
        put_null(draft, object, "mitigations",
            host->mitigations_source.known ? "none is described" : host->mitigations_source.text);
        return;
    }
    json_t *mitigations = json_object();
    for (size_t i = 0; i < host->mitigation_count; i++)
        put_text(draft, mitigations, host->mitigations[i].name, host->mitigations[i].text);
    put(draft, object, "mitigations", mitigations);
}

void put_technique(struct draft *draft, json_t *object, enum technique technique, const char *reason)
{
    if (technique == TECHNIQUE_UNKNOWN)
        put_null(draft, object, "technique", reason);
    else
        put_text(draft, object, "technique", technique_name(technique));
}

static json_t *json_parameters(struct draft *draft, const struct monitor_facts *kvm)
{
    json_t *object = json_object();
    for (size_t i = 0; i < kvm->parameter_count; i++)
        put_text(draft, object, kvm->parameters[i].name, kvm->parameters[i].value);
    return object;
}

static json_t *json_quirks(struct draft *draft, const struct monitor_facts *kvm)
{
    json_t *array = json_array();
    for (size_t i = 0; i < kvm->quirk_count; i++)
        put_item(draft, array, draft_text(draft, kvm->quirks[i]));
    return array;
}

static json_t *json_kvm(struct draft *draft, const struct monitor_facts *kvm)
{
    json_t *object = json_object();
    const char *unusable = kvm->usable ? "could not be told by trying" : "KVM is not usable";
    put(draft, object, "usable", json_boolean(kvm->usable));
    put(draft, object, "reason", kvm->usable ? json_null() : draft_text(draft, kvm->reason));
    put_technique(draft, object, kvm->usable ? kvm->technique : TECHNIQUE_UNKNOWN, unusable);
    if (kvm->technique_proof[0])
        put_text(draft, object, "technique_proof", kvm->technique_proof);
    else
        put_null(draft, object, "technique_proof", unusable);
    put_fact(draft, object, "provider", &kvm->provider);
    put(draft, object, "parameters", json_parameters(draft, kvm));
    if (kvm->usable && kvm->syscall_privilege >= 0)
        put_count(draft, object, "syscall_privilege", (unsigned)kvm->syscall_privilege);
    else
        put_null(draft, object, "syscall_privilege", unusable);
    put(draft, object, "quirks", json_quirks(draft, kvm));
    return object;
}

static void put_memory(struct draft *draft, json_t *object, const struct host *host)
{
    put_count_if(draft, object, "memory_bytes", host->memory_bytes, "/proc/meminfo does not tell");
    put_count_if(
        draft, object, "memory_available_bytes", host->memory_available_bytes, "/proc/meminfo does not tell");
    put_fact_count(draft, object, "cgroup_memory_limit_bytes", &host->cgroup_memory_limit);
    put_caches(draft, object, host);
    put_tlbs(draft, object, host);
    put_fact_count(draft, object, "numa_nodes", &host->numa_nodes);
    put_fact(draft, object, "thp", &host->thp);
    put(draft, object, "hugetlb", json_hugetlb(draft, host));
}

json_t *json_host(struct draft *draft, const struct host *host, const struct monitor_facts *kvm)
{
    json_t *object = json_object();
    put(draft, object, "cpu", json_cpu(draft, host));
    put_count_if(draft, object, "cpus_online", host->cpus_online, "not told");
    put_fact(draft, object, "topology", &host->topology);
    put_fact(draft, object, "kernel", &host->kernel);
    put_memory(draft, object, host);
    put(draft, object, "virtualization", json_virtualization(draft, host));
    put(draft, object, "kvm", json_kvm(draft, kvm));
    put_fact(draft, object, "governor", &host->governor);
    put_fact(draft, object, "turbo", &host->turbo);
    put_fact(draft, object, "smt", &host->smt);
    put_mitigations(draft, object, host);
    return object;
}
