#include "monitor/deprivileged/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_A_PLACE = 8 };

/* Of each frame. A leaf of 2 MiB refers to 512 frames at once: it is counted in the first frame of each piece
 * of memory that it covers, beside how many tables there are among those frames. So that a frame is writable
 * if it counts as such or if its first frame counts a large leaf. */
struct frame {
    uint32_t references; /* the pin counts as one */
    slot_t links;        /* the entries that link to this table */
    uint32_t upper;      /* of a table of level 2 to 4: its number in frames.uppers */
    uint32_t large;      /* writable leaves of 2 MiB that begin here (see above) */
    uint16_t tables;     /* in use in the 2 MiB that begin here (see above) */
    uint8_t type;        /* enum frame_type */
    bool pinned;
};

/* A table that may have links: its slots are in the lists of the tables that its entries link to. */
struct upper_table {
    struct slot_table slots;
    gpa_t table;
    struct {
        gpa_t to; /* noted here, so that no write behind our back leads astray */
        bool is;
    } link[TABLE_ENTRIES];
};

/* ---- frames ---- */

static struct frame *frame_at(const struct frames *frames, gpa_t address)
{
    return frame_map_record(&frames->map, address);
}

/* Which frame counts for the 2 MiB, or as much of them as is in one piece of memory, around an address. */
static struct frame *first_frame(const struct frames *frames, uint64_t address)
{
    const struct frame_piece *piece = frame_map_from(&frames->map, address);
    uint64_t first = address & -LARGE_BYTES;
    return frame_at(frames, GPA(first < piece->start ? piece->start : first));
}

/* Calls each() for the frames that count for a leaf of 2 MiB, until one says something else than 0. */
static int for_first_frames(const struct frames *frames, uint64_t leaf, int (*each)(struct frame *frame))
{
    const struct frame_map *map = &frames->map;
    const struct frame_piece *piece = frame_map_from(map, leaf), *end = map->pieces + map->count;
    int rc = 0;
    for (; rc == 0 && piece && piece < end && piece->start < leaf + LARGE_BYTES; piece++)
        rc = each(first_frame(frames, piece->start < leaf ? leaf : piece->start));
    return rc;
}

static unsigned level_of(const struct frame *frame)
{
    return frame->type <= FRAME_TABLE_4 ? frame->type : 0;
}

static uint64_t *entries_of(const struct frames *frames, gpa_t table)
{
    return frame_map_host(&frames->map, table);
}

static int in_use(const struct frame *frame, gpa_t address, const char *as, struct error *error)
{
    static const char *const uses[] = {"mapped writable by a large page", "a page table of level 1",
        "a page table of level 2", "a page table of level 3", "a page table of level 4", "mapped writable"};
    return error_set(error, EBUSY, "the guest's frame at 0x%" PRIx64 " is %s and cannot be %s", address.value,
        uses[frame->type], as);
}

/* ---- writable leaves ---- */

static int large_is_free(struct frame *frame)
{
    return frame->tables ? -EBUSY : frame->large == UINT32_MAX ? -ENOMEM : 0;
}

static int large_take(struct frame *frame)
{
    frame->large++;
    return 0;
}

static int large_give(struct frame *frame)
{
    frame->large -= frame->large > 0;
    return 0;
}

static int take_large(struct frames *frames, gpa_t leaf, struct error *error)
{
    int rc = for_first_frames(frames, leaf.value, large_is_free);
    if (rc < 0)
        return error_set(error, -rc, "the guest's large page at 0x%" PRIx64 " cannot be mapped writable: %s",
            leaf.value, rc == -EBUSY ? "there are page tables in it" : "it is so too often");
    return for_first_frames(frames, leaf.value, large_take);
}

static int take_writable(struct frames *frames, gpa_t address, struct error *error)
{
    struct frame *frame = frame_at(frames, address);
    if (!frame)
        return 0; /* a device */
    if (level_of(frame))
        return in_use(frame, address, "mapped writable", error);
    if (frame->references == UINT32_MAX)
        return error_set(
            error, ENOMEM, "the guest's frame at 0x%" PRIx64 " is mapped too often", address.value);
    frame->type = FRAME_WRITABLE;
    frame->references++;
    return 0;
}

static void give_writable(struct frames *frames, gpa_t address)
{
    struct frame *frame = frame_at(frames, address);
    if (frame && frame->type == FRAME_WRITABLE && --frame->references == 0)
        frame->type = FRAME_FREE;
}

/* ---- links ---- */

static struct upper_table *upper_of(const struct frames *frames, const struct frame *table)
{
    return slot_table(&frames->uppers, slot_of(table->upper, 0));
}

static void link_entry(struct frames *frames, const struct frame *table, unsigned index, gpa_t to)
{
    struct upper_table *upper = upper_of(frames, table);
    upper->link[index].to = to;
    upper->link[index].is = true;
    slot_join(&frames->uppers, slot_of(table->upper, index), &frame_at(frames, to)->links);
}

static void unlink_entry(struct frames *frames, const struct frame *table, unsigned index)
{
    struct upper_table *upper = upper_of(frames, table);
    upper->link[index].is = false;
    slot_leave(
        &frames->uppers, slot_of(table->upper, index), &frame_at(frames, upper->link[index].to)->links);
}

/* ---- tables ---- */

static int take_table(struct frames *frames, gpa_t table, unsigned level, struct error *error);
static void give_table(struct frames *frames, gpa_t table, unsigned level);

/* What an entry of a table of `level` refers to. Not yet that it is it that links. */
static int take(struct frames *frames, uint64_t entry, unsigned level, struct error *error)
{
    switch (entry_kind(entry, level, frames->physical_bits)) {
    case ENTRY_NOTHING:
        return 0;
    case ENTRY_LINK:
        return take_table(frames, entry_to(entry), level - 1, error);
    case ENTRY_LEAF:
        if (!(entry & PAGE_BIT_WRITE))
            return 0;
        return level == 1 ? take_writable(frames, entry_to(entry), error)
                          : take_large(frames, entry_to(entry), error);
    default:
        return error_set(error, EINVAL,
            "the entry 0x%" PRIx64
            " of a guest's page table of level %u has reserved bits set, or maps 1 GiB",
            entry, level);
    }
}

static bool is_link(const struct frames *frames, uint64_t entry, unsigned level)
{
    return entry_kind(entry, level, frames->physical_bits) == ENTRY_LINK;
}

/* An entry of a table that refers to something no longer does. */
static void give(struct frames *frames, const struct frame *table, unsigned index, uint64_t entry)
{
    unsigned level = level_of(table);
    const struct upper_table *upper = table->upper ? upper_of(frames, table) : NULL;
    if (upper && upper->link[index].is) {
        unlink_entry(frames, table, index);
        give_table(frames, upper->link[index].to, level - 1);
    } else if (entry & PAGE_BIT_WRITE && entry_kind(entry, level, frames->physical_bits) == ENTRY_LEAF) {
        if (level == 1)
            give_writable(frames, entry_to(entry));
        else
            for_first_frames(frames, entry_to(entry).value, large_give);
    }
}

/* The first `count` entries refer to nothing any more. */
static void give_entries(struct frames *frames, gpa_t table, unsigned count)
{
    const uint64_t *entries = entries_of(frames, table);
    for (unsigned i = 0; i < count; i++)
        give(frames, frame_at(frames, table), i, entry_load(&entries[i]));
}

static int take_entries(struct frames *frames, gpa_t table, unsigned level, struct error *error)
{
    const uint64_t *entries = entries_of(frames, table);
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        uint64_t entry = entry_load(&entries[i]);
        int rc = take(frames, entry, level, error);
        if (rc < 0) {
            give_entries(frames, table, i);
            return rc;
        }
        if (is_link(frames, entry, level))
            link_entry(frames, frame_at(frames, table), i, entry_to(entry));
    }
    return 0;
}

static void demote(struct frames *frames, gpa_t table, struct frame *frame)
{
    if (frame->upper)
        slot_tables_give(&frames->uppers, frame->upper);
    frame->type = FRAME_FREE;
    frame->references = frame->upper = 0;
    first_frame(frames, table.value)->tables--;
    frames->tables--;
}

/* A free frame becomes a table, with one reference, if all that is in it may be there. It has its type while
 * its entries are looked at: so no way leads back to it. */
static int promote(
    struct frames *frames, gpa_t table, struct frame *frame, unsigned level, struct error *error)
{
    uint32_t upper = 0;
    if (frames->tables >= frames->tables_max)
        return error_set(error, ENOMEM, "the guest has more than %zu page tables", frames->tables_max);
    int rc = level > 1 ? slot_tables_take(&frames->uppers, &upper, error) : 0;
    if (rc < 0)
        return rc;
    frames->tables++;
    first_frame(frames, table.value)->tables++;
    frame->type = (uint8_t)level;
    frame->references = 1;
    frame->upper = upper;
    if (upper)
        upper_of(frames, frame)->table = table;
    rc = take_entries(frames, table, level, error);
    if (rc < 0)
        demote(frames, table, frame);
    return rc;
}

/* As deep as there are levels. */
static int take_table(struct frames *frames, gpa_t table, unsigned level, struct error *error)
{
    static const char *const as[] = {"", "a page table of level 1", "a page table of level 2",
        "a page table of level 3", "a page table of level 4"};
    struct frame *frame = frame_at(frames, table);
    if (!frame)
        return error_set(
            error, EFAULT, "the guest's page table at 0x%" PRIx64 " is not in its memory", table.value);
    if (frame->type == FRAME_FREE && !first_frame(frames, table.value)->large)
        return promote(frames, table, frame, level, error);
    if (level_of(frame) != level)
        return in_use(frame, table, as[level], error);
    if (frame->references == UINT32_MAX)
        return error_set(
            error, ENOMEM, "the guest's page table at 0x%" PRIx64 " is linked too often", table.value);
    frame->references++;
    return 0;
}

static void give_table(struct frames *frames, gpa_t table, unsigned level)
{
    struct frame *frame = frame_at(frames, table);
    if (!frame || level_of(frame) != level || --frame->references > 0)
        return;
    give_entries(frames, table, TABLE_ENTRIES);
    demote(frames, table, frame);
}

/* ---- requests ---- */

int frames_pin(struct frames *frames, gpa_t table, unsigned level, struct error *error)
{
    struct frame *frame = frame_at(frames, table);
    if (level < 1 || level > TABLE_LEVELS || table.value % 4096)
        return error_set(error, EINVAL, "0x%" PRIx64 " is no page table of level %u", table.value, level);
    if (frame && frame->pinned && level_of(frame) == level)
        return error_set(
            error, EEXIST, "the guest's page table at 0x%" PRIx64 " is pinned already", table.value);
    int rc = take_table(frames, table, level, error);
    if (rc == 0)
        frame->pinned = true;
    return rc;
}

int frames_unpin(struct frames *frames, gpa_t table, struct error *error)
{
    struct frame *frame = table.value % 4096 ? NULL : frame_at(frames, table);
    if (!frame || !frame->pinned)
        return error_set(error, ENOENT, "the guest's page table at 0x%" PRIx64 " is not pinned", table.value);
    frame->pinned = false;
    give_table(frames, table, level_of(frame));
    return 0;
}

/* A link that stays one to the same table has nothing to take and to give. */
static int exchange(struct frames *frames, const struct frame *table, gpa_t where,
    const struct entry_change *change, struct error *error)
{
    unsigned index = (unsigned)(where.value / sizeof(uint64_t) % TABLE_ENTRIES);
    const struct upper_table *upper = table->upper ? upper_of(frames, table) : NULL;
    bool links = is_link(frames, change->now, change->level);
    bool stays = links && upper->link[index].is && upper->link[index].to.value == entry_to(change->now).value;
    int rc = stays ? 0 : take(frames, change->now, change->level, error);
    if (rc < 0)
        return rc;
    entry_store(frames_host(frames, where), change->now);
    if (stays)
        return 0;
    give(frames, table, index, change->old);
    if (links)
        link_entry(frames, table, index, entry_to(change->now));
    return 0;
}

int frames_set(struct frames *frames, gpa_t where, uint64_t value, bool keep, struct entry_change *change,
    struct error *error)
{
    const struct frame *frame = frame_at(frames, where);
    if (where.value % sizeof value)
        return error_set(error, EINVAL, "0x%" PRIx64 " is no entry of a page table", where.value);
    if (!frame || !level_of(frame))
        return error_set(
            error, ENOENT, "the guest's memory at 0x%" PRIx64 " is no page table in use", where.value);
    uint64_t old = entry_load(frames_host(frames, where));
    if (keep && old & value & PAGE_BIT_PRESENT && entry_to(old).value == entry_to(value).value)
        value = (value & ~ENTRY_USED) | (old & ENTRY_USED);
    const struct entry_change made = {level_of(frame), old, value};
    int rc = exchange(frames, frame, where, &made, error);
    if (rc == 0)
        *change = made;
    return rc;
}

/* ---- memory ---- */

static int refuse_while_used(const struct frames *frames, struct error *error)
{
    return frames->tables
               ? error_set(error, EBUSY, "the guest's memory cannot change while its page tables are in use")
               : 0;
}

int frames_add(struct frames *frames, gpa_t start, void *host, uint64_t bytes, struct error *error)
{
    frames->map.record_bytes = sizeof(struct frame);
    frames->uppers.table_bytes = sizeof(struct upper_table);
    int rc = refuse_while_used(frames, error);
    return rc < 0 ? rc : frame_map_add(&frames->map, start, host, bytes, error);
}

int frames_remove(struct frames *frames, gpa_t start, struct error *error)
{
    int rc = refuse_while_used(frames, error);
    return rc < 0 ? rc : frame_map_remove(&frames->map, start, error);
}

int frames_pins(const struct frames *frames, struct frame_pins *pins, struct error *error)
{
    struct frame_pin *list = calloc(frames->tables + 1, sizeof *list); /* what is pinned is a table */
    size_t count = 0;
    if (!list)
        return error_errno(error, ENOMEM, "noting which page tables a guest has pinned");
    for (size_t i = 0; i < frames->map.count; i++) {
        const struct frame_piece *piece = &frames->map.pieces[i];
        const struct frame *frame = (const struct frame *)piece->records;
        for (uint64_t at = piece->start; at < piece->end; at += 4096, frame++)
            if (frame->pinned && count < frames->tables)
                list[count++] = (struct frame_pin){GPA(at), level_of(frame)};
    }
    *pins = (struct frame_pins){list, count};
    return 0;
}

static void forget(struct frames *frames)
{
    for (size_t i = 0; i < frames->map.count; i++) {
        const struct frame_piece *piece = &frames->map.pieces[i];
        memset(piece->records, 0, (piece->end - piece->start) / 4096 * sizeof(struct frame));
    }
    slot_tables_free(&frames->uppers);
    frames->tables = 0;
}

int frames_forget(struct frames *frames, struct frame_pins *pins, struct error *error)
{
    int rc = pins ? frames_pins(frames, pins, error) : 0;
    if (rc == 0)
        forget(frames);
    return rc;
}

int frames_pin_again(struct frames *frames, const struct frame_pins *pins, struct error *error)
{
    int first = 0;
    for (size_t i = 0; i < pins->count; i++) {
        int rc = frames_pin(frames, pins->list[i].table, pins->list[i].level, first ? NULL : error);
        if (rc < 0 && !first)
            first = rc;
    }
    return first;
}

void frames_free(struct frames *frames)
{
    forget(frames);
    frame_map_free(&frames->map);
}

bool frames_look(const struct frames *frames, gpa_t address, struct frame_use *use)
{
    const struct frame *frame = frame_at(frames, address);
    if (!frame)
        return false;
    *use = (struct frame_use){frame->type, frame->references - frame->pinned,
        first_frame(frames, address.value)->large, frame->pinned};
    return true;
}

unsigned frames_level(const struct frames *frames, gpa_t address)
{
    const struct frame *frame = frame_at(frames, address);
    return frame ? level_of(frame) : 0;
}

void *frames_host(const struct frames *frames, gpa_t address)
{
    return frame_map_host(&frames->map, address);
}

void *frames_span(const struct frames *frames, gpa_t address, uint64_t bytes)
{
    const struct frame_piece *piece = frame_map_from(&frames->map, address.value);
    if (!piece || piece->start > address.value || bytes > piece->end - address.value)
        return NULL;
    return piece->host + (address.value - piece->start);
}

bool frames_may_write(const struct frames *frames, gpa_t address)
{
    const struct frame *frame = frame_at(frames, address);
    return frame && !level_of(frame);
}

/* ---- places ---- */

struct climb {
    const struct frames *frames;
    struct table_place *places;
    size_t count, room, steps;
};

/* Goes up by every entry that links to a table, which is known to stand at `at`. */
static void climb(struct climb *climbing, gpa_t table, unsigned level, struct table_place at)
{
    const struct frames *frames = climbing->frames;
    const struct frame *frame = frame_at(frames, table);
    if (level == TABLE_LEVELS && climbing->count++ < climbing->room)
        climbing->places[climbing->count - 1] = place_at_root(at, table);
    for (slot_t slot = frame->links; slot && climbing->count <= climbing->room;
         slot = slot_next(&frames->uppers, slot)) {
        const struct upper_table *upper = slot_table(&frames->uppers, slot);
        uint64_t entry = entry_load(entries_of(frames, upper->table) + slot_index(slot));
        if (climbing->steps++ == (climbing->room + 1) * STEPS_A_PLACE)
            climbing->count = climbing->room + 1;
        climb(climbing, upper->table, level + 1, place_above(at, entry, slot_index(slot), level + 1));
    }
}

size_t frames_places(const struct frames *frames, gpa_t table, struct table_place *places, size_t room)
{
    const struct frame *frame = frame_at(frames, table);
    struct climb climbing = {.frames = frames, .places = places, .room = room};
    if (frame && level_of(frame))
        climb(&climbing, table, level_of(frame), place_start());
    return climbing.count < room ? climbing.count : climbing.count > room ? room + 1 : room;
}
