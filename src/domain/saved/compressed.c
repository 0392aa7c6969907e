/* Memory by choice compressed, with zstd: of each 2 MiB one frame of the pages that are not zero, one frame
 * behind the other. Such a file can be read in any order, but not mapped. */
#include "base/checksum.h"
#include "domain/saved/internal.h"

#include "base/size.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

/* The fastest: what is saved is mostly read once, and waits for this. */
enum { LEVEL = 1 };

static size_t pages_in(const struct stored_chunk *chunk)
{
    size_t pages = 0;
    for (unsigned i = 0; i < STORED_CHUNK_PAGES / 64; i++)
        pages += (unsigned)__builtin_popcountll(chunk->present[i]);
    return pages;
}

/* Copies the pages that are there, in order: from a chunk to a row, or back. */
static void move_pages(const struct stored_chunk *chunk, char *memory, char *row, bool to_row)
{
    for (unsigned i = 0; i < STORED_CHUNK_PAGES / 64; i++)
        for (unsigned at = 0, run; (run = stored_next_run(chunk->present[i], &at)) > 0; at += run) {
            char *pages = memory + ((size_t)i * 64 + at) * PAGE_BYTES;
            memcpy(to_row ? row : pages, to_row ? pages : row, (size_t)run * PAGE_BYTES);
            row += (size_t)run * PAGE_BYTES;
        }
}

static uint64_t sum_of(const char *pages, size_t bytes)
{
    struct checksum checksum;
    checksum_begin(&checksum, false);
    checksum_add(&checksum, pages, bytes);
    return checksum_end(&checksum);
}

/* ---- writing ---- */

static int write_frame(int fd, struct stored *saved, size_t number, const char *memory,
    struct stored_reader *room, struct error *error)
{
    struct stored_chunk *chunk = &saved->index[number];
    for (unsigned i = 0; i < STORED_CHUNK_PAGES / 64; i++)
        chunk->present[i] = stored_present(memory + (size_t)i * 64 * PAGE_BYTES);
    const size_t pages = pages_in(chunk), bytes = pages * PAGE_BYTES;
    move_pages(chunk, (char *)(uintptr_t)memory, room->pages, true);
    chunk->checksum = sum_of(room->pages, bytes);
    saved->pages += pages;
    size_t frame = pages ? ZSTD_compressCCtx(
                               room->context, room->frame, STORED_FRAME_BYTES_MAX, room->pages, bytes, LEVEL)
                         : 0;
    if (ZSTD_isError(frame))
        return error_set(
            error, ENOMEM, "the domain's memory cannot be compressed: %s", ZSTD_getErrorName(frame));
    saved->frame_at[number + 1] = saved->frame_at[number] + frame;
    return stored_write_bytes(fd, room->frame, frame, saved->frame_at[number], error);
}

static int get_room(struct stored_reader *room, struct error *error)
{
    room->pages = malloc(STORED_CHUNK_BYTES);
    room->frame = malloc(STORED_FRAME_BYTES_MAX);
    return room->pages && room->frame && room->context
               ? 0
               : error_set(error, ENOMEM, "no memory to compress a saved domain, or to read one");
}

int stored_write_frames(
    int fd, struct stored *saved, const char *memory, const struct stop *stop, struct error *error)
{
    struct stored_reader room = {.context = ZSTD_createCCtx()};
    int rc = get_room(&room, error);
    saved->pages = 0;
    saved->frame_at[0] = saved->memory_offset;
    for (size_t i = 0; rc == 0 && i < saved->chunks; i++)
        if ((rc = stored_go_on(fd, i, stop, error)) == 0)
            rc = write_frame(fd, saved, i, memory + i * STORED_CHUNK_BYTES, &room, error);
    ZSTD_freeCCtx(room.context);
    free(room.pages);
    free(room.frame);
    return rc;
}

/* ---- reading ---- */

int stored_reader_open(int fd, const struct stored *saved, struct stored_reader *reader, struct error *error)
{
    *reader = (struct stored_reader){.fd = fd, .saved = saved};
    if (!saved->compressed)
        return 0;
    reader->context = ZSTD_createDCtx();
    int rc = get_room(reader, error);
    if (rc < 0)
        stored_reader_close(reader);
    return rc;
}

void stored_reader_close(struct stored_reader *reader)
{
    ZSTD_freeDCtx(reader->context);
    free(reader->pages);
    free(reader->frame);
    *reader = (struct stored_reader){.fd = -1};
}

static int read_frame(struct stored_reader *reader, size_t number, char *to, struct error *error)
{
    const struct stored_chunk *chunk = &reader->saved->index[number];
    const uint64_t *at = &reader->saved->frame_at[number];
    const size_t bytes = pages_in(chunk) * PAGE_BYTES, frame = at[1] - at[0];
    int rc = stored_read_bytes(reader->fd, reader->frame, frame, at[0], error);
    if (rc < 0 || !bytes)
        return rc;
    if (ZSTD_decompressDCtx(reader->context, reader->pages, bytes, reader->frame, frame) != bytes ||
        sum_of(reader->pages, bytes) != chunk->checksum)
        return stored_damaged(number, error);
    move_pages(chunk, to, reader->pages, false);
    return 0;
}

int stored_read_chunk(struct stored_reader *reader, size_t number, char *to, struct error *error)
{
    return reader->saved->compressed ? read_frame(reader, number, to, error)
                                     : stored_read_plain(reader->fd, reader->saved, number, to, error);
}

/* How far it is, by what it took until now. */
static void tell(
    const struct progress *progress, const struct timespec *begun, size_t done, size_t all, bool checks)
{
    struct timespec now;
    if (!progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double took = difftime(now.tv_sec, begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
    progress->tell(progress->context, (double)done / (double)all,
        done ? took * (double)(all - done) / (double)done : NAN,
        checks ? "its memory is checked" : "its memory is read");
}

int stored_load(int fd, const struct stored *saved, void *memory, const struct stop *stop,
    const struct progress *progress, struct error *error)
{
    struct stored_reader reader;
    struct timespec begun;
    char *scratch = memory ? NULL : malloc(STORED_CHUNK_BYTES);
    int rc = memory || scratch ? stored_reader_open(fd, saved, &reader, error)
                               : error_set(error, ENOMEM, "no memory to check a saved domain");
    if (rc < 0) {
        free(scratch);
        return rc;
    }
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (size_t i = 0; rc == 0 && i < saved->chunks; i++) {
        if (stop_asked(stop)) {
            rc = error_set(error, EINTR, "%s when %zu MiB of %zu had been read, which were right",
                stop_reason(stop), i * STORED_CHUNK_BYTES / MIB, saved->chunks * STORED_CHUNK_BYTES / MIB);
            break;
        }
        tell(progress, &begun, i, saved->chunks, !memory);
        rc = stored_read_chunk(&reader, i, memory ? (char *)memory + i * STORED_CHUNK_BYTES : scratch, error);
    }
    stored_reader_close(&reader);
    free(scratch);
    return rc;
}
