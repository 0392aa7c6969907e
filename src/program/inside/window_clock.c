/* The kernel's code for the clock (vDSO) and its data are mapped in every process; a domain has them at the
 * same addresses, so that a program reads the clock without leaving the guest. The code, at which every C
 * library looks, does not change: the guest gets a copy. The data are the kernel's own pages, and a region
 * more: the guest gets them when it first reads the clock, which many programs never do. */
#include "domain/memory.h"
#include "program/inside/window_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

/* The kernel's data for the clock lie right before its code, in some mappings of theirs. */
static void find_clock(struct window *window)
{
    char line[256];
    FILE *maps = window_open_maps(window);
    while (maps && fgets(line, sizeof line, maps)) {
        uint64_t from, to;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) != 2 || !strstr(line, "[v"))
            continue;
        if (strstr(line, "[vvar") && window->clock.to != from)
            window->clock.from = from;
        if (strstr(line, "[vvar"))
            window->clock.to = from = to;
        if (strstr(line, "[vdso]") && window->clock.to == from) {
            window->clock.code = from;
            window->clock.to = to;
        }
    }
    if (maps)
        fclose(maps);
    if (!window->clock.code || window->clock.code != getauxval(AT_SYSINFO_EHDR))
        window->clock.from = window->clock.code = window->clock.to = 0;
}

/* How much lies before and behind the beginning of its code is the same in every process: the kernel's list
 * of mappings is read once. */
static void know_clock(struct window *window)
{
    struct tally *tally = window->tally;
    uint64_t code = getauxval(AT_SYSINFO_EHDR), before = tally->clock_before, behind = tally->clock_behind;
    if (code && behind) {
        window->clock.from = code - before;
        window->clock.code = code;
        window->clock.to = code + behind;
        return;
    }
    find_clock(window);
    tally->clock_before = window->clock.code - window->clock.from;
    tally->clock_behind = window->clock.to - window->clock.code; /* 0: there is none */
}

int window_lend_clock(struct window *window, struct error *error)
{
    know_clock(window);
    const uint64_t code = window->clock.code;
    if (!code)
        return 0;
    return domain_map_copy(window->domain, (const char *)(uintptr_t)code, window->clock.to - code,
        PAGE_READ | PAGE_EXECUTE | PAGE_USER, error);
}

int window_clock_rights(const struct window *window, uint64_t address)
{
    if (address < window->clock.from || address >= window->clock.to)
        return AREA_NONE;
    return address < window->clock.code ? PROT_READ : PROT_READ | PROT_EXEC;
}

int window_start_clock(struct window *window, struct error *error)
{
    const uint64_t from = window->clock.from, bytes = window->clock.code - from;
    struct guest_region region = {.backing = backing_private((void *)(uintptr_t)from, bytes)};
    if (window->clock.runs)
        return 0;
    int rc = domain_add_region(window->domain, &region, error);
    if (rc == 0)
        rc = domain_map(window->domain, GVA(from), region.start, bytes, PAGE, PAGE_READ | PAGE_USER, error);
    window->clock.runs = rc == 0;
    return rc;
}

uint64_t window_clock(const struct window *window)
{
    return window->clock.code;
}
