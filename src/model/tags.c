#include "model/tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REAL_LINE_BYTES = 64, FILTER_BYTES = 1 << TAGS_FILTER_BITS };

/* Do 32 bits hold, plus 1, what the set does not say about a number? */
static bool marks_tell_all(const struct tags *tags, uint64_t numbers)
{
    return numbers && (numbers - 1) >> tags->shift < UINT32_MAX;
}

int tags_init(struct tags *tags, const struct machine_shape *shape, uint64_t numbers, uint64_t seed,
    struct error *error)
{
    *tags = (struct tags){
        .sets = shape->entries / shape->ways,
        .ways = shape->ways,
        .stride = (shape->ways + TAGS_AT_ONCE - 1) / TAGS_AT_ONCE * TAGS_AT_ONCE,
        .hashes = shape->index == INDEX_HASH,
        .replacement = shape->replacement,
        .random = seed,
    };
    tags->mask = tags->sets - 1;
    tags->folded = shape->index == INDEX_XOR ? tags->mask : 0;
    tags->shift = tags->hashes ? 0 : (unsigned)__builtin_ctzll(tags->sets);
    size_t room = tags->sets * tags->stride, bytes = room * sizeof *tags->marks;
    bool keeps_keys = !marks_tell_all(tags, numbers),
         filters = tags->sets == 1 && tags->ways > ORDER_WORD_WAYS && tags->ways <= TAGS_FILTER_WAYS;
    tags->marks = aligned_alloc(REAL_LINE_BYTES, (bytes + REAL_LINE_BYTES - 1) & -(size_t)REAL_LINE_BYTES);
    tags->entries = keeps_keys ? calloc(room, sizeof *tags->entries) : NULL;
    tags->filter = filters ? calloc(FILTER_BYTES, 1) : NULL;
    if (tags->marks && (tags->entries || !keeps_keys) && (tags->filter || !filters) &&
        order_init(&tags->order, tags->sets, tags->ways)) {
        memset(tags->marks, 0, bytes);
        return 0;
    }
    tags_free(tags);
    return error_set(error, ENOMEM, "no memory for a simulated cache of %u entries", shape->entries);
}

void tags_free(struct tags *tags)
{
    free(tags->marks);
    free(tags->entries);
    free(tags->filter);
    order_free(&tags->order);
    tags->marks = NULL;
    tags->entries = NULL;
    tags->filter = NULL;
}

void tags_clear(struct tags *tags)
{
    if (tags->used && tags->filter)
        memset(tags->filter, 0, FILTER_BYTES);
    if (tags->used)
        memset(tags->marks, 0, tags->sets * tags->stride * sizeof *tags->marks);
    tags->used = 0;
}
