#include "monitor/deprivileged/shadow_copies.h"

#include <string.h>

enum { STEPS_A_PLACE = 8 };

/* ---- frames ---- */

struct shadow_frame *shadow_frame(const struct shadow *shadow, gpa_t address)
{
    return frame_map_record(&shadow->map, address);
}

/* The first frame there is of the 2 MiB around an address; NULL: none. */
static struct shadow_frame *first_frame(const struct shadow *shadow, uint64_t address)
{
    uint64_t start = address & -LARGE_BYTES;
    const struct frame_piece *piece = frame_map_from(&shadow->map, start);
    if (!piece || piece->start >= start + LARGE_BYTES)
        return NULL;
    return shadow_frame(shadow, GPA(start < piece->start ? piece->start : start));
}

bool frame_is_guarded(const struct shadow_frame *frame)
{
    return frame && frame->copies && !frame->unsync;
}

void copy_emit(struct shadow *shadow, struct run run, gpa_t to)
{
    const struct shadow_frame *first = first_frame(shadow, to.value);
    const uint64_t bytes = run.bytes, from = run.from.value;
    const unsigned rights = run.rights;
    bool map = run.kind == RUN_MAP, split = rights & PAGE_WRITE && first && first->guarded;
    for (uint64_t done = 0; done < bytes; done += run.bytes) {
        run.bytes = split ? 4096 : bytes;
        run.from = GVA(from + done);
        run.to = map ? GPA(to.value + done) : GPA(0);
        run.rights = split && frame_is_guarded(shadow_frame(shadow, GPA(to.value + done)))
                         ? rights & ~(unsigned)PAGE_WRITE
                         : rights;
        run_list_add(&shadow->runs, &run);
    }
}

/* ---- places ---- */

struct climb {
    const struct shadow *shadow;
    struct table_place *places;
    size_t count, steps;
};

static void climb(struct climb *climbing, uint32_t number, struct table_place at)
{
    const struct slot_tables *tables = &climbing->shadow->tables;
    const struct copy *copy = copy_of(climbing->shadow, number);
    if (copy->root && climbing->count++ < PLACES_MAX)
        climbing->places[climbing->count - 1] = place_at_root(at, copy->table);
    for (slot_t slot = copy->parents; slot && climbing->count <= PLACES_MAX; slot = slot_next(tables, slot)) {
        const struct copy *above = slot_table(tables, slot);
        if (climbing->steps++ == PLACES_MAX * STEPS_A_PLACE)
            climbing->count = PLACES_MAX + 1;
        climb(climbing, slot / TABLE_ENTRIES,
            place_above(at, above->entries[slot_index(slot)], slot_index(slot), above->level));
    }
}

/* All of them, or none and all will be forgotten. */
static size_t find_places(struct shadow *shadow, uint32_t number, struct table_place places[PLACES_MAX])
{
    struct climb climbing = {.shadow = shadow, .places = places};
    climb(&climbing, number, place_start());
    if (climbing.count <= PLACES_MAX)
        return climbing.count;
    shadow->overflow = true;
    return 0;
}

static unsigned rights_at(
    const struct shadow *shadow, const struct copy *copy, uint64_t entry, const struct table_place *place)
{
    return place_rights(place, entry, copy->level, shadow->physical_bits);
}

/* ---- guarding ---- */

/* What a held leaf has of a frame becomes read-only, at all its places. */
static void restrict_leaf(struct shadow *shadow, slot_t slot, gpa_t frame)
{
    struct table_place places[PLACES_MAX];
    const struct copy *copy = slot_table(&shadow->tables, slot);
    size_t count = find_places(shadow, slot / TABLE_ENTRIES, places);
    uint64_t entry = copy->entries[slot_index(slot)], span = entry_span(copy->level);
    for (size_t i = 0; i < count; i++) {
        unsigned rights = rights_at(shadow, copy, entry, &places[i]);
        struct run run = place_run(&places[i], slot_index(slot), copy->level);
        run.kind = RUN_PROTECT;
        run.from.value += frame.value & (span - 1);
        run.bytes = PAGE_TABLE_BYTES;
        run.rights = rights & ~(unsigned)PAGE_WRITE;
        if (rights & PAGE_WRITE)
            run_list_add(&shadow->runs, &run);
    }
}

void frame_guard(struct shadow *shadow, gpa_t table)
{
    struct shadow_frame *frame = shadow_frame(shadow, table), *first = first_frame(shadow, table.value);
    frame->unsync = false;
    first->guarded++;
    for (slot_t slot = frame->leaves; slot; slot = slot_next(&shadow->tables, slot))
        restrict_leaf(shadow, slot, table);
    for (slot_t slot = first->large; slot; slot = slot_next(&shadow->tables, slot))
        restrict_leaf(shadow, slot, table);
}

void frame_unguard(struct shadow *shadow, gpa_t table)
{
    shadow_frame(shadow, table)->unsync = true;
    shadow_frame(shadow, table)->quiet = 0;
    first_frame(shadow, table.value)->guarded--;
}

/* ---- copies ---- */

uint32_t copy_find(const struct shadow *shadow, gpa_t table, unsigned level)
{
    const struct shadow_frame *frame = shadow_frame(shadow, table);
    uint32_t number = frame ? frame->copies : 0;
    while (number && copy_of(shadow, number)->level != level)
        number = copy_of(shadow, number)->next;
    return number;
}

/* Guarded before it is read, so that no store of another virtual CPU is missed. */
static void begin(struct shadow *shadow, uint32_t number, gpa_t table, unsigned level)
{
    struct shadow_frame *frame = shadow_frame(shadow, table);
    struct copy *copy = copy_of(shadow, number);
    const uint64_t *entries = frame_map_host(&shadow->map, table);
    bool first = !frame->copies;
    copy->table = table;
    copy->level = (uint8_t)level;
    copy->next = frame->copies;
    frame->copies = number;
    if (first) {
        frame_guard(shadow, table);
        run_list_hand_over(&shadow->runs);
    }
    for (int i = 0; i < TABLE_ENTRIES; i++)
        copy->entries[i] = entry_load(&entries[i]);
}

uint32_t copy_obtain(struct shadow *shadow, gpa_t table, unsigned level)
{
    uint32_t number = copy_find(shadow, table, level);
    if (number || !shadow_frame(shadow, table))
        return number;
    if (shadow->tables_used >= shadow->tables_max || slot_tables_take(&shadow->tables, &number, NULL) < 0) {
        shadow->overflow = true;
        return 0;
    }
    shadow->tables_used++;
    begin(shadow, number, table, level);
    return number;
}

/* The list that a held leaf is in. */
static slot_t *leaves_of(struct shadow *shadow, const struct copy *copy, unsigned index)
{
    gpa_t to = entry_to(copy->entries[index]);
    return copy->level == 1 ? &shadow_frame(shadow, to)->leaves : &first_frame(shadow, to.value)->large;
}

void copy_hold_leaf(struct shadow *shadow, uint32_t number, unsigned index)
{
    struct copy *copy = copy_of(shadow, number);
    if (copy->held[index])
        return;
    copy->held[index] = HELD_LEAF;
    slot_join(&shadow->tables, slot_of(number, index), leaves_of(shadow, copy, index));
}

void copy_hold_link(struct shadow *shadow, uint32_t number, unsigned index, uint32_t below)
{
    struct copy *copy = copy_of(shadow, number);
    if (copy->held[index])
        return;
    copy->held[index] = HELD_LINK;
    slot_join(&shadow->tables, slot_of(number, index), &copy_of(shadow, below)->parents);
}

static void let_go(struct shadow *shadow, uint32_t number, unsigned index)
{
    struct copy *copy = copy_of(shadow, number);
    enum held held = copy->held[index];
    slot_t slot = slot_of(number, index);
    copy->held[index] = HELD_NOTHING;
    copy->filled[index] = 0;
    if (held == HELD_LEAF)
        slot_leave(&shadow->tables, slot, leaves_of(shadow, copy, index));
    if (held != HELD_LINK)
        return;
    uint32_t below = copy_find(shadow, entry_to(copy->entries[index]), copy->level - 1);
    slot_leave(&shadow->tables, slot, &copy_of(shadow, below)->parents);
    copy_release(shadow, below);
}

static void leave_frame(struct shadow *shadow, uint32_t number)
{
    const struct copy *copy = copy_of(shadow, number);
    struct shadow_frame *frame = shadow_frame(shadow, copy->table);
    uint32_t *link = &frame->copies;
    bool guarded = frame_is_guarded(frame);
    while (*link != number)
        link = &copy_of(shadow, *link)->next;
    *link = copy->next;
    if (frame->copies)
        return;
    frame->unsync = false;
    first_frame(shadow, copy->table.value)->guarded -= guarded;
}

/* As deep as there are levels. */
void copy_release(struct shadow *shadow, uint32_t number)
{
    struct copy *copy = copy_of(shadow, number);
    if (copy->root || copy->parents)
        return;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        let_go(shadow, number, i);
    leave_frame(shadow, number);
    copy->level = 0;
    slot_tables_give(&shadow->tables, number);
    shadow->tables_used--;
}

void copy_drop_all(struct shadow *shadow)
{
    for (uint32_t number = 1; number <= shadow->tables.count; number++) {
        struct copy *copy = copy_of(shadow, number);
        if (!copy->level)
            continue;
        for (unsigned i = 0; i < TABLE_ENTRIES; i++)
            if (copy->held[i] == HELD_LEAF)
                *leaves_of(shadow, copy, i) = 0;
        shadow_frame(shadow, copy->table)->copies = 0;
        shadow_frame(shadow, copy->table)->unsync = false;
        first_frame(shadow, copy->table.value)->guarded = 0;
    }
    slot_tables_free(&shadow->tables);
    shadow->tables_used = 0;
}

/* ---- changes ---- */

static void take_away(struct shadow *shadow, uint32_t number, unsigned index)
{
    struct table_place places[PLACES_MAX];
    const struct copy *copy = copy_of(shadow, number);
    size_t count = find_places(shadow, number, places);
    for (size_t i = 0; i < count; i++) {
        struct run run = place_run(&places[i], index, copy->level);
        run.kind = RUN_UNMAP;
        run_list_add(&shadow->runs, &run);
    }
}

/* A held leaf keeps its frames: what children have gets other rights. What it has not yet comes by faults. */
static void change_rights(struct shadow *shadow, uint32_t number, unsigned index, uint64_t now)
{
    struct table_place places[PLACES_MAX];
    const struct copy *copy = copy_of(shadow, number);
    size_t count = find_places(shadow, number, places);
    for (size_t i = 0; i < count; i++) {
        unsigned had = rights_at(shadow, copy, copy->entries[index], &places[i]);
        unsigned has = rights_at(shadow, copy, now, &places[i]);
        struct run run = place_run(&places[i], index, copy->level);
        if (had == has || !had)
            continue;
        if (has && !((had ^ has) & PAGE_USER)) {
            run.kind = RUN_PROTECT;
            run.rights = has;
            copy_emit(shadow, run, entry_to(now));
        } else {
            run.kind = RUN_UNMAP;
            run_list_add(&shadow->runs, &run);
        }
    }
}

static bool keeps(const struct shadow *shadow, const struct copy *copy, unsigned index, uint64_t now)
{
    uint64_t old = copy->entries[index];
    enum entry_kind kind = entry_kind(now, copy->level, shadow->physical_bits);
    if (copy->held[index] == HELD_LINK)
        return kind == ENTRY_LINK && link_allows_no_less(old, now);
    return kind == ENTRY_LEAF && entry_to(old).value == entry_to(now).value;
}

void copy_change(struct shadow *shadow, uint32_t number, unsigned index, uint64_t now)
{
    struct copy *copy = copy_of(shadow, number);
    if (copy->entries[index] == now)
        return;
    if (copy->held[index] && !keeps(shadow, copy, index, now)) {
        take_away(shadow, number, index);
        let_go(shadow, number, index);
    } else if (copy->held[index] == HELD_LEAF) {
        change_rights(shadow, number, index, now);
    }
    copy->entries[index] = now;
}

bool copy_compare(struct shadow *shadow, uint32_t number)
{
    const struct copy *copy = copy_of(shadow, number);
    const uint64_t *entries = frame_map_host(&shadow->map, copy->table);
    bool changed = false;
    shadow->counts.compared++;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        const uint64_t now = entry_load(&entries[i]);
        changed |= copy->entries[i] != now;
        copy_change(shadow, number, i, now);
    }
    return changed;
}
