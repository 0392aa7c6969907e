/* Writing a saved domain. */
#include "base/checksum.h"
#include "domain/saved/internal.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

int stored_cannot_write(int code, struct error *error)
{
    if (code == ENOSPC || code == EDQUOT)
        return error_set(
            error, code, "the disk is full: the domain cannot be saved there (%s)", strerror(code));
    if (code == EFBIG)
        return error_set(
            error, code, "the file would be larger than this process may write: raise `ulimit -f`");
    return error_errno(error, code, "cannot write the saved domain");
}

int stored_write_bytes(int fd, const void *from, size_t bytes, uint64_t offset, struct error *error)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put = pwrite(fd, (const char *)from + done, bytes - done, (off_t)(offset + done));
        if (put < 0 && errno != EINTR)
            return stored_cannot_write(errno, error);
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* Before anything is written: what is left on the disk, and what this process may write. Pages are counted
 * only where there is not room for all of them. */
static int check_space(
    int fd, const struct stored *saved, const char *memory, uint64_t front, struct error *error)
{
    const uint64_t all = saved->plan.memory_bytes;
    struct statvfs disk;
    struct rlimit limit;
    char need[SIZE_TEXT_BYTES], have[SIZE_TEXT_BYTES];
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < saved->memory_offset + all)
        return stored_cannot_write(EFBIG, error);
    if (fstatvfs(fd, &disk) < 0)
        return error_errno(error, errno, "cannot look how much room there is for the saved domain");
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize, used = front + all;
    if (left >= used || !disk.f_blocks)
        return 0;
    used = front + stored_count_pages(memory, all) * PAGE_BYTES;
    if (left >= used)
        return 0;
    size_text(used, need);
    size_text(left, have);
    return error_set(error, ENOSPC, "the saved domain takes %s, and only %s are left there", need, have);
}

struct front {
    char *bytes;
    size_t used;
};

static struct section put_section(struct front *front, const void *data, size_t bytes)
{
    struct section section = {front->used, bytes, checksum_of(data, bytes)};
    memcpy(front->bytes + front->used, data, bytes);
    front->used += (bytes + 7) / 8 * 8;
    return section;
}

/* The length of each frame, four bytes. */
static struct section put_frames(struct front *front, const struct stored *saved)
{
    const size_t bytes = saved->chunks * sizeof(uint32_t);
    char *at = front->bytes + front->used;
    for (size_t i = 0; i < saved->chunks; i++) {
        const uint32_t frame = (uint32_t)(saved->frame_at[i + 1] - saved->frame_at[i]);
        memcpy(at + i * sizeof frame, &frame, sizeof frame);
    }
    struct section section = {front->used, bytes, checksum_of(at, bytes)};
    front->used += (bytes + 7) / 8 * 8;
    return section;
}

static int write_front(int fd, const struct stored *saved, const char *plan, size_t plan_bytes,
    const char *state, struct error *error)
{
    struct header header = {.version = STORED_VERSION,
        .bytes = STORED_HEADER_BYTES,
        .file_bytes = saved->compressed ? saved->frame_at[saved->chunks]
                                        : saved->memory_offset + saved->plan.memory_bytes,
        .memory_offset = saved->memory_offset,
        .memory_bytes = saved->plan.memory_bytes,
        .realtime_ns = saved->moment.realtime_ns,
        .host_ticks = saved->moment.host_ticks,
        .pace = (uint64_t)(saved->pace * 1000)};
    struct front front = {.bytes = calloc(1, saved->memory_offset), .used = STORED_HEADER_BYTES};
    if (!front.bytes)
        return error_set(error, ENOMEM, "no memory for the front of a saved domain");
    memcpy(header.magic, STORED_MAGIC, sizeof header.magic);
    memcpy(header.boot, saved->moment.boot, sizeof header.boot);
    header.plan = put_section(&front, plan, plan_bytes);
    header.state = put_section(&front, state, stored_state_bytes(&saved->state));
    header.index = put_section(&front, saved->index, saved->chunks * sizeof *saved->index);
    if (saved->compressed) {
        header.compression = COMPRESSION_ZSTD;
        header.frames = put_frames(&front, saved);
    }
    header.checksum = checksum_of(&header, offsetof(struct header, checksum));
    memcpy(front.bytes, &header, sizeof header);
    int rc = stored_write_bytes(fd, front.bytes, front.used, 0, error);
    free(front.bytes);
    return rc;
}

int stored_go_on(int fd, size_t chunk, const struct stop *stop, struct error *error)
{
    (void)lseek(fd, (off_t)(chunk * STORED_CHUNK_BYTES), SEEK_SET); /* what cannot seek cannot be written */
    return stop_asked(stop) ? error_set(error, EINTR, "%s before all of it was written", stop_reason(stop))
                            : 0;
}

static int write_memory(int fd, struct stored *saved, const char *memory, uint64_t front,
    const struct stop *stop, struct error *error)
{
    int rc = saved->compressed ? 0 : check_space(fd, saved, memory, front, error);
    if (rc < 0 || (rc = (saved->compressed ? stored_write_frames : stored_write_chunks)(
                       fd, saved, memory, stop, error)) < 0)
        return rc;
    uint64_t end =
        saved->compressed ? saved->frame_at[saved->chunks] : saved->memory_offset + saved->plan.memory_bytes;
    return ftruncate(fd, (off_t)end) < 0 ? stored_cannot_write(errno, error) : 0;
}

static int make_index(struct stored *saved, struct error *error)
{
    struct pool *pool = &saved->state.pool;
    saved->version = STORED_VERSION;
    saved->chunks = saved->plan.memory_bytes / STORED_CHUNK_BYTES;
    saved->index = pool_room(pool, saved->chunks, sizeof *saved->index);
    saved->frame_at = saved->compressed ? pool_room(pool, saved->chunks + 1, sizeof *saved->frame_at) : NULL;
    return saved->index && (saved->frame_at || !saved->compressed)
               ? 0
               : error_set(error, ENOMEM, "no memory to save a domain");
}

int stored_write(
    int fd, struct stored *saved, const void *memory, const struct stop *stop, struct error *error)
{
    char *plan = NULL, *state = stored_state_write(&saved->state);
    size_t plan_bytes = 0;
    int rc = state ? make_index(saved, error) : error_set(error, ENOMEM, "no memory to save a domain");
    if (rc == 0 && (rc = stored_plan_write(&saved->plan, &plan, &plan_bytes, error)) == 0) {
        const uint64_t front = STORED_HEADER_BYTES + plan_bytes + stored_state_bytes(&saved->state) +
                               saved->chunks * (sizeof *saved->index + sizeof(uint32_t)) + 64;
        saved->memory_offset = (front + STORED_CHUNK_BYTES - 1) / STORED_CHUNK_BYTES * STORED_CHUNK_BYTES;
        rc = write_memory(fd, saved, memory, front, stop, error);
    }
    if (rc == 0)
        rc = write_front(fd, saved, plan, plan_bytes, state, error);
    free(plan);
    free(state);
    return rc;
}
