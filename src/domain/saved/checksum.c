#include "domain/saved/checksum.h"

#include <xxh_x86dispatch.h> /* the widest vectors that this CPU has */

uint64_t checksum_of(const void *data, size_t bytes)
{
    return XXH64(data, bytes, 0);
}

void checksum_begin(struct checksum *checksum, bool old)
{
    checksum->old = old;
    if (old)
        XXH64_reset(&checksum->xxh64, 0);
    else
        XXH3_64bits_reset(&checksum->xxh3);
}

void checksum_add(struct checksum *checksum, const void *data, size_t bytes)
{
    if (checksum->old)
        XXH64_update(&checksum->xxh64, data, bytes);
    else
        XXH3_64bits_update(&checksum->xxh3, data, bytes);
}

uint64_t checksum_end(const struct checksum *checksum)
{
    return checksum->old ? XXH64_digest(&checksum->xxh64) : XXH3_64bits_digest(&checksum->xxh3);
}
