#include "naive_places.h"

#include "naive_table.h"

#include "base/permutation.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- dictionaries ---- */

static size_t place_of(const struct naive_dictionary *dictionary, uint64_t key)
{
    size_t at = (key * 0x9e3779b97f4a7c15u >> 20) % dictionary->room;
    while (dictionary->pairs[at].used && dictionary->pairs[at].key != key)
        at = (at + 1) % dictionary->room;
    return at;
}

static void grow(struct naive_dictionary *dictionary)
{
    struct naive_dictionary larger = {.room = dictionary->room ? 2 * dictionary->room : 1024};
    larger.pairs = calloc(larger.room, sizeof *larger.pairs);
    if (!larger.pairs) {
        fputs("no memory\n", stderr);
        abort();
    }
    for (size_t i = 0; i < dictionary->room; i++)
        if (dictionary->pairs[i].used)
            dictionary_put(&larger, dictionary->pairs[i].key, dictionary->pairs[i].value);
    free(dictionary->pairs);
    *dictionary = larger;
}

void dictionary_put(struct naive_dictionary *dictionary, uint64_t key, uint64_t value)
{
    if (2 * (dictionary->count + 1) > dictionary->room)
        grow(dictionary);
    size_t at = place_of(dictionary, key);
    dictionary->count += !dictionary->pairs[at].used;
    dictionary->pairs[at] = (struct naive_pair){key, value, true};
}

bool dictionary_find(const struct naive_dictionary *dictionary, uint64_t key, uint64_t *value)
{
    if (!dictionary->room)
        return false;
    const struct naive_pair *pair = &dictionary->pairs[place_of(dictionary, key)];
    *value = pair->value;
    return pair->used;
}

void dictionary_free(struct naive_dictionary *dictionary)
{
    free(dictionary->pairs);
    *dictionary = (struct naive_dictionary){.pairs = NULL};
}

/* ---- frames ---- */

static const uint64_t frame_bytes[5] = {4096, 4096, 2 << 20, 1 << 30, 4096};

unsigned naive_zone(uint64_t page_bytes)
{
    return page_bytes == 4096 ? 1 : page_bytes == 2 << 20 ? 2 : 3;
}

static bool near_alone(const struct naive_frames *frames)
{
    return frames->told && frames->node == NAIVE_ALTERNATING;
}

struct naive_memory naive_memory_make(const struct naive_frames *frames, uint64_t bytes)
{
    struct naive_memory memory = {*frames, UINT64_C(4) << 30, {0, 0, 0, 0, 0}};
    while (memory.zone_bytes < (near_alone(frames) ? 4 : 2) * bytes)
        memory.zone_bytes *= 2;
    return memory;
}

/* A number from 0 to 1 that belongs to another. */
static double share_of(uint64_t number)
{
    uint64_t most = naive_mix(number) / 2048; /* of its bits: 53 */
    return (double)most / 9007199254740992.0;
}

uint64_t naive_frame(const struct naive_memory *memory, unsigned zone, uint64_t n)
{
    const struct naive_frames *frames = &memory->frames;
    uint64_t count = memory->zone_bytes / frame_bytes[zone] / (near_alone(frames) ? 2 : 1), frame = n;
    if (frames->order == NAIVE_SCATTERED) {
        struct permutation order = permutation_make(count, frames->seed + zone);
        frame = permutation_forward(&order, n);
    } else if (frames->order == NAIVE_FRAGMENTED &&
               share_of(frames->seed ^ (((uint64_t)zone << 56) + n)) < frames->fragmented) {
        struct permutation order = permutation_make(count / 2, frames->seed + zone);
        frame = count / 2 + permutation_forward(&order, n);
    }
    return zone * memory->zone_bytes + (near_alone(frames) ? 2 * frame : frame) * frame_bytes[zone];
}

bool naive_has(const struct naive_memory *memory, unsigned zone)
{
    const struct naive_frames *frames = &memory->frames;
    uint64_t count = memory->zone_bytes / frame_bytes[zone] / (near_alone(frames) ? 2 : 1);
    return memory->taken[zone] < (frames->order == NAIVE_FRAGMENTED ? count / 2 : count);
}

uint64_t naive_take(struct naive_memory *memory, unsigned zone)
{
    if (zone == 0 && naive_defect == TABLES_IN_OTHER_FRAMES)
        memory->taken[zone]++;
    return naive_frame(memory, zone, memory->taken[zone]++);
}

/* ---- address spaces ---- */

/* A table of level 1 is for 2 MiB, one of level 2 for 1 GiB, … */
static uint64_t table_key(unsigned level, uint64_t address)
{
    return (uint64_t)level << 60 | address >> (12 + 9 * level);
}

static uint64_t leaf_key(unsigned level, uint64_t address)
{
    return (uint64_t)level << 60 | address >> (12 + 9 * (level - 1));
}

void naive_space_begin(struct naive_space *space, struct naive_memory *memory, unsigned zone, unsigned levels)
{
    *space = (struct naive_space){.memory = memory, .zone = zone, .levels = levels};
    dictionary_put(&space->tables, table_key(levels, 0), naive_take(memory, zone));
}

void naive_space_map(struct naive_space *space, uint64_t from, uint64_t to, uint64_t bytes)
{
    unsigned leaf = naive_zone(bytes);
    uint64_t table;
    for (unsigned level = space->levels - 1; level >= leaf; level--)
        if (!naive_table_at(space, level, from, &table))
            dictionary_put(&space->tables, table_key(level, from), naive_take(space->memory, space->zone));
    dictionary_put(&space->leaves, leaf_key(leaf, from), to);
}

bool naive_table_at(const struct naive_space *space, unsigned level, uint64_t address, uint64_t *table)
{
    return dictionary_find(&space->tables, table_key(level, address), table);
}

struct naive_leaf naive_leaf_at(const struct naive_space *space, uint64_t address)
{
    for (unsigned level = 1; level <= 3; level++) {
        uint64_t bytes = UINT64_C(1) << (12 + 9 * (level - 1)), to, hidden;
        uint64_t key = leaf_key(level, address);
        if (dictionary_find(&space->leaves, key, &to) &&
            !(dictionary_find(&space->hidden, key, &hidden) && hidden))
            return (struct naive_leaf){level, bytes, address / bytes * bytes, to};
    }
    return (struct naive_leaf){.level = 0};
}

void naive_space_hide(struct naive_space *space, uint64_t from, uint64_t bytes, uint64_t page, bool hide)
{
    for (uint64_t at = from; at < from + bytes; at += page) {
        uint64_t to, key = leaf_key(naive_zone(page), at);
        if (dictionary_find(&space->leaves, key, &to))
            dictionary_put(&space->hidden, key, hide);
    }
}

void naive_space_free(struct naive_space *space)
{
    dictionary_free(&space->tables);
    dictionary_free(&space->leaves);
    dictionary_free(&space->hidden);
}
