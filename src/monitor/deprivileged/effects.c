#include "monitor/deprivileged/effects.h"

static enum entry_kind kind_of(const struct effects *effects, uint64_t entry, unsigned level)
{
    return entry_kind(entry, level, effects->frames->physical_bits);
}

static unsigned rights_at(
    const struct effects *effects, uint64_t entry, unsigned level, const struct table_place *place)
{
    return place_rights(place, entry, level, effects->frames->physical_bits);
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
    unsigned first, unsigned count, bool touched)
{
    const uint64_t *entries = frames_host(effects->frames, table);
    for (unsigned i = first; entries && i < first + count; i++) {
        uint64_t entry = entry_load(&entries[i]);
        unsigned rights = rights_at(effects, entry, level, place);
        struct run run = place_run(place, i, level);
        run.touched = touched;
        if (rights)
            leaf_effect(effects, run, 0, 0, entry, rights);
    }
}

/* A link that is new fills, at level 2, what the table below has; from higher up faults will ask. */
static void fill_below(
    struct effects *effects, const struct run *run, uint64_t link, const struct table_place *place)
{
    struct table_place below = place_above(*place, link, 0, 2);
    below.from = run->from;
    effects_fill(effects, entry_to(link), 1, &below, 0, TABLE_ENTRIES, false);
}

static void effect(
    struct effects *effects, unsigned index, uint64_t old, uint64_t now, const struct table_place *place)
{
    unsigned level = effects->level;
    bool was = kind_of(effects, old, level) == ENTRY_LINK, is = kind_of(effects, now, level) == ENTRY_LINK;
    struct run run = place_run(place, index, level);
    if (was && is && link_allows_no_less(old, now))
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
