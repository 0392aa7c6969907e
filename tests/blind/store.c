#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *space(size_t count, size_t size)
{
    void *space = calloc(count ? count : 1, size);
    if (!space) {
        fputs("generate: no memory\n", stderr);
        exit(1);
    }
    return space;
}

void store_make(struct store *store, unsigned sets, unsigned ways, unsigned things)
{
    *store = (struct store){.sets = sets, .ways = ways, .things = things};
    store->slots = space((size_t)sets * ways, sizeof store->slots[0]);
    store->where = space(things, sizeof store->where[0]);
    store->first = space(sets, sizeof store->first[0]);
    store_clear(store);
}

void store_free(struct store *store)
{
    free(store->slots);
    free(store->where);
    free(store->first);
    *store = (struct store){0};
}

static void make_ring(struct store *store, uint32_t set)
{
    uint32_t begin = set * store->ways, last = store->ways - 1;
    for (uint32_t way = 0; way <= last; way++)
        store->slots[begin + way] = (struct slot){
            STORE_NOWHERE, begin + (way == last ? 0 : way + 1), begin + (way == 0 ? last : way - 1)};
    store->first[set] = begin;
}

void store_clear(struct store *store)
{
    memset(store->where, 0xff, store->things * sizeof store->where[0]);
    for (uint32_t set = 0; store->ways && set < store->sets; set++)
        make_ring(store, set);
}

static void to_front(struct store *store, uint32_t set, uint32_t at)
{
    struct slot *slots = store->slots, *slot = &slots[at];
    uint32_t first = store->first[set];
    store->first[set] = at;
    if (at == first || slot->after == first) /* the ring is only turned */
        return;
    slots[slot->before].after = slot->after;
    slots[slot->after].before = slot->before;
    slot->before = slots[first].before;
    slot->after = first;
    slots[slot->before].after = at;
    slots[first].before = at;
}

static void bring_in(struct store *store, uint32_t thing, uint32_t set)
{
    uint32_t at = store->slots[store->first[set]].before;
    if (store->random && store->slots[at].thing != STORE_NOWHERE)
        at = set * store->ways + dice_below(&store->dice, store->ways);
    if (store->slots[at].thing != STORE_NOWHERE)
        store->where[store->slots[at].thing] = STORE_NOWHERE;
    store->slots[at].thing = thing;
    store->where[thing] = at;
    to_front(store, set, at);
}

bool store_touch(struct store *store, uint32_t thing, uint32_t number)
{
    uint32_t set = number & (store->sets - 1), at = store->where[thing];
    if (at == STORE_NOWHERE) {
        bring_in(store, thing, set);
        return false;
    }
    if (!store->random)
        to_front(store, set, at);
    return true;
}
