/* What only the kernel's own list of mappings tells (proc(5), /proc/PID/maps): it is asked where a system
 * call does more or less than its arguments say, and where mapped files may end. */
#include "domain/memory.h"
#include "host/descriptor.h"
#include "program/inside/window_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- the list ---- */

FILE *window_open_maps(const struct window *window)
{
    int fd = openat(window->proc, "self/maps", O_RDONLY | O_CLOEXEC);
    FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd >= 0 && !maps)
        close(fd);
    return maps;
}

static bool parse_mapping(const char *line, struct window_mapping *mapping)
{
    static const char of_segments[] = "/SYSV";
    char rights[5], path[sizeof of_segments] = "";
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %5s", &mapping->from,
            &mapping->to, rights, &mapping->offset, &mapping->inode, path) < 5)
        return false;
    mapping->shared = rights[3] == 's';
    mapping->file = mapping->inode && path[0] == '/';
    mapping->attached = strcmp(path, of_segments) == 0;
    mapping->protection = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                          (rights[2] == 'x' ? PROT_EXEC : 0);
    return true;
}

bool window_next_mapping(FILE *maps, struct window_mapping *mapping)
{
    char line[256];
    do
        if (!fgets(line, sizeof line, maps))
            return false;
    while (!parse_mapping(line, mapping));
    return true;
}

uint64_t window_mapped_bytes(FILE *maps, uint64_t from)
{
    struct window_mapping mapped;
    while (window_next_mapping(maps, &mapped))
        if (mapped.from == from)
            return mapped.to - from;
    return 0;
}

/* Linux looks for the first piece, wherever, that would lie there if the segment began at the address, and
 * then for all others of it (ipc/shm.c, ksys_shmdt()). */
uint64_t window_attached_bytes(FILE *maps, uint64_t from)
{
    struct window_mapping mapped;
    uint64_t inode = 0, end = from;
    while (window_next_mapping(maps, &mapped)) {
        bool piece = mapped.attached && mapped.from >= from && mapped.offset == mapped.from - from;
        if (piece && (end == from || mapped.inode == inode)) {
            inode = mapped.inode;
            end = mapped.to;
        }
    }
    return end - from;
}

int window_read_areas(struct window *window, FILE *maps, uint64_t from, uint64_t to)
{
    struct window_mapping mapped;
    int rc = !maps ? 0 : areas_set(&window->areas, from, to, AREA_NONE);
    while (rc == 0 && maps && window_next_mapping(maps, &mapped)) {
        mapped.from = mapped.from > from ? mapped.from : from;
        mapped.to = mapped.to < to ? mapped.to : to;
        if (mapped.from < mapped.to && window_owns(mapped.from, mapped.to - mapped.from))
            rc = areas_set(&window->areas, mapped.from, mapped.to, mapped.protection);
    }
    return rc;
}

/* ---- the list as it is for the program ---- */

/* "": as the kernel names it. */
static const char *name_of(const struct window *window, uint64_t from, uint64_t to)
{
    return from >= window->heap && to <= whole_pages(window->heap_end) ? "[heap]"
           : from >= window->stack.bottom && to <= window->stack.top   ? "[stack]"
                                                                       : "";
}

/* [from, to) of a mapping. What is set aside for the stack it does not have natively. */
static void tell_part(const struct window *window, const char *line, const struct window_mapping *mapping,
    uint64_t from, uint64_t to, FILE *out)
{
    enum { NAME_AT = 73 };
    const char *name = name_of(window, from, to);
    char rights[5] = "", device[12] = "";
    int rest = 0;
    if (from >= window->stack.guard && to <= window->stack.bottom)
        return;
    sscanf(line, "%*s %4s %*s %11s %*s%n", rights, device, &rest);
    int written = fprintf(out, "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %s %" PRIu64 " ", from, to,
        rights, mapping->inode ? mapping->offset + (from - mapping->from) : mapping->offset, device,
        mapping->inode);
    if (*name)
        fprintf(out, "%*s%s\n", written < NAME_AT ? NAME_AT - written : 0, "", name);
    else
        fputs(line + rest + (written > rest ? 1 : 0), out);
}

void window_tell_mapping(struct window *window, const char *line, FILE *out)
{
    struct window_mapping mapping;
    if (strstr(line, " [v"))
        fputs(line, out);
    if (!parse_mapping(line, &mapping) || strstr(line, " [v"))
        return;
    pthread_mutex_lock(&window->lock);
    for (uint64_t at = mapping.from; at < mapping.to;) {
        const struct area *area = areas_from(&window->areas, at);
        uint64_t from = area && area->from > at ? area->from : at;
        if (!area || from >= mapping.to)
            break;
        /* The heap is one for itself, and the kernel may have joined it with what is before it. */
        uint64_t to = from < window->heap && mapping.to > window->heap ? window->heap : mapping.to;
        for (at = from; at < to && (area = areas_at(&window->areas, at));)
            at = area->to < to ? area->to : to;
        tell_part(window, line, &mapping, from, at, out);
    }
    pthread_mutex_unlock(&window->lock);
}

/* ---- what a child has not been given (madvise(2), MADV_DONTFORK) ---- */

static int nothing(void *context, struct error *error)
{
    (void)context;
    (void)error;
    return 0;
}

/* Of what the areas have of [from, to). Nothing of this domain has translated it yet. */
static int take_lost(struct window *window, uint64_t from, uint64_t to, struct error *error)
{
    const struct area *area;
    int rc = 0;
    while (rc == 0 && (area = areas_from(&window->areas, from)) && area->from < to) {
        uint64_t at = area->from > from ? area->from : from, end = area->to < to ? area->to : to;
        rc = domain_unmap(window->domain, GVA(at), end - at, nothing, NULL, error);
        if (rc == 0)
            rc = areas_set(&window->areas, at, end, AREA_NONE);
    }
    return rc;
}

/* Also where the program has as many descriptors as it may. */
static FILE *open_maps_anyway(const struct window *window)
{
    struct rlimit limit;
    descriptor_limit_raise(&limit);
    FILE *maps = window_open_maps(window);
    int code = errno;
    descriptor_limit_restore(&limit);
    errno = code;
    return maps;
}

int window_after_fork(struct window *window, struct error *error)
{
    const struct areas before = window->areas;
    uint64_t from = WINDOW_LOW_FROM;
    if (!window->keeps_from_children)
        return 0;
    FILE *maps = open_maps_anyway(window);
    if (!maps)
        return error_errno(error, errno, "cannot read which mappings a child has");
    window->areas = (struct areas){.list = NULL};
    int rc = window_read_areas(window, maps, WINDOW_LOW_FROM, WINDOW_END);
    struct areas now = window->areas;
    window->areas = before;
    fclose(maps);
    for (size_t i = 0; rc == 0 && i <= now.count; i++) {
        rc = take_lost(window, from, i < now.count ? now.list[i].from : WINDOW_END, error);
        from = i < now.count ? now.list[i].to : WINDOW_END;
    }
    areas_free(&now);
    return rc;
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
        uint64_t middle = from + page_of((to - from) / 2);
        if (can_read(middle))
            from = middle + PAGE;
        else
            to = middle;
    }
    return from;
}

/* Nothing of it changes on the host, which has had no pages there. Parts of it may have been taken before. */
static bool take_behind(struct window *window, uint64_t from, uint64_t to)
{
    const struct area *area;
    bool taken = false;
    for (uint64_t end; from < to && (area = areas_at(&window->areas, from)); from = end) {
        int protection = area->protection;
        end = area->to < to ? area->to : to;
        struct host_call same = {
            .number = SYS_mprotect, .arguments = {(long)from, (long)(end - from), protection & ALL_RIGHTS}};
        taken |= !(protection & AREA_BEHIND_END) &&
                 window_change(window, from, end, protection | AREA_BEHIND_END, &same) == 0;
    }
    return taken;
}

static bool take_end(struct window *window, const struct window_mapping *mapped)
{
    return mapped->file && mapped->protection & PROT_READ &&
           take_behind(window, end_of(mapped->from, mapped->to), mapped->to);
}

bool window_take_ends(struct window *window)
{
    struct window_mapping mapped;
    bool taken = false;
    FILE *maps = window_open_maps(window);
    window_begin(window);
    while (maps && window_next_mapping(maps, &mapped))
        taken |= window_owns(mapped.from, mapped.to - mapped.from) && take_end(window, &mapped);
    window_end(window);
    if (maps)
        fclose(maps);
    return taken;
}

bool window_is_behind_end(struct window *window, uint64_t address)
{
    uint64_t page = page_of(address);
    window_begin(window);
    const struct area *area = areas_at(&window->areas, address);
    bool behind = area && area->protection & AREA_BEHIND_END;
    if (behind && can_read(address)) { /* the file has grown */
        int protection = area->protection & ALL_RIGHTS;
        struct host_call same = {.number = SYS_mprotect, .arguments = {(long)page, PAGE, protection}};
        behind = window_change(window, page, page + PAGE, protection, &same) < 0;
    }
    window_end(window);
    return behind;
}
