/* What the native chase is held against: the loop that anybody would write. In a file of its own, so that the
 * compiler knows nothing of its caller. */
#ifndef VCOST_BENCH_PLAIN_LOOP_H
#define VCOST_BENCH_PLAIN_LOOP_H

#include <stdint.h>

/* Follows the pointer at `element`, `steps` times, and returns where that ends. */
void *plain_loop(void *element, uint64_t steps);

#endif
