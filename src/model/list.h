/* A list of marks, the next to be dropped last: what a set of a cache is. It moves as a whole, by vectors, so
 * that no order has to be kept beside it.
 *
 * `room` is a multiple of 8 and at least the count; what stands past the count means nothing. */
#ifndef VCOST_MODEL_LIST_H
#define VCOST_MODEL_LIST_H

#include "model/vector.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LIST_INLINE VECTOR_INLINE
#define LIST_NONE UINT32_MAX

enum { LIST_STEP = 8 };

/* The position of a mark, or LIST_NONE. */
LIST_INLINE unsigned list_find(const uint32_t *marks, unsigned room, unsigned count, uint32_t mark)
{
    const vector wanted = vector_all(mark);
    unsigned hits = vector_hits(marks, wanted), from = 0;
    if (room > LIST_STEP)
        hits |= vector_hits(marks + LIST_STEP, wanted) << LIST_STEP;
    for (unsigned next = 2 * LIST_STEP; !hits && next < room; next += LIST_STEP)
        hits = vector_hits(marks + (from = next), wanted);
    if (!hits)
        return LIST_NONE;
    unsigned position = from + (unsigned)__builtin_ctz(hits);
    return position < count ? position : LIST_NONE;
}

/* What stands from a place on when all have moved up by one. */
LIST_INLINE vector list_moved(const uint32_t *marks, unsigned place)
{
    return place ? vector_load_from(marks + place - 1) : vector_up(vector_load(marks));
}

/* Comes first; all others move. */
LIST_INLINE void list_push(uint32_t *marks, unsigned room, uint32_t mark)
{
    for (unsigned place = room - VECTOR_MARKS; place > 0; place -= VECTOR_MARKS)
        vector_store(marks + place, list_moved(marks, place));
    vector_store(marks, vector_begin(list_moved(marks, 0), mark));
}

/* So many that are alike come first; all others move. */
LIST_INLINE void list_push_alike(uint32_t *marks, unsigned room, unsigned count, uint32_t mark)
{
    if (count < room)
        memmove(marks + count, marks, (room - count) * sizeof *marks);
    for (unsigned i = 0; i < count && i < room; i++)
        marks[i] = mark;
}

/* The one at a position comes first. All of the list is written, so that no branch depends on where it was:
 * nobody can predict that. */
LIST_INLINE void list_to_front(uint32_t *marks, unsigned room, unsigned position, uint32_t mark)
{
    const vector end = vector_all(position + 1);
    for (unsigned place = room - VECTOR_MARKS; place > 0; place -= VECTOR_MARKS)
        vector_store(
            marks + place, vector_join(list_moved(marks, place), vector_load(marks + place), place, end));
    vector_store(marks, vector_begin(vector_join(list_moved(marks, 0), vector_load(marks), 0, end), mark));
}

/* Goes, if it is there: what stands behind it moves, and the last place is free. All of the list is written,
 * likewise. */
LIST_INLINE bool list_take(uint32_t *marks, unsigned room, unsigned count, uint32_t mark)
{
    const unsigned position = list_find(marks, room, count, mark);
    if (position == LIST_NONE)
        return false;
    const vector begin = vector_all(position);
    for (unsigned place = 0; place < room; place += VECTOR_MARKS) {
        vector these = vector_load(marks + place),
               next = place + VECTOR_MARKS < room ? vector_load_from(marks + place + 1) : vector_down(these);
        vector_store(marks + place, vector_join(these, next, place, begin));
    }
    marks[count - 1] = 0;
    return true;
}

/* The same, of up to 16 of which nobody can predict whether one is there: no branch depends on that, either.
 */
LIST_INLINE bool list_take_evenly(uint32_t *marks, unsigned room, unsigned count, uint32_t mark)
{
    const vector wanted = vector_all(mark);
    unsigned hits = vector_hits(marks, wanted);
    if (room > LIST_STEP)
        hits |= vector_hits(marks + LIST_STEP, wanted) << LIST_STEP;
    hits &= (1u << count) - 1;
    const vector begin = vector_all((unsigned)__builtin_ctz(hits | 1u << 2 * LIST_STEP));
    const uint32_t end = marks[count - 1];
    for (unsigned place = 0; place < room; place += VECTOR_MARKS) {
        vector these = vector_load(marks + place),
               next = place + VECTOR_MARKS < room ? vector_load_from(marks + place + 1) : vector_down(these);
        vector_store(marks + place, vector_join(these, next, place, begin));
    }
    marks[count - 1] = hits ? 0 : end;
    return hits;
}

#endif
