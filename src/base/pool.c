#include "base/pool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_block {
    struct pool_block *before;
    size_t used, room;
    _Alignas(max_align_t) unsigned char bytes[];
};

enum { BLOCK_BYTES = 16 << 10 };

static size_t aligned(size_t bytes)
{
    return (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

/* Zeroed, since blocks are and nothing is given back. */
static void *take(struct pool *pool, size_t bytes)
{
    struct pool_block *block = pool->newest;
    size_t needed = aligned(bytes);
    if (!block || block->room - block->used < needed || needed < bytes) {
        size_t room = needed > BLOCK_BYTES ? needed : BLOCK_BYTES;
        block = needed < bytes || needed > SIZE_MAX / 2 ? NULL : calloc(1, sizeof *block + room);
        pool->failed |= !block;
        if (!block)
            return NULL;
        block->room = room;
        block->before = pool->newest;
        pool->newest = block;
    }
    void *taken = block->bytes + block->used;
    block->used += needed;
    return taken;
}

void *pool_room(struct pool *pool, size_t count, size_t size)
{
    size_t bytes;
    if (!count || !size)
        return NULL;
    return take(pool, __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes);
}

const char *pool_text(struct pool *pool, const char *text)
{
    if (!text)
        return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = take(pool, bytes);
    return copy ? memcpy(copy, text, bytes) : "";
}

const char *pool_vformat(struct pool *pool, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    char *text = length < 0 ? NULL : take(pool, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text ? text : "";
}

const char *pool_format(struct pool *pool, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = pool_vformat(pool, format, list);
    va_end(list);
    return text;
}

void *pool_grow(struct pool *pool, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    size_t more = *room ? 2 * *room : 16;
    void *grown = pool_room(pool, more, size);
    if (!grown)
        return NULL;
    if (count)
        memcpy(grown, items, count * size);
    *room = more;
    return grown;
}

void pool_free(struct pool *pool)
{
    for (struct pool_block *block = pool->newest, *before; block; block = before) {
        before = block->before;
        free(block);
    }
    *pool = (struct pool){0};
}
