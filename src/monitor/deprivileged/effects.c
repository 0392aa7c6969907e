#include "monitor/deprivileged/effects.h"

#include "monitor/deprivileged/translate.h"

#define LINK_RIGHTS (PAGE_BIT_WRITE | PAGE_BIT_USER | PAGE_BIT_ACCESSED)

static enum entry_kind kind_of(const struct effects *effects, uint64_t entry, unsigned level)
{
    return entry_kind(entry, level, effects->frames->physical_bits);
}

/* What a child may hold for an entry that is a leaf. */
static unsigned rights_at(
    const struct effects *effects, uint64_t entry, unsigned level, const struct table_place *place)
{
    return kind_of(effects, entry, level) == ENTRY_LEAF
               ? translate_rights(entry, place->bits, place->no_execute)
               : 0;
}

static struct run run_at(const struct table_place *place, unsigned index, unsigned level)
{
    return (struct run){.root = place->root,
        .from = address_canonical(place->from.value + index * entry_span(level)),
        .bytes = entry_span(level)};
}

/* From one leaf, or nothing, to another. */
static void leaf_effect(
    struct effects *effects, struct run run, uint64_t old, unsigned had, uint64_t now, unsigned has)
{
    bool stays = entry_to(old).value == entry_to(now).value && !((had ^ has) & PAGE_USER);
    if (had == has && (stays || !has))
        return;
    run.kind = !has ? RUN_UNMAP : had && stays ? RUN_PROTECT : RUN_MAP;
    run.rights = has;
    run.to = run.kind == RUN_MAP ? entry_to(now) : GPA(0);
    run_list_add(effects->runs, &run);
}

void effects_fill(struct effects *effects, gpa_t table, unsigned level, const struct table_place *place,
    unsigned first, unsigned count)
{
    const uint64_t *entries = frames_host(effects->frames, table);
    for (unsigned i = first; entries && i < first + count; i++) {
        uint64_t entry = entry_load(&entries[i]);
        unsigned rights = rights_at(effects, entry, level, place);
        if (rights)
            leaf_effect(effects, run_at(place, i, level), 0, 0, entry, rights);
    }
}

/* A link that is new fills, at level 2, what the table below has; from higher up faults will ask. */
static void fill_below(
    struct effects *effects, const struct run *run, uint64_t link, const struct table_place *place)
{
    const struct table_place below = {.root = run->root,
        .from = run->from,
        .bits = place->bits & link,
        .no_execute = place->no_execute || link & PAGE_BIT_NO_EXECUTE};
    effects_fill(effects, entry_to(link), 1, &below, 0, TABLE_ENTRIES);
}

/* Whether all that was mapped by way of a link may still be so, and for the same (RUN_PROTECT). */
static bool allows_no_less(uint64_t old, uint64_t now)
{
    return entry_to(old).value == entry_to(now).value && !(old & ~now & LINK_RIGHTS) &&
           !(now & ~old & (PAGE_BIT_NO_EXECUTE | PAGE_BIT_USER));
}

static void effect(
    struct effects *effects, unsigned index, uint64_t old, uint64_t now, const struct table_place *place)
{
    unsigned level = effects->level;
    bool was = kind_of(effects, old, level) == ENTRY_LINK, is = kind_of(effects, now, level) == ENTRY_LINK;
    struct run run = run_at(place, index, level);
    if (was && is && allows_no_less(old, now))
        return;
    if (was) {
        run.kind = RUN_UNMAP;
        run_list_add(effects->runs, &run);
    }
    unsigned had = was ? 0 : rights_at(effects, old, level, place);
    if (!is)
        leaf_effect(effects, run, was ? 0 : old, had, now, rights_at(effects, now, level, place));
    else if (had)
        leaf_effect(effects, run, old, had, 0, 0);
    if (is && level == 2)
        fill_below(effects, &run, now, place);
}

void effects_end(struct effects *effects)
{
    struct table_place places[PLACES_MAX];
    size_t count = effects->count ? frames_places(effects->frames, effects->table, places, PLACES_MAX) : 0;
    if (count > PLACES_MAX)
        run_list_add(effects->runs, &(struct run){.kind = RUN_FORGET});
    for (size_t place = 0; place < count && count <= PLACES_MAX; place++)
        for (unsigned i = 0; i < effects->count; i++)
            effect(effects, effects->first + i, effects->old[i], effects->now[i], &places[place]);
    effects->count = 0;
}

void effects_note(struct effects *effects, gpa_t where, const struct entry_change *change)
{
    gpa_t table = GPA(where.value & ENTRY_ADDRESS);
    unsigned index = (unsigned)(where.value / sizeof(uint64_t) % TABLE_ENTRIES);
    if (!effects->count || table.value != effects->table.value || index != effects->first + effects->count) {
        effects_end(effects);
        effects->table = table;
        effects->first = index;
        effects->level = change->level;
    }
    effects->old[effects->count] = change->old;
    effects->now[effects->count++] = change->now;
}
