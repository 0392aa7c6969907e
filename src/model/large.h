/* Real memory that is read here and there: in large pages, where the kernel has some, so that the real CPU's
 * own TLB knows all of it. */
#ifndef VCOST_MODEL_LARGE_H
#define VCOST_MODEL_LARGE_H

#include <stddef.h>

enum { LARGE_BYTES = 2 << 20 };

/* All 0, and it begins with a page; `bytes` is a multiple of LARGE_BYTES. NULL: there is none. */
void *large_take(size_t bytes);
void large_give(void *memory, size_t bytes); /* NULL is allowed */

#endif
