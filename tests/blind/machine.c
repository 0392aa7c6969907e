#include "machine.h"

enum { WARM_LAPS = 2, HOPS_MIN = 1024, MANY_LINES = 4096 };

struct tally {
    uint32_t l1_missed, l2_missed, first_missed, walks, leaves_in_l2, leaves_beyond;
};

void machine_make(struct machine *machine, const struct geometry *geometry)
{
    *machine = (struct machine){0};
    tlb_make(&machine->tlb, geometry);
    cache_make(&machine->cache, geometry);
}

void machine_free(struct machine *machine)
{
    tlb_free(&machine->tlb);
    cache_free(&machine->cache);
}

static void walk(struct machine *machine, const struct stop *stop, struct tally *tally)
{
    tally->walks++;
    for (unsigned i = 0; i < LEAVES; i++) {
        if (stop->leaves[i].id == NO_LEAF)
            continue;
        bool near = cache_walk(&machine->cache, &stop->leaves[i]) == CACHE_L2;
        tally->leaves_in_l2 += near;
        tally->leaves_beyond += !near;
    }
}

static void hop(struct machine *machine, const struct stop *stop, struct tally *tally)
{
    enum tlb_outcome translated = tlb_look(&machine->tlb, stop);
    tally->first_missed += translated != TLB_FIRST;
    if (translated == TLB_WALK)
        walk(machine, stop, tally);
    enum cache_outcome loaded = cache_load(&machine->cache, stop);
    tally->l1_missed += loaded != CACHE_L1;
    tally->l2_missed += loaded == CACHE_BEYOND;
}

static void lap(struct machine *machine, const struct layout *layout, struct tally *tally)
{
    for (unsigned i = 0; i < layout->lines; i++)
        hop(machine, &layout->stops[i], tally);
}

/* Random replacement takes a few laps until it misses as often as ever after; that matters where much misses.
 */
static unsigned warm_laps(const struct machine *machine, const struct layout *layout)
{
    if (machine->random_tlb || machine->random_cache)
        return WARM_LAPS;
    return layout->lines < MANY_LINES ? WARM_LAPS : 1;
}

struct counts machine_chase(struct machine *machine, const struct layout *layout, struct dice *dice)
{
    struct tally warm = {0}, tally = {0};
    unsigned laps = 1 + (HOPS_MIN - 1) / layout->lines;
    tlb_clear(&machine->tlb, machine->random_tlb, dice);
    cache_clear(&machine->cache, machine->random_cache, dice);
    for (unsigned i = 0; i < warm_laps(machine, layout); i++)
        lap(machine, layout, &warm);
    for (unsigned i = 0; i < laps; i++)
        lap(machine, layout, &tally);
    float hops = (float)(laps * layout->lines);
    return (struct counts){
        .l1_missed = tally.l1_missed / hops,
        .l2_missed = tally.l2_missed / hops,
        .first_missed = tally.first_missed / hops,
        .walks = tally.walks / hops,
        .leaves_in_l2 = tally.leaves_in_l2 / hops,
        .leaves_beyond = tally.leaves_beyond / hops,
        .footprint = (float)layout->lines * (1 + tally.leaves_beyond / hops),
    };
}
