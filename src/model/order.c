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

/* So many at a time, of rings of up to so many ways. */
enum { AT_A_TIME = 128, SEEN_WAYS = 256 };

/* When a way comes to the front again nothing tells that it had been there before: of each the last time
 * counts. Those, the last one first: so many. */
static size_t last_times(const unsigned *ways, size_t count, unsigned left[static AT_A_TIME])
{
    bool seen[SEEN_WAYS] = {false};
    size_t some = 0;
    for (size_t i = count; i-- > 0;) { /* without a branch that nobody can predict */
        const unsigned way = ways[i];
        left[some] = way;
        some += !seen[way];
        seen[way] = true;
    }
    return some;
}

void order_ring_many_to_front(struct order *order, const unsigned *ways, size_t count)
{
    unsigned left[AT_A_TIME];
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < AT_A_TIME ? count - done : AT_A_TIME;
        if (order->ways > SEEN_WAYS)
            for (size_t i = 0; i < some; i++)
                order_ring_to_front(order, 0, ways[done + i]);
        else
            for (size_t i = last_times(ways + done, some, left); i-- > 0;)
                order_ring_to_front(order, 0, left[i]);
    }
}

unsigned order_ring_at(const struct order *order, size_t set, unsigned position)
{
    unsigned way = order->first[set];
    while (position-- > 0)
        way = order->rings[set * order->ways + way].next;
    return way;
}
