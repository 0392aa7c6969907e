/* Memory for many small things that live and die together: the strings of a result, what a document says.
 *
 * Nothing is freed alone. A lack of memory is remembered in the pool and looked at once, at the end; until
 * then texts that could not be kept are "". */
#ifndef VCOST_BASE_POOL_H
#define VCOST_BASE_POOL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct pool {
    struct pool_block *newest; /* owned, with all before it */
    bool failed;               /* something could not be kept for lack of memory */
};

/* count * size zeroed bytes, aligned for anything; NULL for none, and (failed is set) without memory. */
void *pool_room(struct pool *pool, size_t count, size_t size);

/* A copy of text; never NULL. NULL stays NULL. */
const char *pool_text(struct pool *pool, const char *text);

/* A text of printf's; never NULL. */
const char *pool_format(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *pool_vformat(struct pool *pool, const char *format, va_list list);

/* `items` (count of them, of `size` bytes) with room for one more, for lists that grow: itself or a copy with
 * twice the room. NULL (failed is set) without memory: the old one stays. `room` counts items. */
void *pool_grow(struct pool *pool, void *items, size_t count, size_t *room, size_t size);

void pool_free(struct pool *pool);

#endif
