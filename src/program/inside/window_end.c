/* What lies behind the end of a file that is mapped: the host has no page for it, and tells whoever runs a
 * guest that touches it neither where nor why. So what is behind an end is searched and taken from the guest,
 * whose own fault then says where. */
#include "program/inside/window_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool can_read(uint64_t address)
{
    char byte;
    const struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)address, 1}; // NOLINT
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1;
}

/* The first page of a mapping of a file that cannot be read: from there on none can. */
static uint64_t end_of(uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t middle = from + ((to - from) / 2 & -(uint64_t)PAGE);
        if (can_read(middle))
            from = middle + PAGE;
        else
            to = middle;
    }
    return from;
}

/* Nothing of it changes on the host, which has had no pages there. */
static void take_behind(struct window *window, uint64_t from, uint64_t to)
{
    const struct area *area = areas_at(&window->areas, from);
    if (from == to || !area || area->protection & AREA_BEHIND_END)
        return;
    int protection = area->protection;
    struct host_call same = {
        .number = SYS_mprotect, .arguments = {(long)from, (long)(to - from), protection & ALL_RIGHTS}};
    window_change(window, from, to, protection | AREA_BEHIND_END, &same);
}

bool window_take_ends(struct window *window)
{
    char line[256], rights[5];
    uint64_t from, to, inode;
    bool looked = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    pthread_mutex_lock(&window->lock);
    while (maps && fgets(line, sizeof line, maps)) {
        bool told =
            sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &from, &to, rights, &inode) == 4;
        if (!told || !inode || rights[0] != 'r' || !window_owns(from, to - from))
            continue;
        take_behind(window, end_of(from, to), to);
        looked = true;
    }
    pthread_mutex_unlock(&window->lock);
    if (maps)
        fclose(maps);
    return looked;
}

bool window_is_behind_end(struct window *window, uint64_t address)
{
    uint64_t page = address & -(uint64_t)PAGE;
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    bool behind = area && area->protection & AREA_BEHIND_END;
    if (behind && can_read(address)) { /* the file has grown */
        int protection = area->protection & ALL_RIGHTS;
        struct host_call same = {.number = SYS_mprotect, .arguments = {(long)page, PAGE, protection}};
        behind = window_change(window, page, page + PAGE, protection, &same) < 0;
    }
    pthread_mutex_unlock(&window->lock);
    return behind;
}
