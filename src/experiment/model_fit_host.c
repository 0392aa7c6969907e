#include "experiment/model_fit_internal.h"

#include <string.h>

/* ---- which machine it is like ---- */

const char *model_like(const struct host *host)
{
    static const struct {
        const char *vendor;
        unsigned family, first, last; /* models */
        const char *preset;
    } known[] = {
        {"AuthenticAMD", 16, 0, 255, "barcelona"},
        {"AuthenticAMD", 23, 0x30, 255, "zen2-rome"},
        {"AuthenticAMD", 25, 0, 0x0f, "zen3-milan"},
        {"AuthenticAMD", 25, 0x20, 0x5f, "zen3-milan"},
        {"AuthenticAMD", 25, 0x10, 0x1f, "zen4-genoa"},
        {"AuthenticAMD", 25, 0x60, 255, "zen4-genoa"},
        {"AuthenticAMD", 26, 0, 255, "zen5-turin"},
        {"GenuineIntel", 6, 15, 15, "core2-merom"},
        {"GenuineIntel", 6, 26, 26, "nehalem"},
        {"GenuineIntel", 6, 85, 85, "skylake-sp"},
        {"GenuineIntel", 6, 106, 108, "icelake-sp"},
        {"GenuineIntel", 6, 143, 143, "sapphire-rapids"},
        {"GenuineIntel", 6, 207, 207, "sapphire-rapids"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(known[i].vendor, host->cpu.vendor) && known[i].family == host->cpu.family &&
            host->cpu.model >= known[i].first && host->cpu.model <= known[i].last)
            return known[i].preset;
    return NULL;
}

/* ---- sources ---- */

void fit_set_source(struct machine_sources *sources, const char *field, const char *text)
{
    for (size_t i = 0; i < sources->count; i++)
        if (!strcmp(sources->items[i].field, field))
            sources->items[i].source = text;
}

static void say_as(struct machine_sources *sources, const char *name, struct pool *pool)
{
    for (size_t i = 0; i < sources->count; i++) {
        bool assumed = !strncmp(sources->items[i].source, "assumed", strlen("assumed"));
        sources->items[i].source = pool_format(
            pool, "assumed: as %s%s%s", name, assumed ? "" : ", ", assumed ? "" : sources->items[i].source);
    }
}

void fit_say_all_as(struct machine *machine, const char *name, struct pool *pool)
{
    struct machine_nested *nested = &machine->nested;
    for (size_t i = 0; i < machine->cache_count; i++)
        say_as(&machine->caches[i].sources, name, pool);
    for (size_t i = 0; i < machine->tlb_count; i++)
        say_as(&machine->tlbs[i].sources, name, pool);
    for (size_t i = 0; i < machine->walk_cache_count; i++)
        say_as(&machine->walk_caches[i].sources, name, pool);
    for (size_t i = 0; machine->has_nested && i < nested->walk_cache_count; i++)
        say_as(&nested->walk_caches[i].sources, name, pool);
    for (size_t i = 0; i < machine->prefetcher_count; i++)
        say_as(&machine->prefetchers[i].sources, name, pool);
    struct machine_sources *others[] = {&machine->sources, &machine->memory.sources, &machine->walker.sources,
        &machine->tags.sources, &machine->costs.sources, machine->has_nested ? &nested->sources : NULL,
        machine->has_nested && nested->has_tlb ? &nested->tlb.sources : NULL};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i])
            say_as(others[i], name, pool);
}

/* ---- what is told ---- */

struct machine_cache *fit_data_cache(struct machine *machine, unsigned level)
{
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level == level && machine->caches[i].use != USE_INSTRUCTIONS)
            return &machine->caches[i];
    return NULL;
}

struct machine_cache *fit_last_cache(struct machine *machine)
{
    unsigned level = 1;
    while (fit_data_cache(machine, level + 1))
        level++;
    return fit_data_cache(machine, level);
}

static bool power_of_two(uint64_t number)
{
    return (number & (number - 1)) == 0;
}

void fit_take_told(struct machine *machine, const struct host *host)
{
    for (size_t i = 0; i < host->cache_count; i++) {
        const struct host_cache *told = &host->caches[i];
        struct machine_cache *cache = fit_data_cache(machine, told->level);
        uint64_t lines = told->bytes / MACHINE_LINE_BYTES;
        if (!cache || !strcmp(told->type, "instruction") || !told->ways || !lines || lines % told->ways)
            continue;
        cache->bytes = told->bytes;
        cache->ways = told->ways;
        if (!power_of_two(lines / told->ways))
            cache->index = INDEX_HASH;
        fit_set_source(&cache->sources, "bytes", "the host's own: CPUID");
        fit_set_source(&cache->sources, "ways", "the host's own: CPUID");
    }
}
