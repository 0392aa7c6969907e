#include "model/tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REAL_LINE_BYTES = 64, FILTER_BYTES = 1 << TAGS_FILTER_BITS };

static unsigned shift_of(const struct machine_shape *shape)
{
    return shape->index == INDEX_HASH ? 0 : (unsigned)__builtin_ctz(shape->entries / shape->ways);
}

bool tags_are_enough(const struct machine_shape *shape, uint64_t limit)
{
    return limit >> shift_of(shape) < UINT32_MAX;
}

static unsigned stride_of(unsigned ways)
{
    return ways <= TAGS_FEW ? TAGS_FEW : (ways + TAGS_MANY - 1) / TAGS_MANY * TAGS_MANY;
}

/* All of it, empty. */
static bool allocate(struct tags *tags, enum tags_kind kind)
{
    size_t room = tags->sets * tags->stride, bytes = room * sizeof *tags->marks;
    bool filters =
        kind == TAGS_KEYED && tags->sets == 1 && tags->ways > TAGS_MANY && tags->ways <= TAGS_FILTER_WAYS;
    tags->marks = aligned_alloc(REAL_LINE_BYTES, (bytes + REAL_LINE_BYTES - 1) & -(size_t)REAL_LINE_BYTES);
    tags->entries = kind == TAGS_KEYED ? calloc(room, sizeof *tags->entries) : NULL;
    tags->filter = filters ? calloc(FILTER_BYTES, 1) : NULL;
    if (!tags->marks || (kind == TAGS_KEYED && !tags->entries) || (filters && !tags->filter))
        return false;
    memset(tags->marks, 0, bytes);
    return order_init(&tags->order, tags->sets, tags->ways);
}

int tags_init(struct tags *tags, enum tags_kind kind, const struct machine_shape *shape, uint64_t seed,
    struct error *error)
{
    uint64_t sets = shape->entries / shape->ways;
    *tags = (struct tags){
        .sets = sets,
        .mask = sets - 1,
        .folded = shape->index == INDEX_XOR ? sets - 1 : 0,
        .shift = shift_of(shape),
        .hashes = shape->index == INDEX_HASH,
        .ways = shape->ways,
        .stride = stride_of(shape->ways),
        .replacement = shape->replacement,
        .random = seed,
    };
    if (allocate(tags, kind))
        return 0;
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
    if (!tags->used)
        return;
    memset(tags->marks, 0, tags->sets * tags->stride * sizeof *tags->marks);
    if (tags->filter)
        memset(tags->filter, 0, FILTER_BYTES);
    tags->used = false;
}

void tags_drop_marked(struct tags *tags, uint64_t mask, uint64_t value)
{
    for (size_t set = 0; tags->used && set < tags->sets; set++)
        for (unsigned way = 0; way < tags->ways; way++) {
            size_t at = set * tags->stride + way;
            if (!tags->marks[at] || (tags->entries[at].key & mask) != value)
                continue;
            order_to_end(&tags->order, set, way);
            if (tags->filter)
                tags->filter[tags_filter_at(tags->marks[at])]--;
            tags->marks[at] = 0;
        }
}
