#include "experiment/run_left.h"

#include "base/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_since(const struct timespec *time, const struct timespec *begun)
{
    return time->tv_sec != begun->tv_sec ? time->tv_sec > begun->tv_sec : time->tv_nsec >= begun->tv_nsec;
}

static struct left_bytes look_at(const char *path, const struct timespec *begun)
{
    struct stat stat;
    struct left_bytes left = {.bytes = 0};
    struct checksum checksum;
    char bytes[64 << 10];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = file < 0 || fstat(file, &stat) < 0 ? -1 : 1;
    if (got > 0 && (S_ISCHR(stat.st_mode) || S_ISBLK(stat.st_mode))) { /* some never end */
        errno = EINVAL;
        got = -1;
    }
    checksum_begin(&checksum, false);
    while (got > 0 && (got = read(file, bytes, sizeof bytes)) > 0) {
        checksum_add(&checksum, bytes, (size_t)got);
        left.bytes += (uint64_t)got;
    }
    left.digest = checksum_end(&checksum);
    if (got < 0 || fstat(file, &stat) < 0)
        left = (struct left_bytes){.code = errno};
    else
        left.written = is_since(&stat.st_ctim, begun);
    if (file >= 0)
        close(file);
    return left;
}

void run_left_look(const struct run_watched *watched, const struct run_end *end, const struct timespec *begun,
    struct run_left *left)
{
    *left =
        (struct run_left){.status = end->status, .out = {.bytes = end->out_bytes, .digest = end->out_digest}};
    if (watched->output)
        left->out = look_at(watched->output, begun);
    for (size_t i = 0; i < watched->file_count; i++)
        left->files[i] = look_at(watched->files[i], begun);
}

static bool is_same(const struct left_bytes *a, const struct left_bytes *b)
{
    return a->code == b->code && a->written == b->written && a->bytes == b->bytes && a->digest == b->digest;
}

const char *run_left_difference(
    const struct run_watched *watched, const struct run_left *a, const struct run_left *b)
{
    if (a->status != b->status)
        return "exit status";
    if (!is_same(&a->out, &b->out))
        return "stdout";
    for (size_t i = 0; i < watched->file_count; i++)
        if (!is_same(&a->files[i], &b->files[i]))
            return watched->files[i];
    return NULL;
}
