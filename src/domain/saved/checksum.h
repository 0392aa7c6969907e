/* XXH64 (Yann Collet; the algorithm is specified in github.com/Cyan4973/xxHash, doc/xxhash_spec.md) with seed
 * 0: a checksum against accidents, not against forgery, that costs less than reading the memory. */
#ifndef VCOST_DOMAIN_SAVED_CHECKSUM_H
#define VCOST_DOMAIN_SAVED_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum { CHECKSUM_BLOCK = 32 };

struct checksum {
    uint64_t lane[4], bytes;
};

void checksum_begin(struct checksum *checksum);
/* A multiple of CHECKSUM_BLOCK bytes. */
void checksum_add(struct checksum *checksum, const void *data, size_t bytes);
/* With the last bytes, as many as there are. */
uint64_t checksum_end(const struct checksum *checksum, const void *data, size_t bytes);

/* All at once. */
uint64_t checksum_of(const void *data, size_t bytes);

#endif
