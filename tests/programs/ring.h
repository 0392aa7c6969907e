/* A ring of io_uring by its system calls alone, for programs that try what it does. */
#ifndef VCOST_TESTS_PROGRAMS_RING_H
#define VCOST_TESTS_PROGRAMS_RING_H

#include <linux/io_uring.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    int fd;
    uint32_t flags;
    char *shared;
    size_t shared_bytes;
    struct io_uring_sqe *entries;
    size_t entries_bytes;
    _Atomic uint32_t *head, *tail, *mask, *ring_flags, *array, *done_head, *done_tail, *done_mask;
    struct io_uring_cqe *done;
};

/* A system call's result, or its negative errno. */
long code(long result);

/* Says what came of it; -1: there is none. */
int open_ring(struct ring *ring, uint32_t flags);
void close_ring(struct ring *ring);

void put(struct ring *ring, const struct io_uring_sqe *entry);
/* io_uring_enter(). */
long enter(
    const struct ring *ring, unsigned submit, unsigned wait, unsigned flags, const void *with, size_t bytes);
/* The next completion's result, for which a thread of the kernel may have to be woken; which entry it was of
 * (NULL: does not matter). */
long take(struct ring *ring, uint64_t *data);
/* One entry, from its submission to its completion. */
long make(struct ring *ring, const struct io_uring_sqe *entry);
#define MAKE(ring, ...) make(ring, &(struct io_uring_sqe){__VA_ARGS__})

#endif
