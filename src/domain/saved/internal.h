/* What the files of this folder share: the front of a saved domain as it stands in the file, little-endian,
 * as this architecture is (doc/saved-domain.md). */
#ifndef VCOST_DOMAIN_SAVED_INTERNAL_H
#define VCOST_DOMAIN_SAVED_INTERNAL_H

#include "domain/saved/stored.h"

enum { PAGE_BYTES = 4096 };

struct section {
    uint64_t offset, bytes, checksum;
};

struct header {
    char magic[8];
    uint32_t version, bytes;
    uint64_t file_bytes;
    struct section plan, state, index;
    uint64_t memory_offset, memory_bytes;
    uint64_t realtime_ns, host_ticks;
    uint8_t boot[16];
    uint64_t pace; /* thousandths a second */
    /* from version 2 on; of one of version 1 all this is 0 */
    uint32_t compression, unused; /* of the memory: enum compression */
    struct section frames;        /* only with compression */
    char reserved[STORED_HEADER_BYTES - 192];
    uint64_t checksum; /* of all before it */
};
_Static_assert(sizeof(struct header) == STORED_HEADER_BYTES, "doc/saved-domain.md");
_Static_assert(offsetof(struct header, reserved) == 184, "doc/saved-domain.md");

enum compression { COMPRESSION_NONE, COMPRESSION_ZSTD, COMPRESSIONS };

#define STORED_MAGIC "VCOSTDOM"

/* plan.c: the plan as JSON. What is read is kept in saved->state's pool; what is written is to be freed. */
int stored_plan_read(const char *text, size_t bytes, struct stored *saved, struct error *error);
int stored_plan_write(const struct portable_plan *plan, char **text, size_t *bytes, struct error *error);

/* read.c, write.c: all of it, however many calls that takes. */
int stored_read_bytes(int fd, void *to, size_t bytes, uint64_t offset, struct error *error);
int stored_write_bytes(int fd, const void *from, size_t bytes, uint64_t offset, struct error *error);
int stored_cannot_write(int code, struct error *error);

/* chunk.c: writes the pages of the memory that are not zero, and fills saved->index, in which there is room
 * for all chunks; how many pages that will be; and reads a chunk of a file that is not compressed. */
int stored_write_chunks(
    int fd, struct stored *saved, const char *memory, const struct stop *stop, struct error *error);
uint64_t stored_count_pages(const char *memory, uint64_t bytes);
int stored_read_plain(int fd, const struct stored *saved, size_t number, char *to, struct error *error);
int stored_damaged(size_t number, struct error *error);

/* The next run of pages, of 64, that are there, from *from on: where it begins, and how many; 0: none. */
unsigned stored_next_run(uint64_t present, unsigned *from);

/* Which of the 64 pages at `piece` are not zero. */
uint64_t stored_present(const char *piece);

/* compressed.c: the same with frames, for which saved->frame_at has room. */
int stored_write_frames(
    int fd, struct stored *saved, const char *memory, const struct stop *stop, struct error *error);

/* write.c: before each chunk: tells how far it is; -EINTR if stop is asked. */
int stored_go_on(int fd, size_t chunk, const struct stop *stop, struct error *error);

#endif
