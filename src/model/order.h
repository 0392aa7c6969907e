/* In which order the ways of each set of a table come: first the one that was used last. Ways are numbered and
 * stay where they are; what moves are numbers.
 *
 * Up to 16 ways: a word for each set, 4 bits for each position, the first in the lowest. More: for each way
 * its neighbours in a ring, so that the last one becomes the first by turning the ring. */
#ifndef VCOST_MODEL_ORDER_H
#define VCOST_MODEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_WORD_WAYS = 16 };

struct order {
    unsigned ways;
    uint64_t *words; /* of each set; NULL: there are rings; owned */
    struct order_ring {
        uint32_t next, previous;
    } * rings;       /* sets * ways; owned */
    uint32_t *first; /* of each ring; owned */
};

/* Way 0 comes first. False: no memory. */
bool order_init(struct order *order, size_t sets, unsigned ways);
void order_free(struct order *order);

/* ---- words ---- */

#define ORDER_ONES UINT64_C(0x1111111111111111)

/* 4 times the position of a way. The lowest nibble that is 0 in the difference: the lowest borrow is right. */
static inline unsigned order_word_shift(uint64_t word, unsigned way)
{
    uint64_t difference = word ^ way * ORDER_ONES;
    return (unsigned)__builtin_ctzll((difference - ORDER_ONES) & ~difference & ORDER_ONES << 3) & ~3u;
}

/* Everything below and at a position. */
static inline uint64_t order_word_up_to(unsigned shift)
{
    return UINT64_MAX >> (60 - shift);
}

static inline uint64_t order_word_to_front(uint64_t word, unsigned way, unsigned shift)
{
    uint64_t moved = order_word_up_to(shift);
    return (word & ~moved) | ((word << 4 | way) & moved);
}

static inline uint64_t order_word_to_end(uint64_t word, unsigned way, unsigned shift, unsigned ways)
{
    uint64_t below = order_word_up_to(shift) >> 4, all = order_word_up_to(4 * (ways - 1));
    return (word & (below | ~all)) | (word >> 4 & ~below & all >> 4) | (uint64_t)way << 4 * (ways - 1);
}

/* ---- both ---- */

static inline unsigned order_last(const struct order *order, size_t set)
{
    if (order->words)
        return order->words[set] >> 4 * (order->ways - 1) & 15;
    return order->rings[set * order->ways + order->first[set]].previous;
}

/* Of a set whose first one it is this does nothing. */
static inline void order_to_front(struct order *order, size_t set, unsigned way)
{
    if (order->words) {
        uint64_t word = order->words[set];
        order->words[set] = order_word_to_front(word, way, order_word_shift(word, way));
        return;
    }
    struct order_ring *ring = order->rings + set * order->ways;
    uint32_t first = order->first[set];
    if (way == first)
        return;
    if (ring[first].previous != way) {
        uint32_t last = ring[first].previous;
        ring[ring[way].previous].next = ring[way].next;
        ring[ring[way].next].previous = ring[way].previous;
        ring[way] = (struct order_ring){first, last};
        ring[last].next = ring[first].previous = way;
    }
    order->first[set] = way;
}

/* The last one comes first; that is what a new entry does. */
static inline unsigned order_turn(struct order *order, size_t set)
{
    unsigned last = order_last(order, set);
    if (order->words) {
        uint64_t all = order_word_up_to(4 * (order->ways - 1)), word = order->words[set];
        order->words[set] = (word & ~all) | ((word << 4 | last) & all);
    } else {
        order->first[set] = last;
    }
    return last;
}

static inline void order_to_end(struct order *order, size_t set, unsigned way)
{
    if (order->words) {
        uint64_t word = order->words[set];
        order->words[set] = order_word_to_end(word, way, order_word_shift(word, way), order->ways);
    } else {
        order_to_front(order, set, way);
        order->first[set] = order->rings[set * order->ways + way].next;
    }
}

static inline void order_prefetch(const struct order *order, size_t set)
{
    if (order->words)
        __builtin_prefetch(order->words + set, 1);
}

/* The way at a position. */
static inline unsigned order_at(const struct order *order, size_t set, unsigned position)
{
    if (order->words)
        return order->words[set] >> 4 * position & 15;
    unsigned way = order->first[set];
    while (position-- > 0)
        way = order->rings[set * order->ways + way].next;
    return way;
}

#endif
