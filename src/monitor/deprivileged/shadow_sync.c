#include "monitor/deprivileged/shadow_sync.h"

#include "monitor/deprivileged/shadow_copies.h"
#include "monitor/deprivileged/translate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { QUIET = 2 }; /* comparisons without a change before a table is protected again */

/* ---- all of it ---- */

void shadow_dropped(struct shadow *shadow)
{
    copy_drop_all(shadow);
    shadow->overflow = false;
    shadow->counts.forgotten++;
}

int shadow_forget(struct shadow *shadow, struct error *error)
{
    run_list_add(&shadow->runs, &(struct run){.kind = RUN_FORGET});
    shadow_dropped(shadow);
    return run_list_flush(&shadow->runs, error);
}

static int finish(struct shadow *shadow, struct error *error)
{
    return shadow->overflow ? shadow_forget(shadow, error) : run_list_flush(&shadow->runs, error);
}

int shadow_add(struct shadow *shadow, gpa_t start, void *host, uint64_t bytes, struct error *error)
{
    shadow->map.record_bytes = sizeof(struct shadow_frame);
    shadow->tables.table_bytes = sizeof(struct copy);
    int rc = shadow_forget(shadow, error);
    return rc < 0 ? rc : frame_map_add(&shadow->map, start, host, bytes, error);
}

int shadow_remove(struct shadow *shadow, gpa_t start, struct error *error)
{
    int rc = shadow_forget(shadow, error);
    return rc < 0 ? rc : frame_map_remove(&shadow->map, start, error);
}

void shadow_free(struct shadow *shadow)
{
    copy_drop_all(shadow);
    frame_map_free(&shadow->map);
}

/* ---- synchronizing ---- */

/* One that is written between most faults stays as it is: to protect it, and to take the fault of the next
 * store, is dearer than to compare it again. But where each store is to be seen it is open for one alone. A
 * frame may be a table of several levels, and what changes at one may release the copy of another. */
static void synchronize(struct shadow *shadow, gpa_t table)
{
    struct shadow_frame *frame = shadow_frame(shadow, table);
    bool changed = false;
    if (frame->quiet == QUIET || shadow->sync == SYNC_WRITE) {
        frame_guard(shadow, table);
        run_list_hand_over(&shadow->runs);
    }
    for (unsigned level = TABLE_LEVELS; level; level--) {
        uint32_t number = copy_find(shadow, table, level);
        if (number)
            changed |= copy_compare(shadow, number);
    }
    frame->quiet = changed || !frame->unsync ? 0 : (uint8_t)(frame->quiet + 1);
}

static uint32_t root_copy(struct shadow *shadow)
{
    uint32_t number = copy_obtain(shadow, shadow->root, TABLE_LEVELS);
    if (number)
        copy_of(shadow, number)->root = true;
    return number;
}

/* All tables that lead to an address get copies, and are in sync. */
static void synchronize_path(struct shadow *shadow, gva_t address)
{
    uint32_t number = root_copy(shadow), below;
    for (unsigned level = TABLE_LEVELS; number; level--, number = below) {
        const struct copy *copy = copy_of(shadow, number);
        unsigned index = entry_index(address.value, level);
        if (shadow_frame(shadow, copy->table)->unsync)
            synchronize(shadow, copy->table);
        uint64_t entry = copy->entries[index];
        if (shadow->overflow || entry_kind(entry, level, shadow->physical_bits) != ENTRY_LINK)
            return;
        below = copy_obtain(shadow, entry_to(entry), level - 1);
        if (below)
            copy_hold_link(shadow, number, index, below);
    }
}

/* ---- faults ---- */

static uint64_t *table_of(void *map, gpa_t table)
{
    return frame_map_host(map, table);
}

/* The accessed and dirty bits that were just set go to the copies; other differences wait for a comparison.
 */
static void note_used(struct shadow *shadow, gva_t address, const struct path *path)
{
    for (unsigned i = 0; i < path->reads; i++) {
        uint32_t number = copy_find(shadow, path->table[i], TABLE_LEVELS - i);
        if (!number)
            return;
        uint64_t *entry = &copy_of(shadow, number)->entries[entry_index(address.value, TABLE_LEVELS - i)];
        if (((*entry ^ path->read[i]) & ~ENTRY_USED) == 0)
            *entry |= path->read[i] & ENTRY_USED;
    }
}

/* The copy that has the leaf for an address in the space in use, and where it stands there; 0: there is none
 * yet. */
static uint32_t find_leaf(const struct shadow *shadow, gva_t address, struct table_place *place)
{
    uint32_t number = copy_find(shadow, shadow->root, TABLE_LEVELS), path[TABLE_LEVELS + 1] = {0};
    unsigned level = TABLE_LEVELS;
    for (; number; level--) {
        const struct copy *copy = copy_of(shadow, number);
        unsigned index = entry_index(address.value, level);
        path[level] = number;
        if (entry_kind(copy->entries[index], level, shadow->physical_bits) != ENTRY_LINK)
            break;
        number = copy->held[index] ? copy_find(shadow, entry_to(copy->entries[index]), level - 1) : 0;
    }
    *place = place_start();
    for (unsigned above = level + 1; number && above <= TABLE_LEVELS; above++) {
        unsigned index = entry_index(address.value, above);
        *place = place_above(*place, copy_of(shadow, path[above])->entries[index], index, above);
    }
    *place = place_at_root(*place, shadow->root);
    return number;
}

/* One entry, if it is ready to be in a child. */
static void fill_entry(
    struct shadow *shadow, uint32_t number, unsigned index, const struct table_place *place)
{
    const struct copy *copy = copy_of(shadow, number);
    uint64_t entry = copy->entries[index];
    gpa_t to = entry_to(entry);
    struct run run = place_run(place, index, copy->level);
    const struct frame_piece *piece = frame_map_from(&shadow->map, to.value);
    run.kind = RUN_MAP;
    run.touched = true;
    run.rights = place_rights(place, entry, copy->level, shadow->physical_bits);
    if (!run.rights || !piece || piece->start >= to.value + run.bytes)
        return;
    copy_hold_leaf(shadow, number, index);
    copy_emit(shadow, run, to);
}

/* Only one entry leads to each table on the way up: what it holds, the space in use has. */
static bool has_one_place(const struct shadow *shadow, uint32_t number)
{
    while (number && !copy_of(shadow, number)->root) {
        slot_t parents = copy_of(shadow, number)->parents;
        if (!parents || slot_next(&shadow->tables, parents))
            return false;
        number = parents / TABLE_ENTRIES;
    }
    return true;
}

/* The guest's kernel and user code may have a child each: what the one has the other may lack. */
static void fill_around(
    struct shadow *shadow, uint32_t number, unsigned index, bool user, const struct table_place *place)
{
    struct copy *copy = copy_of(shadow, number);
    unsigned count = copy->level == 1 && shadow->fill ? shadow->fill : 1, first = index & -count;
    bool alone = has_one_place(shadow, number);
    for (unsigned i = first; i < first + count; i++) {
        if (i != index && alone && copy->filled[i] & (1 << user))
            continue;
        fill_entry(shadow, number, i, place);
        if (copy->held[i])
            copy->filled[i] |= (uint8_t)(1 << user);
    }
}

/* A table inside a large page is writable again: that page alone. */
static void fill_page(
    struct shadow *shadow, uint32_t number, gva_t address, const struct table_place *place, gpa_t to)
{
    const struct copy *copy = copy_of(shadow, number);
    unsigned index = entry_index(address.value, copy->level);
    struct run run = {.kind = RUN_MAP,
        .touched = true,
        .root = place->root,
        .from = GVA(address.value & -(uint64_t)PAGE_TABLE_BYTES),
        .bytes = PAGE_TABLE_BYTES,
        .rights = place_rights(place, copy->entries[index], copy->level, shadow->physical_bits)};
    if (!run.rights)
        return;
    copy_hold_leaf(shadow, number, index);
    copy_emit(shadow, run, GPA(to.value & -(uint64_t)PAGE_TABLE_BYTES));
}

static void fill(struct shadow *shadow, gva_t address, unsigned access, gpa_t to, bool page_alone)
{
    struct table_place place;
    uint32_t number = find_leaf(shadow, address, &place);
    if (!number)
        return;
    unsigned index = entry_index(address.value, copy_of(shadow, number)->level);
    if (page_alone)
        fill_page(shadow, number, address, &place, to);
    else
        fill_around(shadow, number, index, access & FAULT_USER, &place);
}

static gpa_t address_to(const struct path *path, gva_t address)
{
    uint64_t inside = entry_span(TABLE_LEVELS + 1 - path->reads) - 1;
    return GPA((entry_to(path->read[path->reads - 1]).value & ~inside) | (address.value & inside));
}

/* What an access that the tables allow comes to. */
static void allow(struct shadow *shadow, gva_t address, unsigned access, const struct path *path,
    struct fault_outcome *outcome)
{
    gpa_t to = address_to(path, address);
    const struct shadow_frame *frame = shadow_frame(shadow, to);
    bool store = access & FAULT_WRITE && frame_is_guarded(frame);
    *outcome = (struct fault_outcome){.kind = frame ? FAULT_FILLED : FAULT_DEVICE, .to = to};
    if (!frame)
        return;
    if (store && shadow->sync == SYNC_WRITE) {
        outcome->kind = FAULT_STORE;
        return;
    }
    if (store) {
        shadow->counts.stores++;
        frame_unguard(shadow, GPA(to.value & ENTRY_ADDRESS));
    }
    fill(shadow, address, access, to, store || (access & FAULT_WRITE && frame->unsync));
}

int shadow_fault(
    struct shadow *shadow, gva_t address, unsigned access, struct fault_outcome *outcome, struct error *error)
{
    const struct translation translation = {shadow->root, shadow->physical_bits, table_of, &shadow->map,
        NULL /* where writes are recorded nothing is shadowed (shadowing.c) */};
    struct path path;
    unsigned code = 0;
    synchronize_path(shadow, address);
    *outcome = (struct fault_outcome){.kind = FAULT_AGAIN};
    int faults = shadow->overflow ? -EAGAIN : translate_access(&translation, address, access, &path, &code);
    if (faults == 0) {
        shadow->counts.hidden++;
        note_used(shadow, address, &path);
        allow(shadow, address, access, &path, outcome);
    } else if (faults > 0) {
        shadow->counts.injected++;
        *outcome = (struct fault_outcome){.kind = FAULT_INJECT, .error_code = code};
    }
    return finish(shadow, error);
}

/* ---- what the guest does ---- */

/* The entries that have a part in some bytes of a frame are compared with their copies. */
static void compare_part(struct shadow *shadow, gpa_t where, size_t bytes)
{
    gpa_t table = GPA(where.value & ENTRY_ADDRESS);
    const uint64_t *entries = frame_map_host(&shadow->map, table);
    unsigned first = (unsigned)(where.value % PAGE_TABLE_BYTES / sizeof *entries);
    unsigned last = (unsigned)((where.value % PAGE_TABLE_BYTES + bytes - 1) / sizeof *entries);
    for (unsigned level = TABLE_LEVELS; level; level--)
        for (unsigned i = first; i <= last; i++) {
            uint32_t number = copy_find(shadow, table, level);
            if (number)
                copy_change(shadow, number, i, entry_load(&entries[i]));
        }
}

int shadow_store(struct shadow *shadow, gpa_t where, const void *value, size_t bytes, struct error *error)
{
    char *host = frame_map_host(&shadow->map, where);
    if (!host || !bytes || where.value % PAGE_TABLE_BYTES + bytes > PAGE_TABLE_BYTES)
        return error_set(error, EFAULT,
            "a guest stores %zu bytes at 0x%" PRIx64 ", where it has no memory for it", bytes, where.value);
    if (bytes == sizeof(uint64_t) && where.value % bytes == 0) { /* other virtual CPUs never see a half */
        uint64_t entry;
        memcpy(&entry, value, sizeof entry);
        entry_store((uint64_t *)host, entry);
    } else {
        memcpy(host, value, bytes);
    }
    shadow->counts.stores += frame_is_guarded(shadow_frame(shadow, where));
    compare_part(shadow, where, bytes);
    return finish(shadow, error);
}

int shadow_flush(struct shadow *shadow, gva_t address, struct error *error)
{
    uint32_t number = copy_find(shadow, shadow->root, TABLE_LEVELS);
    for (unsigned level = TABLE_LEVELS; number; level--) {
        const struct copy *copy = copy_of(shadow, number);
        unsigned index = entry_index(address.value, level);
        const uint64_t *entries = frame_map_host(&shadow->map, copy->table);
        copy_change(shadow, number, index, entry_load(&entries[index]));
        number =
            copy->held[index] == HELD_LINK ? copy_find(shadow, entry_to(copy->entries[index]), level - 1) : 0;
    }
    return finish(shadow, error);
}

int shadow_switch(struct shadow *shadow, gpa_t root, struct error *error)
{
    shadow->root = entry_to(root.value);
    for (uint32_t number = 1; number <= shadow->tables.count; number++) {
        const struct copy *copy = copy_of(shadow, number);
        if (copy->level && shadow_frame(shadow, copy->table)->unsync)
            copy_compare(shadow, number);
    }
    return finish(shadow, error);
}

void shadow_end_space(struct shadow *shadow, gpa_t root)
{
    uint32_t number = copy_find(shadow, entry_to(root.value), TABLE_LEVELS);
    if (!number || entry_to(root.value).value == shadow->root.value)
        return;
    copy_of(shadow, number)->root = false;
    copy_release(shadow, number);
}

void shadow_unfilled(struct shadow *shadow)
{
    for (uint32_t number = 1; number <= shadow->tables.count; number++) {
        struct copy *copy = copy_of(shadow, number);
        if (copy->level)
            memset(copy->filled, 0, sizeof copy->filled);
    }
}
