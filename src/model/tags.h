/* A table of tags, of which all caches here are made: sets of ways, each entry a key and a value.
 *
 * The order in a set is that of replacement: with LRU an entry that is used goes to the front, with FIFO and
 * RANDOM it stays; new entries go to the front, and the last one of a full set is dropped (RANDOM: the one at
 * position r, r the next of random_below(&state, ways), where the state begins with `seed`; the new entry
 * takes its place). Free places are used first, at the end. */
#ifndef VCOST_MODEL_TAGS_H
#define VCOST_MODEL_TAGS_H

#include "base/error.h"
#include "model/machine.h"

struct tags {
    uint64_t *keys;   /* sets * ways, 0: free; the entries of a set stand without gaps; owned */
    uint64_t *values; /* likewise; NULL: without */
    uint64_t sets, mask;
    unsigned ways, shift;
    enum machine_index index;
    enum machine_replacement replacement;
    uint64_t random;
};

/* The shape is one that machine_parse() has passed. -ENOMEM. */
int tags_init(
    struct tags *tags, const struct machine_shape *shape, bool values, uint64_t seed, struct error *error);
void tags_free(struct tags *tags); /* harmless where nothing is */

/* `number` decides the set, `key` (not 0) is what is compared. Is it there, and with which value (NULL: does
 * not matter)? Uses it, as LRU does. */
bool tags_find(struct tags *tags, uint64_t number, uint64_t key, uint64_t *value);

/* Puts a key that is not there yet in; returns the key that was dropped for it, 0 for none. */
uint64_t tags_put(struct tags *tags, uint64_t number, uint64_t key, uint64_t value);

/* Takes it out. Was it there? */
bool tags_drop(struct tags *tags, uint64_t number, uint64_t key);
void tags_clear(struct tags *tags);
/* Takes all out whose key has `value` in the bits of `mask`; those that stay keep their order. */
void tags_drop_marked(struct tags *tags, uint64_t mask, uint64_t value);

#endif
