#include "model/order.h"

#include <stdlib.h>

/* Each position has its own number; those past the ways are never moved. */
static const uint64_t ascending = UINT64_C(0xfedcba9876543210);

static bool init_words(struct order *order, size_t sets)
{
    order->words = malloc(sets * sizeof *order->words);
    for (size_t set = 0; order->words && set < sets; set++)
        order->words[set] = ascending;
    return order->words;
}

static bool init_rings(struct order *order, size_t sets)
{
    unsigned ways = order->ways;
    order->first = calloc(sets, sizeof *order->first);
    order->rings = calloc(sets * ways, sizeof *order->rings);
    for (size_t i = 0; order->first && order->rings && i < sets * ways; i++)
        order->rings[i] = (struct order_ring){
            (uint32_t)((i % ways + 1) % ways), (uint32_t)((i % ways + ways - 1) % ways)};
    return order->first && order->rings;
}

bool order_init(struct order *order, size_t sets, unsigned ways)
{
    *order = (struct order){.ways = ways};
    return ways <= ORDER_WORD_WAYS ? init_words(order, sets) : init_rings(order, sets);
}

void order_free(struct order *order)
{
    free(order->words);
    free(order->rings);
    free(order->first);
    *order = (struct order){.words = NULL};
}
