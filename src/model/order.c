#include "model/order.h"

#include <stdlib.h>

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
        order->rings[i] =
            (struct order_ring){(uint32_t)((i % ways + 1) % ways), (uint32_t)((i % ways + ways - 1) % ways)};
    return order->first && order->rings;
}

bool order_init(struct order *order, size_t sets, unsigned ways)
{
    *order = (struct order){.ways = ways, .last_shift = 4 * (ways - 1)};
    return ways <= ORDER_WORD_WAYS ? init_words(order, sets) : init_rings(order, sets);
}

void order_free(struct order *order)
{
    free(order->words);
    free(order->rings);
    free(order->first);
    *order = (struct order){.words = NULL};
}

void order_ring_to_front(struct order *order, size_t set, unsigned way)
{
    struct order_ring *ring = order->rings + set * order->ways;
    uint32_t first = order->first[set], last = ring[first].previous;
    if (way != first && way != last) {
        ring[ring[way].previous].next = ring[way].next;
        ring[ring[way].next].previous = ring[way].previous;
        ring[way] = (struct order_ring){first, last};
        ring[last].next = ring[first].previous = way;
    }
    order->first[set] = way;
}

unsigned order_ring_at(const struct order *order, size_t set, unsigned position)
{
    unsigned way = order->first[set];
    while (position-- > 0)
        way = order->rings[set * order->ways + way].next;
    return way;
}
