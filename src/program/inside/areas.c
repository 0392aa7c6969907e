#include "program/inside/areas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The number of the first area that ends behind an address. */
static size_t first_behind(const struct areas *areas, uint64_t address)
{
    size_t low = 0, high = areas->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (areas->list[middle].to <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A range cuts at most one area in two and adds itself. */
static int make_room(struct areas *areas)
{
    enum { MORE = 2, FIRST = 256 };
    if (areas->count + MORE <= areas->room)
        return 0;
    size_t room = areas->room ? 2 * areas->room : FIRST;
    struct area *list = realloc(areas->list, room * sizeof *list);
    if (!list)
        return -ENOMEM;
    areas->list = list;
    areas->room = room;
    return 0;
}

/* Replaces the areas [first, last) by `count` others, at most two more than go. */
static void replace(struct areas *areas, size_t first, size_t last, const struct area *by, size_t count)
{
    memmove(areas->list + first + count, areas->list + last, (areas->count - last) * sizeof *areas->list);
    memcpy(areas->list + first, by, count * sizeof *by);
    areas->count += count - (last - first);
}

int areas_set(struct areas *areas, uint64_t from, uint64_t to, int protection)
{
    struct area by[3];
    size_t count = 0;
    if (make_room(areas) < 0)
        return -ENOMEM;
    size_t first = first_behind(areas, from), last = first;
    if (first > 0 && areas->list[first - 1].to == from && areas->list[first - 1].protection == protection)
        from = areas->list[--first].from;
    while (last < areas->count && areas->list[last].from < to)
        last++;
    if (last < areas->count && areas->list[last].from == to && areas->list[last].protection == protection)
        to = areas->list[last++].to;
    const struct area *left = &areas->list[first], *right = &areas->list[last - (last > first)];
    bool merges_left = last > first && left->from < from && left->protection == protection;
    bool merges_right = last > first && right->to > to && right->protection == protection;
    if (last > first && left->from < from && !merges_left)
        by[count++] = (struct area){left->from, from, left->protection};
    if (protection != AREA_NONE)
        by[count++] =
            (struct area){merges_left ? left->from : from, merges_right ? right->to : to, protection};
    if (last > first && right->to > to && !merges_right)
        by[count++] = (struct area){to, right->to, right->protection};
    replace(areas, first, last, by, count);
    return 0;
}

const struct area *areas_from(const struct areas *areas, uint64_t address)
{
    size_t first = first_behind(areas, address);
    return first < areas->count ? &areas->list[first] : NULL;
}

const struct area *areas_at(const struct areas *areas, uint64_t address)
{
    const struct area *area = areas_from(areas, address);
    return area && area->from <= address ? area : NULL;
}

uint64_t areas_find(
    const struct areas *areas, uint64_t low, uint64_t high, uint64_t bytes, uint64_t alignment)
{
    size_t i = first_behind(areas, high);
    uint64_t to = i < areas->count && areas->list[i].from < high ? areas->list[i].from : high;
    for (;; i--) {
        uint64_t from = i ? areas->list[i - 1].to : 0;
        if (from < low)
            from = low;
        if (to >= bytes && ((to - bytes) & -alignment) >= from && to > from)
            return (to - bytes) & -alignment;
        if (i == 0 || areas->list[i - 1].from <= low)
            return 0;
        to = areas->list[i - 1].from;
    }
}

void areas_free(struct areas *areas)
{
    free(areas->list);
    *areas = (struct areas){.list = NULL};
}
