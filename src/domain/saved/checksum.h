/* Checksums against accidents, not against forgery, by libxxhash (github.com/Cyan4973/xxHash,
 * doc/xxhash_spec.md), seed 0: XXH64 of whatever is small; and of memory, which must cost less than reading
 * it, XXH3 (64 bits), in files of version 1 XXH64. */
#ifndef VCOST_DOMAIN_SAVED_CHECKSUM_H
#define VCOST_DOMAIN_SAVED_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define XXH_STATIC_LINKING_ONLY /* how large a state is */
#include <xxhash.h>

/* XXH64, all at once. */
uint64_t checksum_of(const void *data, size_t bytes);

/* Of memory, piece by piece. */
struct checksum {
    bool old; /* XXH64 */
    XXH64_state_t xxh64;
    XXH3_state_t xxh3;
};
void checksum_begin(struct checksum *checksum, bool old);
void checksum_add(struct checksum *checksum, const void *data, size_t bytes);
uint64_t checksum_end(const struct checksum *checksum);

#endif
