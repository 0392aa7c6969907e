/* In which order the ways of each set of a table come: first the one that was used last. Ways are numbered
 * and stay where they are; what moves are numbers.
 *
 * Up to 16 ways: a word for each set, 4 bits for each position, the first in the lowest; what stands past the
 * last one means nothing. More: for each way
 * its neighbours in a ring, so that the last one becomes the first by turning the ring. */
#ifndef VCOST_MODEL_ORDER_H
#define VCOST_MODEL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_WORD_WAYS = 16 };

struct order {
    unsigned ways, last_shift; /* 4 * (ways - 1) */
    uint64_t *words;           /* of each set; NULL: there are rings; owned */
    struct order_ring {
        uint32_t next, previous;
    } * rings;       /* sets * ways; owned */
    uint32_t *first; /* of each ring; owned */
};

/* Way 0 comes first. False: no memory. */
bool order_init(struct order *order, size_t sets, unsigned ways);
void order_free(struct order *order);

#define ORDER_INLINE static inline __attribute__((always_inline))

/* ---- words ---- */

#define ORDER_ONES UINT64_C(0x1111111111111111)

/* 4 times the position of a way: of the lowest nibble that is 0 in the difference (of those below it none
 * borrows). */
ORDER_INLINE unsigned order_word_shift(uint64_t word, unsigned way)
{
    uint64_t difference = word ^ way * ORDER_ONES;
    return (unsigned)__builtin_ctzll((difference - ORDER_ONES) & ~difference & ORDER_ONES << 3) & ~3u;
}

/* Everything below and at a position. */
ORDER_INLINE uint64_t order_word_up_to(unsigned shift)
{
    return UINT64_MAX >> (60 - shift);
}

ORDER_INLINE uint64_t order_word_to_front(uint64_t word, unsigned way, unsigned shift)
{
    uint64_t moved = order_word_up_to(shift);
    return (word & ~moved) | ((word << 4 | way) & moved);
}

ORDER_INLINE uint64_t order_word_to_end(uint64_t word, unsigned way, unsigned shift, unsigned last_shift)
{
    uint64_t below = order_word_up_to(shift) >> 4, last = UINT64_C(15) << last_shift;
    return (((word & below) | (word >> 4 & ~below)) & ~last) | (uint64_t)way << last_shift;
}

/* ---- rings ---- */

void order_ring_to_front(struct order *order, size_t set, unsigned way);
/* Of the only set: each of these in turn. */
void order_ring_many_to_front(struct order *order, const unsigned *ways, size_t count);
unsigned order_ring_at(const struct order *order, size_t set, unsigned position);

ORDER_INLINE unsigned order_ring_last(const struct order *order, size_t set)
{
    return order->rings[set * order->ways + order->first[set]].previous;
}

/* ---- both: `many` is known when they are compiled; false: up to 16 ways ---- */

ORDER_INLINE unsigned order_last(bool many, const struct order *order, size_t set)
{
    return many && !order->words ? order_ring_last(order, set) : order->words[set] >> order->last_shift & 15;
}

/* The last one, which comes first then; that is what a new entry does. */
ORDER_INLINE unsigned order_turn(bool many, struct order *order, size_t set)
{
    if (many && !order->words)
        return order->first[set] = order_ring_last(order, set);
    uint64_t word = order->words[set], way = word >> order->last_shift & 15;
    order->words[set] = word << 4 | way;
    return (unsigned)way;
}

ORDER_INLINE void order_to_front(bool many, struct order *order, size_t set, unsigned way)
{
    if (many && !order->words) {
        if (way != order->first[set])
            order_ring_to_front(order, set, way);
        return;
    }
    uint64_t word = order->words[set];
    if ((word & 15) != way)
        order->words[set] = order_word_to_front(word, way, order_word_shift(word, way));
}

ORDER_INLINE void order_to_end(bool many, struct order *order, size_t set, unsigned way)
{
    if (many && !order->words) {
        order_ring_to_front(order, set, way);
        order->first[set] = order->rings[set * order->ways + way].next;
        return;
    }
    uint64_t word = order->words[set];
    order->words[set] = order_word_to_end(word, way, order_word_shift(word, way), order->last_shift);
}

/* The way at a position. */
ORDER_INLINE unsigned order_at(bool many, const struct order *order, size_t set, unsigned position)
{
    return many && !order->words ? order_ring_at(order, set, position)
                                 : order->words[set] >> 4 * position & 15;
}

#endif
