/* A domain as a file (doc/saved-domain.md has the format): read as hostile bytes, written, and its memory
 * checked. Version 3; 1 and 2 are read, too. */
#ifndef VCOST_DOMAIN_SAVED_STORED_H
#define VCOST_DOMAIN_SAVED_STORED_H

#include "base/error.h"
#include "base/progress.h"
#include "base/stop.h"
#include "domain/portable/portable.h"
#include "monitor/machine_state.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORED_VERSION = 3,
    STORED_HEADER_BYTES = 4096,
    STORED_CHUNK_BYTES = 2 << 20,
    STORED_CHUNK_PAGES = STORED_CHUNK_BYTES / 4096,
    STORED_PLAN_BYTES_MAX = 1 << 16,
    STORED_STATE_BYTES_MAX = 1 << 24,
    STORED_FRAME_BYTES_MAX =
        STORED_CHUNK_BYTES + (16 << 10), /* a compressed chunk, that cannot be any smaller */
};

/* When and where something was saved. */
struct stored_moment {
    uint64_t realtime_ns; /* since 1970 */
    uint64_t host_ticks;  /* the host's time-stamp counter */
    uint8_t boot[16];     /* boot_id of the host's kernel; zeros: it does not tell */
};
void stored_moment_now(struct stored_moment *moment);

/* Of each 2 MiB of memory: which pages are in the file, the others being zero; and the checksum over those,
 * in order. */
struct stored_chunk {
    uint64_t present[STORED_CHUNK_PAGES / 64];
    uint64_t checksum;
};

static inline bool stored_has_page(const struct stored_chunk *chunk, unsigned page)
{
    return chunk->present[page / 64] >> page % 64 & 1;
}

struct stored {       /* starts zeroed */
    unsigned version; /* of the file */
    struct portable_plan plan;
    struct machine_state state;
    struct stored_moment moment;
    double pace;                /* of its work a second, before it was saved; 0: not known */
    struct stored_chunk *index; /* in the state's pool */
    size_t chunks;
    uint64_t memory_offset; /* of guest physical address 0 in the file; a multiple of 2 MiB */
    uint64_t pages;         /* in the file */
    bool compressed;        /* with zstd: */
    uint64_t *frame_at;     /* where each chunk's frame begins, and the end of the last one; in the pool */
};

extern const struct record portable_plan_record;

/* A state as bytes, as it stands in the file (to be freed; NULL: no memory), and back: -EPROTO. */
size_t stored_state_bytes(const struct machine_state *state);
char *stored_state_write(const struct machine_state *state);
int stored_state_read(const char *bytes, size_t count, struct machine_state *state, struct error *error);

/* How many bytes a file's front takes, by its first STORED_HEADER_BYTES: up to the end of the last section.
 * -EPROTO: it is no saved domain, or damaged; -ENOTSUP: a newer one than this vcost knows. */
int stored_front_bytes(const void *header, uint64_t file_bytes, size_t *front, struct error *error);

/* Reads a front. *saved is to be freed after success alone. Errors as above. */
int stored_parse(
    const void *front, size_t bytes, uint64_t file_bytes, struct stored *saved, struct error *error);

/* Both, of a file that is open. -EINVAL: no regular file. */
int stored_read(int fd, struct stored *saved, struct error *error);
void stored_free(struct stored *saved);

/* Writes all of it: memory, which nobody changes meanwhile, and *saved but for version, index, chunks,
 * memory_offset, pages and frame_at, which are made here. -ENOSPC, -EFBIG: there is not the room for it,
 * which is looked at first, unless it is to be compressed: how much that will take is not known before.
 * -EINTR: stop was asked. Meanwhile the position of `fd` is how many bytes of memory it has gone through:
 * whoever shares the descriptor can look. The file is of no use after a failure. */
int stored_write(
    int fd, struct stored *saved, const void *memory, const struct stop *stop, struct error *error);

/* Reads chunks in any order. */
struct stored_reader {
    int fd;
    const struct stored *saved;
    /* compressed: the pages of a chunk, its frame, and the library's own */
    char *pages, *frame;
    void *context;
};
int stored_reader_open(int fd, const struct stored *saved, struct stored_reader *reader, struct error *error);
void stored_reader_close(struct stored_reader *reader);

/* Reads one to `to`, which is zeroed, and checks it. -EPROTO: it is not what was saved. */
int stored_read_chunk(struct stored_reader *reader, size_t number, char *to, struct error *error);

/* Reads the memory of the file into `memory`, zeroed, and checks it; memory NULL: checks alone. Errors as
 * above; -EINTR: stop was asked. `stop` and `progress` may be NULL. */
int stored_load(int fd, const struct stored *saved, void *memory, const struct stop *stop,
    const struct progress *progress, struct error *error);

#endif
