/* Checksums against accidents, not against forgery, by libxxhash (github.com/Cyan4973/xxHash,
 * doc/xxhash_spec.md), seed 0: XXH64 of whatever is small; and of memory, and of what programs write, which
 * must cost less than reading it, XXH3 (64 bits), in files of version 1 XXH64. */
#ifndef VCOST_BASE_CHECKSUM_H
#define VCOST_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* XXH64, all at once. */
uint64_t checksum_of(const void *data, size_t bytes);

/* Piece by piece. Stays where it is from begin to end. */
struct checksum {
    bool old;       /* XXH64 */
    char room[704]; /* for the library's state, which wants to begin at a multiple of 64 */
};
void checksum_begin(struct checksum *checksum, bool old);
void checksum_add(struct checksum *checksum, const void *data, size_t bytes);
uint64_t checksum_end(struct checksum *checksum);

#endif
