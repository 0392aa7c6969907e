/* Rings that a program shares with the kernel: of io_uring, and of asynchronous I/O (io_setup). They are
 * mapped at the program's addresses (window_rings.c), and so is whatever their entries point to: the kernel
 * finds it by itself. */
#include "program/inside/calls.h"

#include "program/inside/access.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/syscall.h>

/* The program's own memory for a ring (Linux 6.5, IORING_SETUP_NO_MMAP) is told of where its offsets end. */
static bool is_foreign_ring(const struct thread *thread, const void *offsets, size_t bytes)
{
    uint64_t address;
    memcpy(&address, (const char *)offsets + bytes - sizeof address, sizeof address);
    return window_is_foreign(thread->process->window, address);
}

static bool has_foreign_rings(const struct thread *thread, const struct io_uring_params *params)
{
    const uint32_t no_mmap = 1U << 14;
    return params->flags & no_mmap && (is_foreign_ring(thread, &params->sq_off, sizeof params->sq_off) ||
                                          is_foreign_ring(thread, &params->cq_off, sizeof params->cq_off));
}

/* What its entries ask for nobody sees: one may keep memory from children (IORING_OP_MADVISE). */
int64_t call_io_uring_setup(struct thread *thread, const uint64_t *arguments)
{
    struct io_uring_params params;
    if (access_read(thread->process, arguments[1], &params, sizeof params) < 0 ||
        has_foreign_rings(thread, &params))
        return -EFAULT;
    int64_t rc = call_host(thread, SYS_io_uring_setup, arguments);
    if (rc >= 0)
        window_keep_from_children(thread->process->window);
    return rc;
}

int64_t call_io_setup(struct thread *thread, const uint64_t *arguments)
{
    struct window *window = thread->process->window;
    uint64_t ring;
    int64_t rc =
        window_is_foreign(window, arguments[1]) ? -EFAULT : call_host(thread, SYS_io_setup, arguments);
    if (rc < 0 || access_read(thread->process, arguments[1], &ring, sizeof ring) < 0)
        return rc;
    rc = window_move_ring(window, &ring);
    if (rc == 0)
        rc = access_write(thread->process, arguments[1], &ring, sizeof ring);
    return rc;
}

int64_t call_io_destroy(struct thread *thread, const uint64_t *arguments)
{
    return window_io_destroy(thread->process->window, arguments[0]);
}
