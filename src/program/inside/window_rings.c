/* Memory that a program shares with the kernel, which has a say in where it is. */
#include "program/inside/window_internal.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- where the kernel wants it (io_uring) ----
 *
 * Since Linux 6.4 the rings of io_uring are mapped only where the kernel chooses
 * (io_uring_get_unmapped_area()). With MAP_32BIT it chooses the lowest free place from 1 GiB on
 * (arch/x86/kernel/sys_x86_64.c), and there all are the program's. */

static int64_t give_mapped(struct window *window, uint64_t from, uint64_t bytes, int protection)
{
    struct error error;
    if (!window_owns(from, bytes) || !window_is_free(window, from, bytes))
        return -ENOMEM;
    int rc = areas_set(&window->areas, from, from + bytes, protection);
    if (rc == 0)
        rc = window_give(window, from, from + bytes, &error);
    return rc < 0 ? -ENOMEM : (int64_t)from;
}

int64_t window_map_where_kernel_wants(struct window *window, const struct host_call *call, int protection)
{
    struct host_call chosen = *call;
    chosen.arguments[0] = 0;
    chosen.arguments[3] = (call->arguments[3] & ~(long)MAP_FIXED) | MAP_32BIT;
    window_host_call(&chosen, NULL);
    if (chosen.result < 0)
        return chosen.result;
    uint64_t bytes = whole_pages((uint64_t)call->arguments[1]);
    int64_t rc = give_mapped(window, (uint64_t)chosen.result, bytes, protection);
    if (rc < 0)
        munmap((void *)(uintptr_t)chosen.result, bytes);
    return rc;
}

/* ---- where the kernel has put it (asynchronous I/O) ---- */

int window_move_ring(struct window *window, uint64_t *ring)
{
    uint64_t bytes = 0;
    int64_t rc = -ENOMEM;
    window_begin(window);
    FILE *maps = window_open_maps(window);
    if (maps)
        bytes = window_mapped_bytes(maps, *ring);
    uint64_t to = bytes ? window_find_free(window, bytes, PAGE, 0) : 0;
    struct host_call move = {.number = SYS_mremap,
        .arguments = {(long)*ring, (long)bytes, (long)bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (long)to}};
    if (to && window_host_call(&move, NULL) == 0)
        rc = give_mapped(window, to, bytes, PROT_READ | PROT_WRITE);
    if (maps)
        fclose(maps);
    window_end(window);
    if (rc < 0) {
        syscall(SYS_io_destroy, *ring);
        return -ENOMEM;
    }
    *ring = to;
    return 0;
}
