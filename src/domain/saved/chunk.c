/* The memory of a saved domain, 2 MiB by 2 MiB. Each is gone through in pieces of 64 pages, one word of its
 * bitmap, which stay in the CPU's cache from one step to the next: a page is looked at, summed and written,
 * or read and summed, while it is there, so that all of memory is fetched once. */
#include "base/checksum.h"
#include "domain/saved/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE_PAGES = 64, PIECES = STORED_CHUNK_PAGES / PIECE_PAGES };

/* ---- which pages ---- */

static bool is_zero(const char *page)
{
    const uint64_t *words = (const uint64_t *)page;
    for (unsigned i = 0; i < PAGE_BYTES / 8; i += 8)
        if (words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] | words[i + 5] |
            words[i + 6] | words[i + 7])
            return false;
    return true;
}

uint64_t stored_present(const char *piece)
{
    uint64_t present = 0;
    for (unsigned page = 0; page < PIECE_PAGES; page++)
        present |= (uint64_t)!is_zero(piece + (size_t)page * PAGE_BYTES) << page;
    return present;
}

uint64_t stored_count_pages(const char *memory, uint64_t bytes)
{
    uint64_t pages = 0;
    for (uint64_t at = 0; at < bytes; at += PIECE_PAGES * PAGE_BYTES)
        pages += (unsigned)__builtin_popcountll(stored_present(memory + at));
    return pages;
}

unsigned stored_next_run(uint64_t present, unsigned *from)
{
    uint64_t left = *from < PIECE_PAGES ? present >> *from : 0;
    if (!left)
        return 0;
    unsigned skip = (unsigned)__builtin_ctzll(left);
    *from += skip;
    left >>= skip;
    return ~left ? (unsigned)__builtin_ctzll(~left) : PIECE_PAGES;
}

/* ---- writing ---- */

static int write_piece(int fd, const char *piece, uint64_t present, uint64_t offset,
    struct checksum *checksum, struct error *error)
{
    int rc = 0;
    for (unsigned at = 0, run; rc == 0 && (run = stored_next_run(present, &at)) > 0; at += run) {
        const size_t skip = (size_t)at * PAGE_BYTES, bytes = (size_t)run * PAGE_BYTES;
        checksum_add(checksum, piece + skip, bytes);
        rc = stored_write_bytes(fd, piece + skip, bytes, offset + skip, error);
    }
    return rc;
}

static int write_chunk(int fd, struct stored *saved, size_t number, const char *memory, struct error *error)
{
    struct stored_chunk *chunk = &saved->index[number];
    struct checksum checksum;
    int rc = 0;
    checksum_begin(&checksum, saved->version < 2);
    for (unsigned i = 0; rc == 0 && i < PIECES; i++) {
        const uint64_t skip = (uint64_t)i * PIECE_PAGES * PAGE_BYTES;
        chunk->present[i] = stored_present(memory + skip);
        saved->pages += (unsigned)__builtin_popcountll(chunk->present[i]);
        rc = write_piece(fd, memory + skip, chunk->present[i],
            saved->memory_offset + number * STORED_CHUNK_BYTES + skip, &checksum, error);
    }
    chunk->checksum = checksum_end(&checksum);
    return rc;
}

int stored_write_chunks(
    int fd, struct stored *saved, const char *memory, const struct stop *stop, struct error *error)
{
    int rc = 0;
    saved->pages = 0;
    for (size_t i = 0; rc == 0 && i < saved->chunks; i++)
        if ((rc = stored_go_on(fd, i, stop, error)) == 0)
            rc = write_chunk(fd, saved, i, memory + i * STORED_CHUNK_BYTES, error);
    return rc;
}

/* ---- reading ---- */

static int read_piece(
    int fd, char *piece, uint64_t present, uint64_t offset, struct checksum *checksum, struct error *error)
{
    int rc = 0;
    for (unsigned at = 0, run; rc == 0 && (run = stored_next_run(present, &at)) > 0; at += run) {
        const size_t skip = (size_t)at * PAGE_BYTES, bytes = (size_t)run * PAGE_BYTES;
        rc = stored_read_bytes(fd, piece + skip, bytes, offset + skip, error);
        if (rc == 0)
            checksum_add(checksum, piece + skip, bytes);
    }
    return rc;
}

int stored_damaged(size_t number, struct error *error)
{
    return error_set(error, EPROTO,
        "the saved domain is damaged: its memory from 0x%" PRIx64 " on (2 MiB) is not as it was written",
        (uint64_t)number * STORED_CHUNK_BYTES);
}

/* Whether the bytes from `at` to `end` are zeros: those that the file has; holes are. */
static bool is_blank(int fd, uint64_t at, uint64_t end)
{
    _Alignas(uint64_t) char page[PAGE_BYTES];
    struct error ignored;
    for (; at < end; at += PAGE_BYTES) {
        off_t data = lseek(fd, (off_t)at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            return true;
        if (data >= 0) /* else the file system does not tell */
            at = (uint64_t)data & -(uint64_t)PAGE_BYTES;
        if (at < end && (stored_read_bytes(fd, page, sizeof page, at, &ignored) < 0 || !is_zero(page)))
            return false;
    }
    return true;
}

/* What is not in the index is read as zeros, and mapped as it stands in the file. */
static bool is_absent(int fd, uint64_t present, uint64_t offset)
{
    bool good = true;
    for (unsigned at = 0, run; good && (run = stored_next_run(~present, &at)) > 0; at += run)
        good = is_blank(fd, offset + (uint64_t)at * PAGE_BYTES, offset + (uint64_t)(at + run) * PAGE_BYTES);
    return good;
}

int stored_read_plain(int fd, const struct stored *saved, size_t number, char *to, struct error *error)
{
    const struct stored_chunk *chunk = &saved->index[number];
    struct checksum checksum;
    int rc = 0;
    checksum_begin(&checksum, saved->version < 2);
    for (unsigned i = 0; rc == 0 && i < PIECES; i++) {
        const uint64_t skip = (uint64_t)i * PIECE_PAGES * PAGE_BYTES,
                       offset = saved->memory_offset + number * STORED_CHUNK_BYTES + skip;
        rc = read_piece(fd, to + skip, chunk->present[i], offset, &checksum, error);
        if (rc == 0 && !is_absent(fd, chunk->present[i], offset))
            rc = stored_damaged(number, error);
    }
    return rc == 0 && checksum_end(&checksum) != chunk->checksum ? stored_damaged(number, error) : rc;
}
