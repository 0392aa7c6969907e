#include "domain/saved/ahead.h"

#include "domain/saved/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* From so many pages on that were written in 2 MiB it takes no longer to copy all of them. */
enum { DENSE_PAGES = STORED_CHUNK_PAGES / 4 };

struct ahead {
    const struct touched *touched;
    const struct stored *saved;
    struct portable *portable;
    char *memory;
    struct stored_reader reader;
    int pagemap; /* /proc/self/pagemap */
    pthread_t thread;
    atomic_bool quit;
    pthread_mutex_t lock; /* of: */
    struct ahead_told told;
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- 2 MiB at once ---- */

/* Addresses of 2 MiB, at a multiple of that. NULL: none. */
static char *new_piece(void)
{
    const size_t all = 2 * (size_t)STORED_CHUNK_BYTES;
    char *base = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    const size_t before = -(uintptr_t)base % STORED_CHUNK_BYTES;
    if (before)
        munmap(base, before);
    munmap(base + before + STORED_CHUNK_BYTES, STORED_CHUNK_BYTES - before);
    (void)madvise(base + before, STORED_CHUNK_BYTES, MADV_HUGEPAGE);
    return base + before;
}

/* What the domain has written there since it runs is no page of the file any more. It is held. */
static bool copy_written(const struct ahead *ahead, char *piece, const char *mapped)
{
    uint64_t entries[STORED_CHUNK_PAGES];
    const off_t at = (off_t)((uintptr_t)mapped / PAGE_BYTES * sizeof entries[0]);
    if (pread(ahead->pagemap, entries, sizeof entries, at) != (ssize_t)sizeof entries)
        return false;
    for (size_t page = 0; page < STORED_CHUNK_PAGES; page++)
        if (touched_is_written(entries[page]))
            memcpy(piece + page * PAGE_BYTES, mapped + page * PAGE_BYTES, PAGE_BYTES);
    return true;
}

static bool put_in_place(struct ahead *ahead, char *piece, char *mapped)
{
    const double begun = now_ms();
    struct error error;
    if (portable_hold(ahead->portable, true, &error) < 0)
        return false;
    bool done =
        copy_written(ahead, piece, mapped) && mremap(piece, STORED_CHUNK_BYTES, STORED_CHUNK_BYTES,
                                                  MREMAP_MAYMOVE | MREMAP_FIXED, mapped) != MAP_FAILED;
    (void)portable_hold(ahead->portable, false, &error);
    pthread_mutex_lock(&ahead->lock);
    ahead->told.held_ms += now_ms() - begun;
    ahead->told.large += done;
    pthread_mutex_unlock(&ahead->lock);
    return done;
}

static bool bring_piece(struct ahead *ahead, size_t number)
{
    char *piece = new_piece();
    struct error error;
    bool done = piece && stored_read_chunk(&ahead->reader, number, piece, &error) == 0 &&
                put_in_place(ahead, piece, ahead->memory + number * STORED_CHUNK_BYTES);
    if (piece && !done)
        munmap(piece, STORED_CHUNK_BYTES);
    return done;
}

/* ---- runs ---- */

/* What of a run lies in a chunk. */
static uint64_t part_of(const struct touched_run *run, size_t chunk, uint64_t *first)
{
    const uint64_t from = chunk * STORED_CHUNK_PAGES, end = from + STORED_CHUNK_PAGES;
    *first = run->first > from ? run->first : from;
    const uint64_t last = run->first + run->pages < end ? run->first + run->pages : end;
    return last > *first ? last - *first : 0;
}

/* Linux 5.14. A file that is cut off meanwhile is EFAULT here, and no signal. */
static bool bring_runs(struct ahead *ahead, size_t chunk, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct touched_run *run = &ahead->touched->runs[i];
        uint64_t first, pages = part_of(run, chunk, &first);
        if (pages && madvise(ahead->memory + first * PAGE_BYTES, pages * PAGE_BYTES,
                         run->written ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) < 0)
            return false;
    }
    return true;
}

static bool bring_chunk(struct ahead *ahead, size_t chunk, size_t from, size_t to)
{
    uint64_t written = 0, first;
    for (size_t i = from; i < to; i++)
        if (ahead->touched->runs[i].written)
            written += part_of(&ahead->touched->runs[i], chunk, &first);
    return written >= DENSE_PAGES ? bring_piece(ahead, chunk) : bring_runs(ahead, chunk, from, to);
}

/* Chunk by chunk, those that there are runs in. */
static bool bring_all(struct ahead *ahead)
{
    const struct touched *touched = ahead->touched;
    size_t from = 0, to;
    for (uint64_t chunk = 0; from < touched->count; chunk++) {
        const uint64_t next = touched->runs[from].first / STORED_CHUNK_PAGES;
        chunk = next > chunk ? next : chunk; /* a run may reach over several */
        const uint64_t end = (chunk + 1) * STORED_CHUNK_PAGES;
        for (to = from; to < touched->count && touched->runs[to].first < end;)
            to++;
        if (ahead->quit || !bring_chunk(ahead, chunk, from, to))
            return false;
        const struct touched_run *last = &touched->runs[to - 1];
        from = last->first + last->pages > end ? to - 1 : to;
    }
    return true;
}

static void *bring(void *context)
{
    struct ahead *ahead = context;
    const double begun = now_ms();
    const bool done = bring_all(ahead);
    pthread_mutex_lock(&ahead->lock);
    ahead->told.ms = done ? now_ms() - begun : NAN;
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* ---- all of it ---- */

static void release(struct ahead *ahead)
{
    stored_reader_close(&ahead->reader);
    if (ahead->pagemap >= 0)
        close(ahead->pagemap);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead);
}

int ahead_start(const struct touched *touched, int fd, const struct stored *saved, struct portable *portable,
    struct ahead **out, struct error *error)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return error_set(error, ENOMEM, "no memory to bring back what was touched");
    *ahead = (struct ahead){.touched = touched,
        .saved = saved,
        .portable = portable,
        .memory = portable_memory(portable),
        .pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
        .told = {.ms = NAN}};
    pthread_mutex_init(&ahead->lock, NULL);
    int code, rc = ahead->pagemap < 0 ? error_errno(error, errno, "cannot look which pages were touched")
                                      : stored_reader_open(fd, saved, &ahead->reader, error);
    if (rc == 0 && (code = pthread_create(&ahead->thread, NULL, bring, ahead)))
        rc = error_errno(error, code, "no thread to bring back what was touched");
    if (rc < 0)
        release(ahead);
    else
        *out = ahead;
    return rc;
}

void ahead_look(struct ahead *ahead, struct ahead_told *told)
{
    pthread_mutex_lock(&ahead->lock);
    *told = ahead->told;
    pthread_mutex_unlock(&ahead->lock);
}

void ahead_end(struct ahead *ahead)
{
    if (!ahead)
        return;
    ahead->quit = true;
    pthread_join(ahead->thread, NULL);
    release(ahead);
}
