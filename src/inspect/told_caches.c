/* Caches and TLBs. */
#include "inspect/told_internal.h"

#include "base/size.h"

#include <stdio.h>
#include <string.h>

/* ---- caches ---- */

static const struct told_kind cache_kind = {
    "cache-bytes", FINDING_CACHES, "cache", UNIT_BYTES, .made_up = true};

static void cache_key(const struct host_cache *cache, char key[static FINDING_KEY_BYTES])
{
    static const struct {
        const char *type, *letter;
    } letters[] = {{"data", "d"}, {"instruction", "i"}};
    const char *letter = "";
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (!strcmp(cache->type, letters[i].type))
            letter = letters[i].letter;
    (void)snprintf(key, FINDING_KEY_BYTES, "L%u%s", cache->level, letter);
}

/* "8 ways, lines of 64 bytes, shared by 2 CPUs", without what is not told. */
static struct fact cache_words(const struct host_cache *cache)
{
    const struct {
        unsigned number;
        const char *before, *after;
    } parts[] = {{cache->ways, "", " ways"}, {cache->line_bytes, "lines of ", " bytes"},
        {cache->shared_cpus > 1 ? cache->shared_cpus : 0, "shared by ", " CPUs"}};
    char text[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].number)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%u%s", used ? ", " : "",
                parts[i].before, parts[i].number, parts[i].after);
    return fact_known("%s", text);
}

/* Whose these are is said where other CPUs have others. */
static void cache_how(const struct host *host, char how[static FINDING_TEXT_BYTES])
{
    int cpu = host->looked_at < 0 ? 0 : host->looked_at;
    int used = host->topology.known
                   ? snprintf(how, FINDING_TEXT_BYTES, "hwloc")
                   : snprintf(how, FINDING_TEXT_BYTES, "/sys/devices/system/cpu/cpu%d/cache", cpu);
    if (host->caches_differ)
        (void)snprintf(how + used, FINDING_TEXT_BYTES - (size_t)used,
            ", of CPU %d, on which all was measured: other CPUs here have other caches", cpu);
}

static int tell_cache(const struct telling *telling, const struct host_cache *cache)
{
    char key[FINDING_KEY_BYTES], how[FINDING_TEXT_BYTES];
    cache_how(telling->host, how);
    const struct told_value value = {
        .key = key, .how = how, .value = cache_words(cache), .number = (double)cache->bytes};
    cache_key(cache, key);
    return tell(telling, &cache_kind, &value);
}

static int tell_no_cache(const struct telling *telling)
{
    const struct fact *topology = &telling->host->topology;
    return tell(telling, &cache_kind,
        &(struct told_value){.how = "hwloc, or /sys/devices/system/cpu/cpu0/cache",
            .value = fact_unknown("%s", topology->known ? "no cache is described" : topology->text)});
}

/* ---- TLBs ---- */

static const struct told_kind tlb_kind = {
    "tlb-entries", FINDING_CACHES, "TLB entries", UNIT_COUNT, .made_up = true};

/* The leaves without the doubt, which `sure` has. */
static void tlb_how(const struct fact *source, char how[static sizeof source->text])
{
    memcpy(how, source->text, sizeof source->text);
    char *doubt = strstr(how, ", as the hypervisor");
    if (doubt)
        *doubt = '\0';
}

static int tell_tlb(const struct telling *telling, const struct host_tlb *tlb)
{
    char key[FINDING_KEY_BYTES], size[SIZE_TEXT_BYTES], how[sizeof telling->host->tlb_source.text];
    tlb_how(&telling->host->tlb_source, how);
    size_text_short(tlb->page_bytes, size);
    (void)snprintf(key, sizeof key, "L%u %s %s", tlb->level, tlb->type, size);
    const struct told_value value = {.key = key,
        .how = how,
        .value = tlb->ways ? fact_known("%u ways", tlb->ways) : fact_known("fully associative"),
        .number = tlb->entries};
    return tell(telling, &tlb_kind, &value);
}

static int tell_no_tlb(const struct telling *telling)
{
    const struct fact *source = &telling->host->tlb_source;
    return tell(telling, &tlb_kind,
        &(struct told_value){.how = "CPUID",
            .value = fact_unknown("%s", source->known ? "no TLB is described" : source->text)});
}

int tell_caches(const struct telling *telling)
{
    const struct host *host = telling->host;
    int rc = host->cache_count ? 0 : tell_no_cache(telling);
    for (size_t i = 0; rc == 0 && i < host->cache_count; i++)
        rc = tell_cache(telling, &host->caches[i]);
    if (rc == 0 && !host->tlb_count)
        rc = tell_no_tlb(telling);
    for (size_t i = 0; rc == 0 && i < host->tlb_count; i++)
        rc = tell_tlb(telling, &host->tlbs[i]);
    return rc;
}
