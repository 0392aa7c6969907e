/* What only the kernel's own list of mappings tells (proc(5), /proc/PID/maps): it is asked where a system
 * call does more or less than its arguments say, and where mapped files may end. */
#include "domain/memory.h"
#include "program/inside/window_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- the list ---- */

struct mapped {
    uint64_t from, to, inode;
    int protection;
};

static bool next_mapped(FILE *maps, struct mapped *mapped)
{
    char line[256], rights[5];
    do
        if (!fgets(line, sizeof line, maps))
            return false;
    while (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &mapped->from, &mapped->to, rights,
               &mapped->inode) != 4);
    mapped->protection = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                         (rights[2] == 'x' ? PROT_EXEC : 0);
    return true;
}

static int read_areas(struct window *window, FILE *maps, uint64_t from, uint64_t to)
{
    struct mapped mapped;
    int rc = areas_set(&window->areas, from, to, AREA_NONE);
    while (rc == 0 && next_mapped(maps, &mapped)) {
        mapped.from = mapped.from > from ? mapped.from : from;
        mapped.to = mapped.to < to ? mapped.to : to;
        if (mapped.from < mapped.to)
            rc = areas_set(&window->areas, mapped.from, mapped.to, mapped.protection);
    }
    return rc;
}

/* Whatever it does, and also where it fails. */
static int call_anyway(void *call, struct error *error)
{
    window_host_call(call, error);
    return 0;
}

int64_t window_change_unknown(struct window *window, uint64_t from, uint64_t to, struct host_call *call)
{
    struct error error;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return -ENOMEM;
    bool had = areas_from(&window->areas, from) && areas_from(&window->areas, from)->from < to;
    call->result = 0;
    int rc = had ? domain_unmap(window->domain, GVA(from), to - from, call_anyway, call, &error)
                 : call_anyway(call, &error);
    if (rc == 0)
        rc = read_areas(window, maps, from, to);
    fclose(maps);
    if (rc == 0)
        rc = window_give(window, from, to, &error);
    return rc < 0 ? -ENOMEM : call->result;
}

/* ---- the ends of files ----
 *
 * The host has no page behind the end of a file that is mapped, and tells whoever runs a guest that touches
 * it neither where nor why. So what is behind an end is searched and taken from the guest, whose own fault
 * then says where. */

static bool can_read(uint64_t address)
{
    char byte;
    const struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)address, 1};
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

static bool take_end(struct window *window, const struct mapped *mapped)
{
    bool file = mapped->inode && mapped->protection & PROT_READ;
    if (file)
        take_behind(window, end_of(mapped->from, mapped->to), mapped->to);
    return file;
}

bool window_take_ends(struct window *window)
{
    struct mapped mapped;
    bool looked = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    pthread_mutex_lock(&window->lock);
    while (maps && next_mapped(maps, &mapped))
        looked |= window_owns(mapped.from, mapped.to - mapped.from) && take_end(window, &mapped);
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
