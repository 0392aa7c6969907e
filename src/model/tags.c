#include "model/tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REAL_LINE_BYTES = 64 };

/* Do 32 bits hold, plus 1, what the set does not say about a number? */
static bool marks_tell_all(const struct tags *tags, uint64_t numbers)
{
    return numbers && (numbers - 1) >> tags->shift < UINT32_MAX;
}

int tags_init(
    struct tags *tags, const struct machine_shape *shape, uint64_t numbers, uint64_t seed, struct error *error)
{
    *tags = (struct tags){
        .sets = shape->entries / shape->ways,
        .ways = shape->ways,
        .stride = (shape->ways + TAGS_AT_ONCE - 1) / TAGS_AT_ONCE * TAGS_AT_ONCE,
        .index = shape->index,
        .replacement = shape->replacement,
        .random = seed,
    };
    tags->mask = tags->sets - 1;
    tags->shift = tags->index == INDEX_HASH ? 0 : (unsigned)__builtin_ctzll(tags->sets);
    size_t room = tags->sets * tags->stride, bytes = room * sizeof *tags->marks;
    bool keeps_keys = !marks_tell_all(tags, numbers);
    tags->marks = aligned_alloc(REAL_LINE_BYTES, (bytes + REAL_LINE_BYTES - 1) & -(size_t)REAL_LINE_BYTES);
    tags->entries = keeps_keys ? calloc(room, sizeof *tags->entries) : NULL;
    if (tags->marks && (tags->entries || !keeps_keys) && order_init(&tags->order, tags->sets, tags->ways)) {
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
    order_free(&tags->order);
    tags->marks = NULL;
    tags->entries = NULL;
}

void tags_clear(struct tags *tags)
{
    if (tags->used)
        memset(tags->marks, 0, tags->sets * tags->stride * sizeof *tags->marks);
    tags->used = 0;
}

uint64_t tags_number(const struct tags *tags, size_t set, uint32_t mark)
{
    uint64_t above = mark - 1;
    if (tags->index == INDEX_HASH)
        return above;
    return above << tags->shift | (set ^ (tags->index == INDEX_XOR ? above & tags->mask : 0));
}
