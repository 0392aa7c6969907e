#include "tlb.h"

static void make_array(struct store *store, unsigned entries, unsigned ways)
{
    store_make(store, ways ? entries / ways : 0, ways, TRANSLATION_IDS);
}

void tlb_make(struct tlb *tlb, const struct geometry *geometry)
{
    tlb->geometry = geometry;
    for (unsigned i = 0; i < TLB_LEVELS; i++) {
        const struct tlb_level *level = &geometry->tlb[i];
        make_array(&tlb->levels[i].small, level->small.entries, level->small.ways);
        make_array(&tlb->levels[i].large, level->large.entries, level->large.ways);
    }
}

void tlb_free(struct tlb *tlb)
{
    for (unsigned i = 0; i < TLB_LEVELS; i++) {
        store_free(&tlb->levels[i].small);
        store_free(&tlb->levels[i].large);
    }
}

static void clear_array(struct store *store, bool random, struct dice *dice)
{
    if (store->ways == 0)
        return;
    store_clear(store);
    store->random = random;
    store->dice = dice_make(dice_below(dice, UINT32_MAX), 0, 0, 0);
}

void tlb_clear(struct tlb *tlb, bool random, struct dice *dice)
{
    for (unsigned i = 0; i < TLB_LEVELS; i++) {
        clear_array(&tlb->levels[i].small, random, dice);
        clear_array(&tlb->levels[i].large, random, dice);
    }
}

static bool look_large(struct tlb *tlb, unsigned level, const struct stop *stop)
{
    struct store *small = &tlb->levels[level].small, *large = &tlb->levels[level].large;
    switch (tlb->geometry->tlb[level].holds) {
    case LARGE_OWN:
        return store_touch(large, (uint32_t)stop->whole.id, stop->whole.number);
    case LARGE_SHARED:
        return store_touch(small, (uint32_t)stop->whole.id, stop->whole.number);
    case LARGE_FRACTURED:
        return store_touch(small, (uint32_t)stop->piece.id, stop->piece.number);
    default:
        return false;
    }
}

static bool look_in(struct tlb *tlb, unsigned level, const struct stop *stop)
{
    struct store *small = &tlb->levels[level].small;
    if (small->ways == 0)
        return false;
    if (stop->large)
        return look_large(tlb, level, stop);
    return store_touch(small, (uint32_t)stop->whole.id, stop->whole.number);
}

enum tlb_outcome tlb_look(struct tlb *tlb, const struct stop *stop)
{
    if (look_in(tlb, 0, stop))
        return TLB_FIRST;
    return look_in(tlb, 1, stop) ? TLB_SECOND : TLB_WALK;
}
