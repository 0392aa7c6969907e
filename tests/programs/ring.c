#include "ring.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOKS = 2000000 };

long code(long result)
{
    return result < 0 ? -errno : result;
}

/* ---- a ring ---- */

static char *map(const struct ring *ring, size_t bytes, off_t offset)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, offset);
}

int open_ring(struct ring *ring, uint32_t flags)
{
    struct io_uring_params with = {.flags = flags, .sq_thread_idle = 20};
    *ring = (struct ring){.fd = (int)syscall(SYS_io_uring_setup, 8, &with), .flags = flags};
    printf("setup with %x: %s\n", flags, ring->fd < 0 ? strerror(errno) : "");
    if (ring->fd < 0)
        return -1;
    size_t submissions = with.sq_off.array + with.sq_entries * sizeof(uint32_t),
           completions = with.cq_off.cqes + with.cq_entries * sizeof *ring->done;
    ring->shared_bytes = submissions > completions ? submissions : completions;
    ring->entries_bytes = with.sq_entries * sizeof *ring->entries;
    ring->shared = map(ring, ring->shared_bytes, IORING_OFF_SQ_RING);
    ring->entries = (struct io_uring_sqe *)(void *)map(ring, ring->entries_bytes, IORING_OFF_SQES);
    printf("entries %u and %u, single %d, mapped %d\n", with.sq_entries, with.cq_entries,
        !!(with.features & IORING_FEAT_SINGLE_MMAP),
        ring->shared != MAP_FAILED && ring->entries != MAP_FAILED);
    if (ring->shared == MAP_FAILED || ring->entries == MAP_FAILED)
        return -1;
    ring->head = (void *)(ring->shared + with.sq_off.head);
    ring->tail = (void *)(ring->shared + with.sq_off.tail);
    ring->mask = (void *)(ring->shared + with.sq_off.ring_mask);
    ring->ring_flags = (void *)(ring->shared + with.sq_off.flags);
    ring->array = (void *)(ring->shared + with.sq_off.array);
    ring->done_head = (void *)(ring->shared + with.cq_off.head);
    ring->done_tail = (void *)(ring->shared + with.cq_off.tail);
    ring->done_mask = (void *)(ring->shared + with.cq_off.ring_mask);
    ring->done = (void *)(ring->shared + with.cq_off.cqes);
    return 0;
}

void close_ring(struct ring *ring)
{
    printf("unmapped: %d %d, closed: %d\n", munmap(ring->shared, ring->shared_bytes),
        munmap(ring->entries, ring->entries_bytes), close(ring->fd));
}

void put(struct ring *ring, const struct io_uring_sqe *entry)
{
    uint32_t at = *ring->tail & *ring->mask;
    ring->entries[at] = *entry;
    ring->array[at] = at;
    ++*ring->tail;
}

long enter(
    const struct ring *ring, unsigned submit, unsigned wait, unsigned flags, const void *with, size_t bytes)
{
    return code(syscall(SYS_io_uring_enter, ring->fd, submit, wait, flags, with, bytes));
}

long take(struct ring *ring, uint64_t *data)
{
    for (int looks = 0; *ring->done_head == *ring->done_tail; looks++) {
        if (looks == LOOKS)
            return -ETIMEDOUT;
        if (ring->flags & IORING_SETUP_SQPOLL && *ring->ring_flags & IORING_SQ_NEED_WAKEUP)
            enter(ring, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
        sched_yield();
    }
    const struct io_uring_cqe *done = &ring->done[*ring->done_head & *ring->done_mask];
    long result = done->res;
    if (data)
        *data = done->user_data;
    ++*ring->done_head;
    return result;
}

long make(struct ring *ring, const struct io_uring_sqe *entry)
{
    put(ring, entry);
    if (!(ring->flags & IORING_SETUP_SQPOLL)) {
        long rc = enter(ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
        if (rc != 1)
            return rc;
    }
    return take(ring, NULL);
}
