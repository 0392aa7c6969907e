/* The tables of a machine's file, and what its figures must be to each other. */
#include "model/machine_checks.h"

#include "base/size.h"

#include <string.h>

const char *const machine_use_names[MACHINE_USES] = {"data", "instructions", "both"};
const char *const machine_index_names[MACHINE_INDICES] = {"bits", "xor", "hash"};
const char *const machine_replacement_names[MACHINE_REPLACEMENTS] = {"lru", "fifo", "random"};
const char *const machine_holds_names[MACHINE_HOLDS] = {"inclusive", "exclusive", "either"};

static void check_shape(struct reader *reader, void *base)
{
    const struct machine_shape *shape = base;
    machine_check_most(reader, "entries", shape->entries, 1, MACHINE_ENTRIES_MAX);
    machine_check_ways(reader, "entries", shape->entries, shape->ways, shape->index);
}

static const struct field shape_fields[] = {
    {"entries", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_shape, entries)},
    {"ways", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_shape, ways)},
    {"index", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_shape, index),
        FIELD_NAMES(machine_index_names)},
    {"replacement", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_shape, replacement),
        FIELD_NAMES(machine_replacement_names)},
};
static const struct record shape_record = {
    "shape", sizeof(struct machine_shape), RECORD_FIELDS(shape_fields), .check = check_shape};

static const struct record page_record = {"page", sizeof(uint64_t),
    FIELDS(
        {NULL, FIELD_COUNT, FIELD_NEEDED, .size = sizeof(uint64_t), .about = "4096, 2097152, 1073741824"})};
static const struct record level_record = {
    "level", sizeof(unsigned), FIELDS({NULL, FIELD_COUNT, FIELD_NEEDED, .size = sizeof(unsigned)})};

static void check_pages(struct reader *reader, const uint64_t *pages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((pages[i] != 1u << 12 && pages[i] != 1u << 21 && pages[i] != 1u << 30) ||
            (i && pages[i] <= pages[i - 1]))
            reader_refuse_key(reader, "pages", "should be some of 4096, 2097152, 1073741824, in this order");
    if (!count)
        reader_refuse_key(reader, "pages", "is empty");
}

/* ---- caches and memory ---- */

static const struct field cache_fields[] = {
    {"level", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_cache, level)},
    {"use", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_cache, use), FIELD_NAMES(machine_use_names)},
    {"bytes", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_cache, bytes)},
    {"ways", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_cache, ways)},
    {"cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_cache, cycles),
        .about = "From a load that this level serves to its use, all in all."},
    {"index", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_cache, index),
        FIELD_NAMES(machine_index_names)},
    {"replacement", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_cache, replacement),
        FIELD_NAMES(machine_replacement_names)},
    {"holds", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_cache, holds),
        FIELD_NAMES(machine_holds_names)},
    SOURCES(struct machine_cache),
};
static void check_cache(struct reader *reader, void *base);
static const struct record cache_record = {
    "cache", sizeof(struct machine_cache), RECORD_FIELDS(cache_fields), .check = check_cache, .closed = true};

static void check_cache(struct reader *reader, void *base)
{
    const struct machine_cache *cache = base;
    machine_check_sources(reader, &cache_record, &cache->sources);
    machine_check_most(reader, "level", cache->level, 1, MACHINE_CACHE_LEVELS_MAX);
    machine_check_most(reader, "bytes", cache->bytes, MACHINE_LINE_BYTES, MACHINE_CACHE_BYTES_MAX);
    machine_check_cycles(reader, "cycles", cache->cycles);
    if (cache->bytes % MACHINE_LINE_BYTES)
        reader_refuse_key(reader, "bytes", "is no multiple of a line of %d bytes", MACHINE_LINE_BYTES);
    machine_check_ways(reader, "bytes", cache->bytes / MACHINE_LINE_BYTES, cache->ways, cache->index);
    if (cache->level == 1 && cache->holds != HOLDS_EITHER)
        reader_refuse_key(reader, "holds", "should be \"either\" of level 1, which has no level above");
}

static const struct field memory_fields[] = {
    {"cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_memory, cycles)},
    {"remote_cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_memory, remote_cycles)},
    SOURCES(struct machine_memory),
};
static void check_memory(struct reader *reader, void *base);
static const struct record memory_record = {"memory", sizeof(struct machine_memory),
    RECORD_FIELDS(memory_fields), .check = check_memory, .closed = true};

static void check_memory(struct reader *reader, void *base)
{
    const struct machine_memory *memory = base;
    machine_check_sources(reader, &memory_record, &memory->sources);
    machine_check_cycles(reader, "cycles", memory->cycles);
    machine_check_cycles(reader, "remote_cycles", memory->remote_cycles);
}

/* ---- translation ---- */

static const struct field tlb_fields[] = {
    {"level", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_tlb, level)},
    {"use", FIELD_ENUM, FIELD_NEEDED, FIELD_AT(struct machine_tlb, use), FIELD_NAMES(machine_use_names)},
    {"pages", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct machine_tlb, pages, page_count),
        .of = &page_record, .limit = MACHINE_PAGES_MAX},
    {NULL, FIELD_FIELDS, FIELD_AT(struct machine_tlb, shape), .of = &shape_record},
    {"cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_tlb, cycles),
        .about = "That a hit costs, beyond one in level 1."},
    SOURCES(struct machine_tlb),
};
static void check_tlb(struct reader *reader, void *base);
static const struct record tlb_record = {
    "TLB", sizeof(struct machine_tlb), RECORD_FIELDS(tlb_fields), .check = check_tlb, .closed = true};

static void check_tlb(struct reader *reader, void *base)
{
    const struct machine_tlb *tlb = base;
    machine_check_sources(reader, &tlb_record, &tlb->sources);
    machine_check_most(reader, "level", tlb->level, 1, MACHINE_TLB_LEVELS_MAX);
    check_pages(reader, tlb->pages, tlb->page_count);
    machine_check_cycles(reader, "cycles", tlb->cycles);
}

static const struct field walk_cache_fields[] = {
    {"levels", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct machine_walk_cache, levels, level_count),
        .of = &level_record, .limit = MACHINE_PAGES_MAX + 1},
    {NULL, FIELD_FIELDS, FIELD_AT(struct machine_walk_cache, shape), .of = &shape_record},
    {"cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_walk_cache, cycles)},
    SOURCES(struct machine_walk_cache),
};
static void check_walk_cache(struct reader *reader, void *base);
static const struct record walk_cache_record = {"walk cache", sizeof(struct machine_walk_cache),
    RECORD_FIELDS(walk_cache_fields), .check = check_walk_cache, .closed = true};

static void check_walk_cache(struct reader *reader, void *base)
{
    const struct machine_walk_cache *cache = base;
    machine_check_sources(reader, &walk_cache_record, &cache->sources);
    for (size_t i = 0; i < cache->level_count; i++)
        machine_check_most(reader, "levels", cache->levels[i], 2, 5);
    if (!cache->level_count)
        reader_refuse_key(reader, "levels", "is empty");
    machine_check_cycles(reader, "cycles", cache->cycles);
}

static const struct field walker_fields[] = {
    {"cache_level", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_walker, cache_level)},
    {"cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_walker, cycles)},
    {"set_bit_cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_walker, set_bit_cycles)},
    SOURCES(struct machine_walker),
};
static void check_walker(struct reader *reader, void *base);
static const struct record walker_record = {"walker", sizeof(struct machine_walker),
    RECORD_FIELDS(walker_fields), .check = check_walker, .closed = true};

static void check_walker(struct reader *reader, void *base)
{
    const struct machine_walker *walker = base;
    machine_check_sources(reader, &walker_record, &walker->sources);
    machine_check_most(reader, "cache_level", walker->cache_level, 1, 2);
    machine_check_cycles(reader, "cycles", walker->cycles);
    machine_check_cycles(reader, "set_bit_cycles", walker->set_bit_cycles);
}

/* ---- the second dimension ---- */

static const struct field nested_tlb_fields[] = {
    {NULL, FIELD_FIELDS, FIELD_AT(struct machine_nested_tlb, shape), .of = &shape_record},
    {"cycles", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_nested_tlb, cycles)},
    {"data", FIELD_FLAG, FIELD_NEEDED, FIELD_AT(struct machine_nested_tlb, data),
        .about = "Whether it also has pages that leaves lead to, not only those with tables in them."},
    SOURCES(struct machine_nested_tlb),
};
static void check_nested_tlb(struct reader *reader, void *base);
static const struct record nested_tlb_record = {"nested TLB", sizeof(struct machine_nested_tlb),
    RECORD_FIELDS(nested_tlb_fields), .check = check_nested_tlb, .closed = true};

static void check_nested_tlb(struct reader *reader, void *base)
{
    const struct machine_nested_tlb *tlb = base;
    machine_check_sources(reader, &nested_tlb_record, &tlb->sources);
    machine_check_cycles(reader, "cycles", tlb->cycles);
}

#define WALK_CACHES(type)                                                                                    \
    {                                                                                                        \
        "walk_caches", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(type, walk_caches, walk_cache_count),           \
            .of = &walk_cache_record, .limit = MACHINE_WALK_CACHES_MAX                                       \
    }

static void check_levels_once(struct reader *reader, const struct machine_walk_cache *caches, size_t count)
{
    unsigned seen = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < caches[i].level_count; k++) {
            if (seen >> caches[i].levels[k] & 1)
                reader_refuse_key(reader, "walk_caches", "has two for level %u", caches[i].levels[k]);
            seen |= 1u << caches[i].levels[k];
        }
}

static const struct field nested_fields[] = {
    {"levels", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_nested, levels)},
    WALK_CACHES(struct machine_nested),
    {"tlb", FIELD_RECORD, FIELD_NEEDED | FIELD_MAYBE | FIELD_PLAIN, FIELD_AT(struct machine_nested, tlb),
        .count_offset = offsetof(struct machine_nested, has_tlb), .of = &nested_tlb_record},
    SOURCES(struct machine_nested),
};
static void check_nested(struct reader *reader, void *base);
static const struct record nested_record = {"nested", sizeof(struct machine_nested),
    RECORD_FIELDS(nested_fields), .check = check_nested, .closed = true};

static void check_nested(struct reader *reader, void *base)
{
    const struct machine_nested *nested = base;
    machine_check_sources(reader, &nested_record, &nested->sources);
    machine_check_most(reader, "levels", nested->levels, 3, 5);
    check_levels_once(reader, nested->walk_caches, nested->walk_cache_count);
}

/* ---- tags and costs ---- */

static const struct field tags_fields[] = {
    {"guests", FIELD_FLAG, FIELD_NEEDED, FIELD_AT(struct machine_tags, guests)},
    {"processes", FIELD_FLAG, FIELD_NEEDED, FIELD_AT(struct machine_tags, processes)},
    SOURCES(struct machine_tags),
};
static void check_tags(struct reader *reader, void *base);
static const struct record tags_record = {
    "tags", sizeof(struct machine_tags), RECORD_FIELDS(tags_fields), .check = check_tags, .closed = true};

static void check_tags(struct reader *reader, void *base)
{
    machine_check_sources(reader, &tags_record, &((const struct machine_tags *)base)->sources);
}

#define COST(name, member, text)                                                                             \
    {                                                                                                        \
        name, FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine_costs, member), .about = text               \
    }
static const struct field costs_fields[] = {
    COST("exit", exit, "Leaving a guest and entering it again, nothing done between."),
    COST("fault", fault, "A page fault into a kernel and back."),
    COST("switch", page_switch, "Other page tables."),
    COST("flush_page", flush_page, "Forgetting one translation."),
    COST("hypercall", hypercall, "Direct paging: one change that is asked for, beside the exit."),
    COST("hidden_fault", hidden_fault, "Shadow paging: mapping what the guest has mapped, beside the exit."),
    COST("table_store", table_store,
        "Shadow paging: carrying out a store to a guarded table, beside the exit."),
    COST("table_sync", table_sync, "Shadow paging: comparing a table with what was made of it."),
    COST("nested_fault", nested_fault, "Nested paging: a page that is touched first, beside the exit."),
    SOURCES(struct machine_costs),
};
static void check_costs(struct reader *reader, void *base);
static const struct record costs_record = {
    "costs", sizeof(struct machine_costs), RECORD_FIELDS(costs_fields), .check = check_costs, .closed = true};

static void check_costs(struct reader *reader, void *base)
{
    const struct machine_costs *costs = base;
    machine_check_sources(reader, &costs_record, &costs->sources);
    for (size_t i = 0; i < sizeof costs_fields / sizeof costs_fields[0]; i++)
        if (machine_is_figure(&costs_fields[i]))
            machine_check_cycles(reader, costs_fields[i].name,
                *(const unsigned *)(const void *)((const char *)base + costs_fields[i].offset));
}

/* ---- the machine ---- */

static bool has_neighbours(const void *base)
{
    return ((const struct machine *)base)->has_neighbours;
}

static bool has_below(const void *base)
{
    return ((const struct machine *)base)->has_below;
}

static const struct field machine_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.machine/1"},
    {"name", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct machine, name)},
    {"summary", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct machine, summary)},
    {"year", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine, year)},
    {"ghz", FIELD_REAL, FIELD_NEEDED | FIELD_PLAIN, FIELD_AT(struct machine, ghz)},
    {"levels", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct machine, levels)},
    {"pages", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct machine, pages, page_count), .of = &page_record,
        .limit = MACHINE_PAGES_MAX},
    {"caches", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct machine, caches, cache_count),
        .of = &cache_record, .limit = MACHINE_CACHES_MAX},
    {"memory", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct machine, memory), .of = &memory_record},
    {"tlbs", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct machine, tlbs, tlb_count), .of = &tlb_record,
        .limit = MACHINE_TLBS_MAX},
    {"walker", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct machine, walker), .of = &walker_record},
    WALK_CACHES(struct machine),
    {"nested", FIELD_RECORD, FIELD_NEEDED | FIELD_MAYBE | FIELD_PLAIN, FIELD_AT(struct machine, nested),
        .count_offset = offsetof(struct machine, has_nested), .of = &nested_record},
    {"tags", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct machine, tags), .of = &tags_record},
    {"costs", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct machine, costs), .of = &costs_record},
    {"prefetchers", FIELD_LIST, FIELD_SOMETIMES, FIELD_ITEMS(struct machine, prefetchers, prefetcher_count),
        .of = &machine_prefetcher_record, .limit = MACHINE_PREFETCHERS_MAX},
    {"neighbours", FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN | FIELD_SOMETIMES,
        FIELD_AT(struct machine, neighbours), .count_offset = offsetof(struct machine, has_neighbours),
        .when = has_neighbours, .of = &machine_neighbours_record},
    {"below", FIELD_RECORD, FIELD_MAYBE | FIELD_PLAIN | FIELD_SOMETIMES, FIELD_AT(struct machine, below),
        .count_offset = offsetof(struct machine, has_below), .when = has_below, .of = &machine_below_record},
    SOURCES(struct machine),
};
static void check_machine(struct reader *reader, void *base);
const struct record machine_record = {
    "machine", sizeof(struct machine), RECORD_FIELDS(machine_fields), .check = check_machine, .closed = true};

/* One cache of each level for data and one for instructions, none left out. */
static void check_cache_levels(struct reader *reader, const struct machine *machine)
{
    unsigned seen[2] = {0, 0};
    for (size_t i = 0; i < machine->cache_count; i++) {
        const struct machine_cache *cache = &machine->caches[i];
        for (unsigned use = 0; use < 2; use++) {
            if (cache->use != USE_BOTH && cache->use != use)
                continue;
            if (seen[use] >> cache->level & 1)
                reader_refuse_key(
                    reader, "caches", "has two of level %u for %s", cache->level, machine_use_names[use]);
            seen[use] |= 1u << cache->level;
        }
    }
    if (!seen[0] || seen[0] != seen[1] || ((seen[0] >> 1) & ((seen[0] >> 1) + 1)))
        reader_refuse_key(reader, "caches", "should have all levels from 1 on for data and for instructions");
}

/* A prefetcher is between levels that are there. */
static void check_prefetch_levels(struct reader *reader, const struct machine *machine)
{
    unsigned last = 0;
    for (size_t i = 0; i < machine->cache_count; i++)
        last = machine->caches[i].level > last ? machine->caches[i].level : last;
    for (size_t i = 0; i < machine->prefetcher_count; i++)
        if (machine->prefetchers[i].fills > last || machine->prefetchers[i].misses > last)
            reader_refuse_key(reader, "prefetchers", "has one of cache level %u, of which there are %u",
                machine->prefetchers[i].fills > last ? machine->prefetchers[i].fills
                                                     : machine->prefetchers[i].misses,
                last);
}

static void check_tlbs_once(struct reader *reader, const struct machine *machine)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < machine->tlb_count; i++)
        for (size_t k = 0; k < machine->tlbs[i].page_count; k++)
            for (unsigned use = 0; use < 2; use++) {
                const struct machine_tlb *tlb = &machine->tlbs[i];
                unsigned size = (unsigned)__builtin_ctzll(tlb->pages[k]) / 10; /* 1, 2, 3 */
                uint64_t bit = UINT64_C(1) << (tlb->level * 8 + use * 4 + size);
                if (tlb->use != USE_BOTH && tlb->use != use)
                    continue;
                char page[SIZE_TEXT_BYTES];
                size_text(tlb->pages[k], page);
                if (seen & bit)
                    reader_refuse_key(reader, "tlbs", "has two of level %u for %s and pages of %s",
                        tlb->level, machine_use_names[use], page);
                seen |= bit;
            }
}

bool machine_name_fits(const char *name)
{
    size_t length = strlen(name);
    return length && length <= MACHINE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

static void check_machine(struct reader *reader, void *base)
{
    const struct machine *machine = base;
    machine_check_sources(reader, &machine_record, &machine->sources);
    if (!machine_name_fits(machine->name))
        reader_refuse_key(reader, "name", "should be 1 to %d of a-z, 0-9, '.' and '-'", MACHINE_NAME_MAX);
    machine_check_most(reader, "year", machine->year, 1985, 2100);
    if (!(machine->ghz >= 0.01 && machine->ghz <= 100))
        reader_refuse_key(reader, "ghz", "should be from 0.01 to 100");
    machine_check_most(reader, "levels", machine->levels, 4, 5);
    check_pages(reader, machine->pages, machine->page_count);
    if (machine->pages[0] != 4096)
        reader_refuse_key(reader, "pages", "should begin with 4096");
    check_cache_levels(reader, machine);
    check_prefetch_levels(reader, machine);
    check_tlbs_once(reader, machine);
    check_levels_once(reader, machine->walk_caches, machine->walk_cache_count);
}
