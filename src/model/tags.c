#include "model/tags.h"

#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tags_init(
    struct tags *tags, const struct machine_shape *shape, bool values, uint64_t seed, struct error *error)
{
    *tags = (struct tags){
        .sets = shape->entries / shape->ways,
        .ways = shape->ways,
        .index = shape->index,
        .replacement = shape->replacement,
        .random = seed,
    };
    tags->mask = tags->sets - 1;
    tags->shift = (unsigned)__builtin_ctzll(tags->sets); /* used where sets is a power of two */
    tags->keys = calloc(shape->entries, sizeof *tags->keys);
    tags->values = values ? calloc(shape->entries, sizeof *tags->values) : NULL;
    if (tags->keys && (tags->values || !values))
        return 0;
    tags_free(tags);
    return error_set(error, ENOMEM, "no memory for a simulated cache of %u entries", shape->entries);
}

void tags_free(struct tags *tags)
{
    free(tags->keys);
    free(tags->values);
    tags->keys = tags->values = NULL;
}

static size_t set_of(const struct tags *tags, uint64_t number)
{
    uint64_t set = number & tags->mask;
    if (tags->index == INDEX_XOR)
        set = (number ^ number >> tags->shift) & tags->mask;
    else if (tags->index == INDEX_HASH)
        set = (uint64_t)(((unsigned __int128)random_mix(number) * tags->sets) >> 64);
    return set * tags->ways;
}

/* The position of a key in its set; ways: it is not there. */
static unsigned position(const struct tags *tags, size_t set, uint64_t key)
{
    const uint64_t *keys = tags->keys + set;
    for (unsigned i = 0; i < tags->ways && keys[i]; i++)
        if (keys[i] == key)
            return i;
    return tags->ways;
}

/* Makes room at the front by moving the `count` first entries back by one, over what stood behind them. */
static void push_back(uint64_t *set, unsigned count)
{
    for (unsigned i = count; i > 0; i--)
        set[i] = set[i - 1];
}

static void to_front(uint64_t *set, unsigned from)
{
    uint64_t moved = set[from];
    push_back(set, from);
    set[0] = moved;
}

bool tags_find(struct tags *tags, uint64_t number, uint64_t key, uint64_t *value)
{
    size_t set = set_of(tags, number);
    unsigned at = position(tags, set, key);
    if (at == tags->ways)
        return false;
    if (value)
        *value = tags->values[set + at];
    if (tags->replacement != REPLACE_LRU || at == 0)
        return true;
    to_front(tags->keys + set, at);
    if (tags->values)
        to_front(tags->values + set, at);
    return true;
}

/* A full set of those that drop at random: the entry that goes, whose place is taken. */
static uint64_t put_at_random(struct tags *tags, size_t set, uint64_t key, uint64_t value)
{
    size_t at = set + (size_t)random_below(&tags->random, tags->ways);
    uint64_t dropped = tags->keys[at];
    tags->keys[at] = key;
    if (tags->values)
        tags->values[at] = value;
    return dropped;
}

uint64_t tags_put(struct tags *tags, uint64_t number, uint64_t key, uint64_t value)
{
    size_t set = set_of(tags, number);
    uint64_t *keys = tags->keys + set, dropped = keys[tags->ways - 1];
    if (dropped && tags->replacement == REPLACE_RANDOM)
        return put_at_random(tags, set, key, value);
    push_back(keys, tags->ways - 1);
    keys[0] = key;
    if (tags->values) {
        push_back(tags->values + set, tags->ways - 1);
        tags->values[set] = value;
    }
    return dropped;
}

/* Closes the gap at `at`. */
static void pull_up(uint64_t *set, unsigned at, unsigned ways)
{
    for (; at + 1 < ways; at++)
        set[at] = set[at + 1];
    set[at] = 0;
}

bool tags_drop(struct tags *tags, uint64_t number, uint64_t key)
{
    size_t set = set_of(tags, number);
    unsigned at = position(tags, set, key);
    if (at == tags->ways)
        return false;
    pull_up(tags->keys + set, at, tags->ways);
    if (tags->values)
        pull_up(tags->values + set, at, tags->ways);
    return true;
}

void tags_clear(struct tags *tags)
{
    memset(tags->keys, 0, tags->sets * tags->ways * sizeof *tags->keys);
}

void tags_drop_marked(struct tags *tags, uint64_t mask, uint64_t value)
{
    for (size_t set = 0; set < tags->sets * tags->ways; set += tags->ways)
        for (unsigned i = 0; i < tags->ways && tags->keys[set + i];) {
            if ((tags->keys[set + i] & mask) != value) {
                i++;
                continue;
            }
            pull_up(tags->keys + set, i, tags->ways);
            if (tags->values)
                pull_up(tags->values + set, i, tags->ways);
        }
}
