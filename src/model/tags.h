/* A table of tags, of which all caches here are made: sets of ways, each entry a key and perhaps a value.
 *
 * The order in a set is that of replacement: with LRU an entry that is used goes to the front, with FIFO and
 * RANDOM it stays; new entries go to the front, and the last one of a full set is dropped (RANDOM: the one at
 * position r, r the next of random_below(&state, ways), where the state begins with `seed`; the new entry
 * takes its place). Free places are used first, at the end.
 *
 * What is compared first is a mark of 32 bits, of which those of a set stand together (16 ways in a line of
 * the real cache). It is the low half of the key; or, where keys are the numbers that also decide the set and
 * are small enough, what the set does not say about them, and then no key is kept. */
#ifndef VCOST_MODEL_TAGS_H
#define VCOST_MODEL_TAGS_H

#include "base/error.h"
#include "base/random.h"
#include "model/machine.h"
#include "model/order.h"

#include <emmintrin.h>

enum {
    TAGS_AT_ONCE = 8, /* marks that are compared together: SSE2, which every x86-64 has */
    TAGS_FILTER_BITS = 10,
    TAGS_FILTER_WAYS = 255 /* at most, with a filter */
};

struct tags {
    uint32_t *marks; /* sets * stride, which is ways or a little more; 0: free; owned */
    struct tags_entry {
        uint64_t key, value;
    } * entries; /* likewise; NULL: marks tell all; owned */
    struct order order;
    uint8_t *filter; /* of a single set of many ways: how many marks it has, of those with the same filter_at;
                        NULL: none; owned */
    uint64_t sets, mask, folded; /* folded: mask, if upper bits have a say in the set */
    size_t used;                 /* entries in all */
    unsigned ways, stride, shift;
    bool hashes;
    enum machine_replacement replacement;
    uint64_t random;
};

/* The shape is one that machine_parse() has passed. `numbers`: keys are 2 * number + 1 of a number below
 * that, which also decides the set; 0: keys are any odd numbers, and have values. -ENOMEM. */
int tags_init(struct tags *tags, const struct machine_shape *shape, uint64_t numbers, uint64_t seed,
    struct error *error);
void tags_free(struct tags *tags); /* harmless where nothing is */
void tags_clear(struct tags *tags);

/* ---- where a key is, or would be ---- */

/* Of a mark, in the filter. */
static inline __attribute__((always_inline)) unsigned tags_filter_at(uint32_t mark)
{
    return mark * UINT32_C(0x9e3779b1) >> (32 - TAGS_FILTER_BITS);
}

struct tags_place {
    size_t set;
    uint64_t key;
    uint32_t mark;
};

/* `number` decides the set, `key` is what is compared. */
static inline __attribute__((always_inline)) struct tags_place tags_place(
    const struct tags *tags, uint64_t number, uint64_t key)
{
    struct tags_place place = {
        (number ^ (number >> tags->shift & tags->folded)) & tags->mask, key, (uint32_t)key};
    if (tags->hashes)
        place.set = (size_t)(((unsigned __int128)random_mix(number) * tags->sets) >> 64);
    if (!tags->entries)
        place.mark = (uint32_t)(number >> tags->shift) + 1;
    return place;
}

/* The number of which a set and a mark that tells all were made. */
static inline __attribute__((always_inline)) uint64_t tags_number(
    const struct tags *tags, size_t set, uint32_t mark)
{
    uint64_t above = mark - 1;
    return tags->hashes ? above : above << tags->shift | (set ^ (above & tags->folded));
}

/* Two bits for each of 8 marks that is this one. */
static inline __attribute__((always_inline)) unsigned tags_compare(const uint32_t *marks, __m128i mark)
{
    const __m128i *at = (const __m128i *)marks;
    __m128i low = _mm_cmpeq_epi32(_mm_load_si128(at), mark),
            high = _mm_cmpeq_epi32(_mm_load_si128(at + 1), mark);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi32(low, high));
}

/* The way of the set; tags->ways: it is not there. */
static inline __attribute__((always_inline)) unsigned tags_way(
    const struct tags *tags, const struct tags_place *place)
{
    size_t base = place->set * tags->stride;
    const uint32_t *marks = tags->marks + base;
    const __m128i mark = _mm_set1_epi32((int)place->mark);
    if (tags->filter && !tags->filter[tags_filter_at(place->mark)])
        return tags->ways;
    for (unsigned i = 0; i < tags->stride; i += TAGS_AT_ONCE)
        for (unsigned hits = tags_compare(marks + i, mark); hits; hits &= hits - 1, hits &= hits - 1) {
            unsigned way = i + (unsigned)__builtin_ctz(hits) / 2;
            if (!tags->entries || tags->entries[base + way].key == place->key)
                return way;
        }
    return tags->ways;
}

/* ---- use ---- */

/* Is it there, and with which value (NULL: does not matter)? Uses it, as LRU does. */
static inline __attribute__((always_inline)) bool tags_find(
    struct tags *tags, const struct tags_place *place, uint64_t *value)
{
    unsigned way = tags_way(tags, place);
    if (way == tags->ways)
        return false;
    if (value)
        *value = tags->entries[place->set * tags->stride + way].value;
    if (tags->replacement == REPLACE_LRU)
        order_to_front(&tags->order, place->set, way);
    return true;
}

/* The key at the end of a set; 0: its place is free. */
static inline __attribute__((always_inline)) uint64_t tags_last(const struct tags *tags, size_t set)
{
    size_t at = set * tags->stride + order_last(&tags->order, set);
    if (!tags->marks[at])
        return 0;
    return tags->entries ? tags->entries[at].key : tags_number(tags, set, tags->marks[at]) << 1 | 1;
}

/* Puts a key that is not there yet in; returns the key that was dropped for it, 0 for none. */
static inline __attribute__((always_inline)) uint64_t tags_put(
    struct tags *tags, const struct tags_place *place, uint64_t value)
{
    size_t base = place->set * tags->stride;
    unsigned way = order_last(&tags->order, place->set);
    bool full = tags->marks[base + way];
    if (full && tags->replacement == REPLACE_RANDOM)
        way = order_at(&tags->order, place->set, (unsigned)random_below(&tags->random, tags->ways));
    else
        order_turn(&tags->order, place->set);
    uint64_t dropped = 0;
    if (!full)
        tags->used++;
    else if (!tags->entries)
        dropped = tags_number(tags, place->set, tags->marks[base + way]) << 1 | 1;
    else
        dropped = tags->entries[base + way].key;
    if (tags->filter) {
        tags->filter[tags_filter_at(tags->marks[base + way])] -= full;
        tags->filter[tags_filter_at(place->mark)]++;
    }
    tags->marks[base + way] = place->mark;
    if (tags->entries)
        tags->entries[base + way] = (struct tags_entry){place->key, value};
    return dropped;
}

/* Takes it out. Was it there? */
static inline __attribute__((always_inline)) bool tags_drop(struct tags *tags, const struct tags_place *place)
{
    unsigned way = tags->used ? tags_way(tags, place) : tags->ways;
    if (way == tags->ways)
        return false;
    order_to_end(&tags->order, place->set, way);
    if (tags->filter)
        tags->filter[tags_filter_at(place->mark)]--;
    tags->marks[place->set * tags->stride + way] = 0;
    tags->used--;
    return true;
}

/* Has the real CPU bring a set, which will be asked for soon, near. */
static inline __attribute__((always_inline)) void tags_prefetch(const struct tags *tags, size_t set)
{
    __builtin_prefetch(tags->marks + set * tags->stride, 1);
    order_prefetch(&tags->order, set);
}

#endif
