/* The front of a saved domain, read as hostile bytes. */
#include "base/checksum.h"
#include "domain/saved/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_inside(const struct section *section, uint64_t most, uint64_t end)
{
    return section->offset >= STORED_HEADER_BYTES && section->offset <= end && section->bytes &&
           section->bytes <= most && section->bytes <= end - section->offset && section->offset % 8 == 0;
}

/* Compressed or not: are the file's end and the lengths of frames where they must be? */
static bool is_compression(const struct header *header)
{
    const uint64_t front = header->memory_offset, most = header->memory_bytes / STORED_CHUNK_BYTES;
    if (header->compression == COMPRESSION_NONE)
        return header->file_bytes == front + header->memory_bytes && !header->frames.bytes;
    return header->version >= 2 && header->compression < COMPRESSIONS && header->file_bytes >= front &&
           is_inside(&header->frames, front, front) && header->frames.bytes == most * sizeof(uint32_t);
}

static int check_header(const struct header *header, uint64_t file_bytes, struct error *error)
{
    if (memcmp(header->magic, STORED_MAGIC, sizeof header->magic) != 0)
        return error_set(error, EPROTO, "this is no saved domain: its first bytes are something else");
    if (header->version > STORED_VERSION)
        return error_set(error, ENOTSUP,
            "the file is of version %u, of a newer vcost than this one, which knows %d: restore it with that",
            header->version, STORED_VERSION);
    if (!header->version || header->bytes != STORED_HEADER_BYTES ||
        header->checksum != checksum_of(header, offsetof(struct header, checksum)))
        return error_set(error, EPROTO, "the saved domain is damaged: its header is not as it was written");
    if (file_bytes < header->file_bytes)
        return error_set(error, EPROTO,
            "the saved domain is cut off: %" PRIu64 " of %" PRIu64 " bytes are there", file_bytes,
            header->file_bytes);
    uint64_t front = header->memory_offset;
    bool good =
        header->memory_bytes >= PORTABLE_BYTES_MIN && header->memory_bytes <= PORTABLE_BYTES_MAX &&
        header->memory_bytes % STORED_CHUNK_BYTES == 0 && front % STORED_CHUNK_BYTES == 0 &&
        front <= (UINT64_C(1) << 30) && is_inside(&header->plan, STORED_PLAN_BYTES_MAX, front) &&
        is_inside(&header->state, STORED_STATE_BYTES_MAX, front) && is_inside(&header->index, front, front) &&
        header->index.bytes == header->memory_bytes / STORED_CHUNK_BYTES * sizeof(struct stored_chunk) &&
        is_compression(header);
    return good ? 0 : error_set(error, EPROTO, "the saved domain's header says what cannot be");
}

static size_t end_of(const struct section *section)
{
    return section->offset + section->bytes;
}

int stored_front_bytes(const void *bytes, uint64_t file_bytes, size_t *front, struct error *error)
{
    struct header header;
    memcpy(&header, bytes, sizeof header);
    int rc = check_header(&header, file_bytes, error);
    if (rc < 0)
        return rc;
    const struct section *sections[] = {&header.plan, &header.state, &header.index, &header.frames};
    *front = 0;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (*front < end_of(sections[i]))
            *front = end_of(sections[i]);
    return 0;
}

static int check_section(
    const char *front, const struct section *section, const char *what, struct error *error)
{
    if (checksum_of(front + section->offset, section->bytes) == section->checksum)
        return 0;
    return error_set(error, EPROTO, "the saved domain is damaged: its %s is not as it was written", what);
}

static int read_index(const char *bytes, size_t count, struct stored *saved, struct error *error)
{
    saved->chunks = count / sizeof *saved->index;
    saved->index = pool_room(&saved->state.pool, saved->chunks, sizeof *saved->index);
    if (!saved->index)
        return error_set(error, ENOMEM, "no memory for the index of a saved domain");
    memcpy(saved->index, bytes, count);
    for (size_t i = 0; i < saved->chunks; i++)
        for (unsigned word = 0; word < STORED_CHUNK_PAGES / 64; word++)
            saved->pages += (unsigned)__builtin_popcountll(saved->index[i].present[word]);
    return 0;
}

/* Frames are none but of chunks with pages, follow each other, and end with the file. */
static int read_frames(
    const char *bytes, const struct header *header, struct stored *saved, struct error *error)
{
    saved->compressed = true;
    saved->frame_at = pool_room(&saved->state.pool, saved->chunks + 1, sizeof *saved->frame_at);
    if (!saved->frame_at)
        return error_set(error, ENOMEM, "no memory for the index of a saved domain");
    saved->frame_at[0] = saved->memory_offset;
    for (size_t i = 0; i < saved->chunks; i++) {
        uint32_t frame;
        memcpy(&frame, bytes + i * sizeof frame, sizeof frame);
        if (frame > STORED_FRAME_BYTES_MAX)
            return error_set(error, EPROTO, "the saved domain's index says what cannot be");
        saved->frame_at[i + 1] = saved->frame_at[i] + frame;
    }
    return saved->frame_at[saved->chunks] == header->file_bytes
               ? 0
               : error_set(error, EPROTO, "the saved domain's index says what cannot be");
}

int stored_parse(
    const void *bytes, size_t count, uint64_t file_bytes, struct stored *saved, struct error *error)
{
    const char *front = bytes;
    struct header header;
    size_t need;
    int rc = stored_front_bytes(bytes, file_bytes, &need, error);
    if (rc < 0)
        return rc;
    if (count < need)
        return error_set(error, EPROTO, "the saved domain is cut off in its front");
    memcpy(&header, bytes, sizeof header);
    *saved = (struct stored){.version = header.version,
        .memory_offset = header.memory_offset,
        .moment = {.realtime_ns = header.realtime_ns, .host_ticks = header.host_ticks},
        .pace = (double)header.pace / 1000};
    memcpy(saved->moment.boot, header.boot, sizeof header.boot);
    if ((rc = check_section(front, &header.plan, "description", error)) == 0 &&
        (rc = check_section(front, &header.state, "state", error)) == 0 &&
        (rc = check_section(front, &header.index, "index", error)) == 0 &&
        (rc = stored_plan_read(front + header.plan.offset, header.plan.bytes, saved, error)) == 0 &&
        (rc = stored_state_read(front + header.state.offset, header.state.bytes, &saved->state, error)) == 0)
        rc = read_index(front + header.index.offset, header.index.bytes, saved, error);
    if (rc == 0 && header.compression != COMPRESSION_NONE &&
        (rc = check_section(front, &header.frames, "index", error)) == 0)
        rc = read_frames(front + header.frames.offset, &header, saved, error);
    if (rc == 0 && saved->plan.memory_bytes != header.memory_bytes)
        rc = error_set(
            error, EPROTO, "the saved domain's header and its description differ in the size of its memory");
    if (rc < 0)
        stored_free(saved);
    return rc;
}

int stored_read_bytes(int fd, void *to, size_t bytes, uint64_t offset, struct error *error)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR)
            return error_errno(error, errno, "cannot read the saved domain");
        if (got == 0)
            return error_set(
                error, EPROTO, "the saved domain is cut off: it ends at %" PRIu64 " bytes", offset + done);
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int stored_read(int fd, struct stored *saved, struct error *error)
{
    struct stat file;
    char header[STORED_HEADER_BYTES];
    size_t bytes;
    if (fstat(fd, &file) < 0)
        return error_errno(error, errno, "cannot look at the saved domain");
    if (!S_ISREG(file.st_mode))
        return error_set(error, EINVAL, "a saved domain is a regular file, and this is none");
    if (file.st_size < (off_t)sizeof header)
        return error_set(
            error, EPROTO, "this is no saved domain: it has only %" PRId64 " bytes", (int64_t)file.st_size);
    int rc = stored_read_bytes(fd, header, sizeof header, 0, error);
    if (rc < 0 || (rc = stored_front_bytes(header, (uint64_t)file.st_size, &bytes, error)) < 0)
        return rc;
    char *front = malloc(bytes);
    if (!front)
        return error_set(error, ENOMEM, "no memory for the front of a saved domain");
    rc = stored_read_bytes(fd, front, bytes, 0, error);
    if (rc == 0)
        rc = stored_parse(front, bytes, (uint64_t)file.st_size, saved, error);
    free(front);
    return rc;
}

void stored_free(struct stored *saved)
{
    machine_state_free(&saved->state);
    *saved = (struct stored){.chunks = 0};
}
