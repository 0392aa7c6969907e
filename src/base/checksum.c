#define XXH_STATIC_LINKING_ONLY /* how large a state is */
#include "base/checksum.h"

#include <xxh_x86dispatch.h> /* the widest vectors that this CPU has */

enum { ALIGNMENT = 64 };
_Static_assert(sizeof(((struct checksum *)0)->room) >= sizeof(XXH3_state_t) + ALIGNMENT - 1 &&
                   sizeof(XXH64_state_t) <= sizeof(XXH3_state_t),
    "room for either state");

static void *state_of(struct checksum *checksum)
{
    return (void *)(((uintptr_t)checksum->room + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

uint64_t checksum_of(const void *data, size_t bytes)
{
    return XXH64(data, bytes, 0);
}

void checksum_begin(struct checksum *checksum, bool old)
{
    checksum->old = old;
    if (old)
        XXH64_reset(state_of(checksum), 0);
    else
        XXH3_64bits_reset(state_of(checksum));
}

void checksum_add(struct checksum *checksum, const void *data, size_t bytes)
{
    if (checksum->old)
        XXH64_update(state_of(checksum), data, bytes);
    else
        XXH3_64bits_update(state_of(checksum), data, bytes);
}

uint64_t checksum_end(struct checksum *checksum)
{
    return checksum->old ? XXH64_digest(state_of(checksum)) : XXH3_64bits_digest(state_of(checksum));
}
