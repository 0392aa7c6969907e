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
#include "model/list.h"
#include "model/machine.h"
#include "model/order.h"

/* Bits. The more is known of a table when code is compiled for it, the less that does. */
enum tags_kind {
    TAGS_BARE = 0,
    TAGS_WITH_KEYS = 1, /* of up to ORDER_WORD_WAYS ways */
    TAGS_OF_MANY = 2,
    TAGS_KEYED = TAGS_WITH_KEYS | TAGS_OF_MANY, /* of any number of ways */
    TAGS_BY_BITS = 4,                           /* machine_shape.index is INDEX_BITS */
    TAGS_STRIDE_8 = 8,                          /* tags.stride is this */
    TAGS_STRIDE_16 = 16,
    TAGS_ONE_SET = 32,
    TAGS_LRU = 64 /* tags.replacement is this */
};
/* Keyed tables as they mostly are: fully associative, or of few ways. */
#define TAGS_KEYED_ONE_SET (TAGS_KEYED | TAGS_ONE_SET)
#define TAGS_KEYED_FEW (TAGS_WITH_KEYS | TAGS_BY_BITS | TAGS_STRIDE_8)

enum {
    TAGS_FILTER_BITS = 10,
    TAGS_FILTER_WAYS = 255 /* at most, with a filter */
};

struct tags {
    uint32_t *marks; /* of each set `stride`, which is ways or more; 0: free; owned */
    uint64_t mask,
        folded; /* sets - 1, where they are a power of two; folded: mask, if upper bits have a say */
    uint32_t stride, ways;
    unsigned shift;
    enum machine_replacement replacement;
    enum tags_kind kind;
    bool hashes;
    bool used; /* something was put since it was empty */
    uint64_t sets, random;
    /* Of a keyed one: */
    struct order order;
    struct tags_entry {
        uint64_t key, value;
    } * entries; /* as marks; owned */
    /* If it has one set of many ways, of those marks that have the same tags_filter_at(): how many it has,
     * and the way of the one that came or was found last. NULL: none; owned. */
    struct tags_filter {
        uint8_t count[1 << TAGS_FILTER_BITS], way[1 << TAGS_FILTER_BITS];
    } * filter;
};

/* The shape is one that machine_parse() has passed. -ENOMEM. */
int tags_init(struct tags *tags, enum tags_kind kind, const struct machine_shape *shape, uint64_t seed,
    struct error *error);
void tags_free(struct tags *tags); /* harmless where nothing is */
void tags_clear(struct tags *tags);
/* Keyed: takes all out whose key has `value` in the bits of `mask`; those that stay keep their order. */
void tags_drop_marked(struct tags *tags, uint64_t mask, uint64_t value);

/* Can a bare table of this shape tell numbers below a limit apart? */
bool tags_are_enough(const struct machine_shape *shape, uint64_t limit);

/* Each of the following is compiled into where it is used, for one kind. */
#define TAGS_INLINE static inline __attribute__((always_inline))

TAGS_INLINE uint32_t tags_stride(enum tags_kind kind, const struct tags *tags)
{
    return kind & TAGS_STRIDE_8 ? 8 : kind & TAGS_STRIDE_16 ? 16 : tags->stride;
}

/* ---- where a key is, or would be ---- */

struct tags_place {
    size_t set, first; /* of its marks */
    uint64_t key;
    uint32_t mark;
};

/* `number` decides the set; `key` is that of a keyed table. */
TAGS_INLINE struct tags_place tags_place(
    enum tags_kind kind, const struct tags *tags, uint64_t number, uint64_t key)
{
    bool keyed = kind & TAGS_WITH_KEYS;
    if (keyed && kind & TAGS_ONE_SET)
        return (struct tags_place){0, 0, key, (uint32_t)key};
    uint64_t above = number >> tags->shift,
             set = (kind & TAGS_BY_BITS ? number : number ^ (above & tags->folded)) & tags->mask;
    if (!(kind & TAGS_BY_BITS) && tags->hashes)
        set = (size_t)(((unsigned __int128)random_mix(number) * tags->sets) >> 64);
    return (struct tags_place){set, set * tags_stride(kind, tags), keyed ? key : number,
        keyed ? (uint32_t)key : (uint32_t)above + 1};
}

/* The key that a mark stands for in a set of a bare one. */
TAGS_INLINE uint64_t tags_key(
    enum tags_kind kind, const struct tags *tags, const struct tags_place *place, uint32_t mark)
{
    uint64_t above = mark - 1;
    if (kind & TAGS_BY_BITS)
        return above << tags->shift | place->set;
    return tags->hashes ? above : above << tags->shift | (place->set ^ (above & tags->folded));
}

#define TAGS_NONE LIST_NONE

TAGS_INLINE unsigned tags_filter_at(uint32_t mark)
{
    return mark * UINT32_C(0x9e3779b1) >> (32 - TAGS_FILTER_BITS);
}

/* The way of the set (bare: the position), or TAGS_NONE. */
TAGS_INLINE unsigned tags_way(enum tags_kind kind, const struct tags *tags, const struct tags_place *place)
{
    const uint32_t *marks = tags->marks + place->first;
    if (!(kind & TAGS_WITH_KEYS))
        return list_find(marks, tags_stride(kind, tags), tags->ways, place->mark);
    const struct tags_entry *entries = tags->entries + place->first;
    if (kind & TAGS_OF_MANY && tags->filter) {
        unsigned at = tags_filter_at(place->mark), last = tags->filter->way[at];
        if (!tags->filter->count[at])
            return TAGS_NONE;
        if (marks[last] == place->mark && entries[last].key == place->key)
            return last;
    }
    const vector mark = vector_all(place->mark);
    for (unsigned from = 0; from < tags_stride(kind, tags); from += LIST_STEP)
        for (unsigned hits = vector_hits(marks + from, mark); hits; hits &= hits - 1) {
            unsigned way = from + (unsigned)__builtin_ctz(hits);
            if (entries[way].key != place->key)
                continue;
            if (kind & TAGS_OF_MANY && tags->filter)
                tags->filter->way[tags_filter_at(place->mark)] = (uint8_t)way;
            return way;
        }
    return TAGS_NONE;
}

/* ---- use ---- */

/* What is at a way is used, as LRU does. */
TAGS_INLINE void tags_use_way(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, unsigned way)
{
    if (!(kind & TAGS_LRU) && tags->replacement != REPLACE_LRU)
        return;
    if (kind & TAGS_WITH_KEYS)
        order_to_front(kind & TAGS_OF_MANY, &tags->order, place->set, way);
    else
        list_to_front(tags->marks + place->first, tags_stride(kind, tags), way, place->mark);
}

/* Of a keyed one of one set of many ways: what is at these is used, one after another. */
TAGS_INLINE void tags_use_ways(struct tags *tags, const unsigned *ways, size_t count)
{
    if (tags->replacement == REPLACE_LRU)
        order_ring_many_to_front(&tags->order, ways, count);
}

/* Is it there, and with which value (NULL: does not matter)? Uses it. */
TAGS_INLINE bool tags_find(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, uint64_t *value)
{
    unsigned way = tags_way(kind, tags, place);
    if (way == TAGS_NONE)
        return false;
    if (value)
        *value = tags->entries[place->first + way].value;
    tags_use_way(kind, tags, place, way);
    return true;
}

/* Bare. */
TAGS_INLINE bool tags_put_mark(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, uint64_t *dropped)
{
    uint32_t *marks = tags->marks + place->first;
    unsigned position = tags->ways - 1;
    uint32_t last = marks[position];
    tags->used = true;
    if (last && !(kind & TAGS_LRU) && tags->replacement == REPLACE_RANDOM) {
        position = (unsigned)random_below(&tags->random, tags->ways);
        *dropped = tags_key(kind, tags, place, marks[position]);
        marks[position] = place->mark;
        return true;
    }
    *dropped = tags_key(kind, tags, place, last);
    list_push(marks, tags_stride(kind, tags), place->mark);
    return last;
}

/* Bare, not at random: puts so many that are alike in, of which it does not matter what they drop. */
TAGS_INLINE void tags_put_alike(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, unsigned count)
{
    tags->used = true;
    list_push_alike(tags->marks + place->first, tags_stride(kind, tags), count, place->mark);
}

/* Puts a key that is not there yet in. False: its place was free; else *dropped is the key that went for it.
 */
TAGS_INLINE bool tags_put(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, uint64_t value, uint64_t *dropped)
{
    if (!(kind & TAGS_WITH_KEYS))
        return tags_put_mark(kind, tags, place, dropped);
    bool many = kind & TAGS_OF_MANY;
    unsigned way = order_last(many, &tags->order, place->set);
    bool full = tags->marks[place->first + way];
    if (full && tags->replacement == REPLACE_RANDOM)
        way = order_at(many, &tags->order, place->set, (unsigned)random_below(&tags->random, tags->ways));
    else
        order_turn(many, &tags->order, place->set);
    uint32_t *mark = tags->marks + place->first + way;
    struct tags_entry *entry = tags->entries + place->first + way;
    *dropped = entry->key;
    if (many && tags->filter) {
        unsigned at = tags_filter_at(place->mark);
        tags->filter->count[tags_filter_at(*mark)] -= full;
        tags->filter->count[at]++;
        tags->filter->way[at] = (uint8_t)way;
    }
    tags->used = true;
    *mark = place->mark;
    *entry = (struct tags_entry){place->key, value};
    return full;
}

/* Uses it, or puts it in if it is not there. Was it? */
TAGS_INLINE bool tags_use(
    enum tags_kind kind, struct tags *tags, const struct tags_place *place, uint64_t value)
{
    uint64_t dropped;
    bool there = tags_find(kind, tags, place, NULL);
    if (!there)
        tags_put(kind, tags, place, value, &dropped);
    return there;
}

/* Takes it out. Was it there? */
TAGS_INLINE bool tags_drop(enum tags_kind kind, struct tags *tags, const struct tags_place *place)
{
    if (!(kind & TAGS_WITH_KEYS))
        return list_take(tags->marks + place->first, tags_stride(kind, tags), tags->ways, place->mark);
    unsigned way = tags_way(kind, tags, place);
    if (way == TAGS_NONE)
        return false;
    order_to_end(kind & TAGS_OF_MANY, &tags->order, place->set, way);
    if (kind & TAGS_OF_MANY && tags->filter)
        tags->filter->count[tags_filter_at(place->mark)]--;
    tags->marks[place->first + way] = 0;
    return true;
}

/* The same, of a bare one of which nobody can predict whether it has it. */
TAGS_INLINE bool tags_take(enum tags_kind kind, struct tags *tags, const struct tags_place *place)
{
    const uint32_t stride = tags_stride(kind, tags);
    return (stride > 2 * LIST_STEP ? list_take : list_take_evenly)(
        tags->marks + place->first, stride, tags->ways, place->mark);
}

/* Of a keyed table of whatever shape. */

/* As tags_find() and tags_put(). */
TAGS_INLINE bool tags_find_value(struct tags *tags, uint64_t number, uint64_t key, uint64_t *value)
{
#define FIND(kind)                                                                                           \
    struct tags_place place = tags_place(kind, tags, number, key);                                           \
    return tags_find(kind, tags, &place, value)
    if (tags->kind == TAGS_KEYED_FEW) {
        FIND(TAGS_KEYED_FEW);
    }
    if (tags->kind == TAGS_KEYED_ONE_SET) {
        FIND(TAGS_KEYED_ONE_SET);
    }
    FIND(TAGS_KEYED);
#undef FIND
}

TAGS_INLINE void tags_put_value(struct tags *tags, uint64_t number, uint64_t key, uint64_t value)
{
    uint64_t dropped;
#define PUT(kind)                                                                                            \
    struct tags_place place = tags_place(kind, tags, number, key);                                           \
    tags_put(kind, tags, &place, value, &dropped)
    if (tags->kind == TAGS_KEYED_FEW) {
        PUT(TAGS_KEYED_FEW);
    } else if (tags->kind == TAGS_KEYED_ONE_SET) {
        PUT(TAGS_KEYED_ONE_SET);
    } else {
        PUT(TAGS_KEYED);
    }
#undef PUT
}

/* ---- ahead ---- */

/* Of a bare one: the key that would go, if one more were put in, but at random. False: there is room. */
TAGS_INLINE bool tags_next_to_go(
    enum tags_kind kind, const struct tags *tags, const struct tags_place *place, uint64_t *key)
{
    uint32_t last = tags->marks[place->first + tags->ways - 1];
    *key = tags_key(kind, tags, place, last);
    return last;
}

/* Has the real CPU bring a set near. */
TAGS_INLINE void tags_prefetch(const struct tags *tags, const struct tags_place *place)
{
    __builtin_prefetch(tags->marks + place->first, 1);
}

#endif
