/* A table of tags, of which all caches here are made: sets of ways, each entry a key and perhaps a value.
 *
 * The order in a set is that of replacement: with LRU an entry that is used goes to the front, with FIFO and
 * RANDOM it stays; new entries go to the front, and the last one of a full set is dropped (RANDOM: the one at
 * position r, r the next of random_below(&state, ways), where the state begins with `seed`; the new entry
 * takes its place). Free places are used first, at the end.
 *
 * What is compared first is a mark of 32 bits, of which those of a set stand together, 16 of them in a line
 * of the real cache. There are two kinds of tables: bare    the key is the number that decides the set, and
 * the mark is what the set does not say about it keyed   the mark is the lower half of the key, an odd
 * number, which is kept with a value Which one it is, whoever uses a table knows when it is compiled. */
#ifndef VCOST_MODEL_TAGS_H
#define VCOST_MODEL_TAGS_H

#include "base/error.h"
#include "base/random.h"
#include "model/machine.h"
#include "model/order.h"

#include <emmintrin.h>

enum tags_kind { TAGS_BARE, TAGS_KEYED };

enum {
    TAGS_FEW = 8,   /* marks that are compared together, if that is all; */
    TAGS_MANY = 16, /* and otherwise */
    TAGS_FILTER_BITS = 10,
    TAGS_FILTER_WAYS = 255 /* at most, with a filter */
};

struct tags {
    uint32_t *marks;             /* sets * stride, which is ways or a little more; 0: free; owned */
    uint64_t mask, folded, sets; /* folded: mask, if upper bits have a say in the set */
    unsigned shift, stride, ways;
    bool hashes;
    bool used; /* something was put since it was empty */
    enum machine_replacement replacement;
    struct order order;
    uint64_t random;
    struct tags_entry {
        uint64_t key, value;
    } * entries;     /* of a keyed one, as marks; owned */
    uint8_t *filter; /* of a keyed one with many ways in one set: how many marks it has of those with the same
                        tags_filter_at(); NULL: none; owned */
};

/* The shape is one that machine_parse() has passed. -ENOMEM. */
int tags_init(struct tags *tags, enum tags_kind kind, const struct machine_shape *shape, uint64_t seed,
    struct error *error);
void tags_free(struct tags *tags); /* harmless where nothing is */
void tags_clear(struct tags *tags);
/* Takes all out whose key has `value` in the bits of `mask`; those that stay keep their order. */
void tags_drop_marked(struct tags *tags, uint64_t mask, uint64_t value);

/* Can a bare table of this shape tell numbers below a limit apart? */
bool tags_are_enough(const struct machine_shape *shape, uint64_t limit);

/* Each of the following is compiled into where it is used, for one kind. */
#define TAGS_INLINE static inline __attribute__((always_inline))

/* ---- where a key is, or would be ---- */

struct tags_place {
    size_t set;
    uint64_t key;
    uint32_t mark;
};

/* `number` decides the set; `key` is that of a keyed table. */
TAGS_INLINE struct tags_place tags_place(
    enum tags_kind kind, const struct tags *tags, uint64_t number, uint64_t key)
{
    uint64_t above = number >> tags->shift;
    struct tags_place place = {(number ^ (above & tags->folded)) & tags->mask,
        kind == TAGS_KEYED ? key : number, kind == TAGS_KEYED ? (uint32_t)key : (uint32_t)above + 1};
    if (tags->hashes)
        place.set = (size_t)(((unsigned __int128)random_mix(number) * tags->sets) >> 64);
    return place;
}

/* The key of an entry. */
TAGS_INLINE uint64_t tags_key(
    enum tags_kind kind, const struct tags *tags, const struct tags_place *place, unsigned way)
{
    size_t at = place->set * tags->stride + way;
    if (kind == TAGS_KEYED)
        return tags->entries[at].key;
    uint64_t above = tags->marks[at] - 1;
    return tags->hashes ? above : above << tags->shift | (place->set ^ (above & tags->folded));
}

/* Two bits for each of 8 marks that is this one. */
TAGS_INLINE unsigned tags_compare(const uint32_t *marks, __m128i mark)
{
    const __m128i *at = (const __m128i *)marks;
    __m128i low = _mm_cmpeq_epi32(_mm_load_si128(at), mark),
            high = _mm_cmpeq_epi32(_mm_load_si128(at + 1), mark);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi32(low, high));
}

/* The way among those of `hits`, from `first` on, that has the key; TAGS_NONE. */
#define TAGS_NONE UINT32_MAX
TAGS_INLINE unsigned tags_choose(enum tags_kind kind, const struct tags *tags, const struct tags_place *place,
    unsigned first, unsigned hits)
{
    for (; hits; hits &= hits - 1, hits &= hits - 1) {
        unsigned way = first + (unsigned)__builtin_ctz(hits) / 2;
        if (kind == TAGS_BARE || tags->entries[place->set * tags->stride + way].key == place->key)
            return way;
    }
    return TAGS_NONE;
}

TAGS_INLINE unsigned tags_filter_at(uint32_t mark)
{
    return mark * UINT32_C(0x9e3779b1) >> (32 - TAGS_FILTER_BITS);
}

/* The way of the set, or TAGS_NONE. */
TAGS_INLINE unsigned tags_way(enum tags_kind kind, const struct tags *tags, const struct tags_place *place)
{
    const uint32_t *marks = tags->marks + place->set * tags->stride;
    const __m128i mark = _mm_set1_epi32((int)place->mark);
    if (kind == TAGS_KEYED && tags->filter && !tags->filter[tags_filter_at(place->mark)])
        return TAGS_NONE;
    if (tags->stride == TAGS_FEW)
        return tags_choose(kind, tags, place, 0, tags_compare(marks, mark));
    unsigned way = TAGS_NONE;
    for (unsigned i = 0; i < tags->stride && way == TAGS_NONE; i += TAGS_MANY)
        way = tags_choose(kind, tags, place, i,
            tags_compare(marks + i, mark) | tags_compare(marks + i + TAGS_FEW, mark) << TAGS_MANY);
    return way;
}

/* ---- use ---- */

/* Is it there, and with which value (NULL: does not matter)? Uses it, as LRU does. */
TAGS_INLINE bool tags_find(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, uint64_t *value)
{
    unsigned way = tags_way(kind, tags, place);
    if (way == TAGS_NONE)
        return false;
    if (value)
        *value = tags->entries[place->set * tags->stride + way].value;
    if (tags->replacement == REPLACE_LRU)
        order_to_front(&tags->order, place->set, way);
    return true;
}

/* Puts a key that is not there yet in. False: its place was free; else *dropped is the key that went for it.
 */
TAGS_INLINE bool tags_put(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, uint64_t value, uint64_t *dropped)
{
    size_t base = place->set * tags->stride;
    unsigned way = order_last(&tags->order, place->set);
    uint32_t last = tags->marks[base + way];
    if (last && tags->replacement == REPLACE_RANDOM)
        way = order_at(&tags->order, place->set, (unsigned)random_below(&tags->random, tags->ways));
    else
        order_turn(&tags->order, place->set);
    if (last)
        *dropped = tags_key(kind, tags, place, way);
    if (kind == TAGS_KEYED && tags->filter) {
        tags->filter[tags_filter_at(tags->marks[base + way])] -= last != 0;
        tags->filter[tags_filter_at(place->mark)]++;
    }
    tags->used = true;
    tags->marks[base + way] = place->mark;
    if (kind == TAGS_KEYED)
        tags->entries[base + way] = (struct tags_entry){place->key, value};
    return last;
}

/* Takes it out, if it is there. */
TAGS_INLINE void tags_drop(enum tags_kind kind, struct tags *tags, const struct tags_place *place)
{
    unsigned way = tags->used ? tags_way(kind, tags, place) : TAGS_NONE;
    if (way == TAGS_NONE)
        return;
    order_to_end(&tags->order, place->set, way);
    if (kind == TAGS_KEYED && tags->filter)
        tags->filter[tags_filter_at(place->mark)]--;
    tags->marks[place->set * tags->stride + way] = 0;
}

/* ---- ahead ---- */

/* The key that would go, if one more were put in, but at random. False: there is room. */
TAGS_INLINE bool tags_next_to_go(
    enum tags_kind kind, const struct tags *tags, const struct tags_place *place, uint64_t *key)
{
    unsigned way = order_last(&tags->order, place->set);
    *key = tags_key(kind, tags, place, way);
    return tags->marks[place->set * tags->stride + way];
}

/* Has the real CPU bring a set near. */
TAGS_INLINE void tags_prefetch(const struct tags *tags, size_t set)
{
    __builtin_prefetch(tags->marks + set * tags->stride, 1);
    order_prefetch(&tags->order, set);
}

#endif
