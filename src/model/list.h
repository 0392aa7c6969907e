/* A list of marks, the next to be dropped last: what a set of a cache is. It moves as a whole, by vectors, so
 * that no order has to be kept beside it.
 *
 * `room` is a multiple of 8 and at least the count; what stands past the count means nothing. */
#ifndef VCOST_MODEL_LIST_H
#define VCOST_MODEL_LIST_H

#include <emmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIST_INLINE static inline __attribute__((always_inline))
#define LIST_NONE UINT32_MAX

enum { LIST_VECTOR = sizeof(__m128i) / sizeof(uint32_t), LIST_STEP = 2 * LIST_VECTOR };

/* Two bits for each of 8 marks that is this one. */
LIST_INLINE unsigned list_hits(const uint32_t *marks, __m128i mark)
{
    const __m128i *at = (const __m128i *)marks;
    __m128i low = _mm_cmpeq_epi32(_mm_load_si128(at), mark),
            high = _mm_cmpeq_epi32(_mm_load_si128(at + 1), mark);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi32(low, high));
}

/* The position of a mark, or LIST_NONE. */
LIST_INLINE unsigned list_find(const uint32_t *marks, unsigned room, unsigned count, uint32_t mark)
{
    const __m128i wanted = _mm_set1_epi32((int)mark);
    unsigned hits = list_hits(marks, wanted), from = 0;
    if (room > LIST_STEP)
        hits |= list_hits(marks + LIST_STEP, wanted) << 2 * LIST_STEP;
    for (unsigned next = 2 * LIST_STEP; !hits && next < room; next += LIST_STEP)
        hits = list_hits(marks + (from = next), wanted);
    if (!hits)
        return LIST_NONE;
    unsigned position = from + (unsigned)__builtin_ctz(hits) / 2;
    return position < count ? position : LIST_NONE;
}

/* Four marks from a place of the list on, wherever it is; what they are when all have moved up by one, but
 * for the first of the list. */
LIST_INLINE __m128i list_from(const uint32_t *marks, unsigned place)
{
    return _mm_loadu_si128((const __m128i *)(marks + place));
}

LIST_INLINE __m128i list_moved(const uint32_t *marks, unsigned place)
{
    return place ? list_from(marks, place - 1) : _mm_slli_si128(list_from(marks, 0), sizeof *marks);
}

LIST_INLINE void list_store(uint32_t *marks, unsigned place, __m128i four)
{
    _mm_store_si128((__m128i *)(marks + place), four);
}

/* With a mark as the first of them. */
LIST_INLINE __m128i list_begin(__m128i four, uint32_t mark)
{
    return _mm_castps_si128(
        _mm_move_ss(_mm_castsi128_ps(four), _mm_castsi128_ps(_mm_cvtsi32_si128((int)mark))));
}

/* Of `a` the places below a position, of `b` the others; both begin at `place`. */
LIST_INLINE __m128i list_select(__m128i a, __m128i b, unsigned place, __m128i position)
{
    const __m128i places = _mm_add_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32((int)place));
    __m128i below = _mm_cmplt_epi32(places, position);
    return _mm_or_si128(_mm_and_si128(below, a), _mm_andnot_si128(below, b));
}

/* Comes first; all others move. */
LIST_INLINE void list_push(uint32_t *marks, unsigned room, uint32_t mark)
{
    for (unsigned place = room - LIST_VECTOR; place > 0; place -= LIST_VECTOR)
        list_store(marks, place, list_moved(marks, place));
    list_store(marks, 0, list_begin(list_moved(marks, 0), mark));
}

/* The one at a position comes first. All of the list is written, so that no branch depends on where it was:
 * nobody can predict that. */
LIST_INLINE void list_to_front(uint32_t *marks, unsigned room, unsigned position, uint32_t mark)
{
    const __m128i end = _mm_set1_epi32((int)position + 1);
    for (unsigned place = room - LIST_VECTOR; place > 0; place -= LIST_VECTOR)
        list_store(marks, place, list_select(list_moved(marks, place), list_from(marks, place), place, end));
    list_store(marks, 0, list_begin(list_select(list_moved(marks, 0), list_from(marks, 0), 0, end), mark));
}

/* Goes; what stands behind it moves, and the last place is free. All of the list is written, likewise. */
LIST_INLINE void list_remove(uint32_t *marks, unsigned room, unsigned count, unsigned position)
{
    const __m128i begin = _mm_set1_epi32((int)position);
    for (unsigned place = 0; place < room; place += LIST_VECTOR) {
        __m128i four = list_from(marks, place), next = place + LIST_VECTOR < room
                                                           ? list_from(marks, place + 1)
                                                           : _mm_srli_si128(four, sizeof *marks);
        list_store(marks, place, list_select(four, next, place, begin));
    }
    marks[count - 1] = 0;
}

#endif
