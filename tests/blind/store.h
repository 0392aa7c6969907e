/* A set-associative store of numbered things: an array of a TLB, a cache. Things are numbered from 0 densely,
 * so that looking one up is looking at one word; the set is the caller's choice. */
#ifndef VCOST_BLIND_STORE_H
#define VCOST_BLIND_STORE_H

#include "dice.h"

#include <stdbool.h>
#include <stdint.h>

struct slot {
    uint32_t thing;         /* in it, or STORE_NOWHERE */
    uint32_t after, before; /* its neighbours in its set's ring, from the last used on */
};

struct store {
    unsigned sets, ways, things;
    bool random; /* a victim is drawn; else the least recently used one goes */
    struct dice dice;
    struct slot *slots;
    uint32_t *where; /* a thing's slot, or STORE_NOWHERE */
    uint32_t *first; /* a set's last used slot */
};

#define STORE_NOWHERE UINT32_MAX

/* Ends the program without memory. `sets` is a power of two. */
void store_make(struct store *store, unsigned sets, unsigned ways, unsigned things);
void store_free(struct store *store);
void store_clear(struct store *store);

/* Is it there? If not, it is brought in. */
bool store_touch(
    struct store *store, uint32_t thing, uint32_t number); /* number: its low bits name the set */

#endif
