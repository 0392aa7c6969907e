#include "model/tags.h"

#include "model/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REAL_LINE_BYTES = 64 };

static unsigned shift_of(const struct machine_shape *shape)
{
    return shape->index == INDEX_HASH ? 0 : (unsigned)__builtin_ctz(shape->entries / shape->ways);
}

bool tags_are_enough(const struct machine_shape *shape, uint64_t limit)
{
    return limit >> shift_of(shape) < UINT32_MAX;
}

static uint32_t stride_of(enum tags_kind kind, unsigned ways)
{
    return kind & TAGS_STRIDE_16 ? 16 : (ways + LIST_STEP - 1) / LIST_STEP * LIST_STEP;
}

/* What is known of a table. */
static enum tags_kind kind_of(enum tags_kind kind, const struct machine_shape *shape)
{
    if (kind != TAGS_KEYED)
        return kind;
    if (shape->entries == shape->ways && shape->ways > ORDER_WORD_WAYS)
        return TAGS_KEYED_ONE_SET;
    return shape->index == INDEX_BITS && shape->ways <= LIST_STEP ? TAGS_KEYED_FEW : TAGS_KEYED;
}

static size_t mark_bytes(const struct tags *tags)
{
    return tags->sets * tags->stride * sizeof *tags->marks;
}

static bool is_large(size_t bytes)
{
    return bytes >= LARGE_BYTES;
}

static uint32_t *allocate_marks(size_t bytes)
{
    if (is_large(bytes))
        return large_take((bytes + LARGE_BYTES - 1) & -(size_t)LARGE_BYTES);
    bytes = (bytes + REAL_LINE_BYTES - 1) & -(size_t)REAL_LINE_BYTES;
    uint32_t *marks = aligned_alloc(REAL_LINE_BYTES, bytes);
    return marks ? memset(marks, 0, bytes) : NULL;
}

static void free_marks(uint32_t *marks, size_t bytes)
{
    if (is_large(bytes))
        large_give(marks, (bytes + LARGE_BYTES - 1) & -(size_t)LARGE_BYTES);
    else
        free(marks);
}

/* All of it, empty. */
static bool allocate(struct tags *tags, enum tags_kind kind)
{
    size_t count = tags->sets * tags->stride;
    bool keyed = kind & TAGS_WITH_KEYS,
         filters = keyed && tags->sets == 1 && kind & TAGS_OF_MANY && tags->ways <= TAGS_FILTER_WAYS;
    tags->marks = allocate_marks(mark_bytes(tags));
    tags->entries = keyed ? calloc(count, sizeof *tags->entries) : NULL;
    tags->filter = filters ? calloc(1, sizeof *tags->filter) : NULL;
    if (!tags->marks || (keyed && !tags->entries) || (filters && !tags->filter))
        return false;
    return !keyed || order_init(&tags->order, tags->sets, tags->ways);
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
        .kind = kind_of(kind, shape),
        .stride = stride_of(kind, shape->ways),
        .replacement = shape->replacement,
        .random = seed,
    };
    if (allocate(tags, tags->kind))
        return 0;
    tags_free(tags);
    return error_set(error, ENOMEM, "no memory for a simulated cache of %u entries", shape->entries);
}

void tags_free(struct tags *tags)
{
    free_marks(tags->marks, mark_bytes(tags));
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
    memset(tags->marks, 0, mark_bytes(tags));
    if (tags->filter)
        memset(tags->filter, 0, sizeof *tags->filter);
    tags->used = false;
}

void tags_drop_marked(struct tags *tags, uint64_t mask, uint64_t value)
{
    for (size_t set = 0; tags->used && set < tags->sets; set++)
        for (unsigned way = 0; way < tags->ways; way++) {
            size_t at = set * tags->stride + way;
            if (!tags->marks[at] || (tags->entries[at].key & mask) != value)
                continue;
            order_to_end(true, &tags->order, set, way);
            if (tags->filter)
                tags->filter->count[tags_filter_at(tags->marks[at])]--;
            tags->marks[at] = 0;
        }
}
