/* A tree of three levels: 2^17 windows of 1 GiB, of each 512 of 2 MiB, and of each an entry a page, which is
 * left out while the 2 MiB are one mapping or nothing.
 *
 * An entry holds the page's number in its memory above the memory's number, the rights and a bit that says
 * that it is there: a page goes on from the one before it if its entry is NEXT more. */
#include "monitor/deprivileged/mappings.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE_SHIFT = 12, WINDOW_SHIFT = 21, GROUP_SHIFT = 30, ADDRESS_BITS = 47 };
enum { PAGES = 1 << (WINDOW_SHIFT - PAGE_SHIFT), WINDOWS = 1 << (GROUP_SHIFT - WINDOW_SHIFT) };
enum { GROUPS = 1 << (ADDRESS_BITS - GROUP_SHIFT), RIGHTS_SHIFT = 1, MEMORY_SHIFT = 4, NUMBER_SHIFT = 10 };

#define PRESENT UINT64_C(1)
#define RIGHTS (UINT64_C(7) << RIGHTS_SHIFT)
#define NEXT (UINT64_C(1) << NUMBER_SHIFT)
#define END_PAGE (UINT64_C(1) << (ADDRESS_BITS - PAGE_SHIFT))

struct window {
    uint64_t *pages;                /* NULL: all go on from the first */
    uint64_t first;                 /* then: its entry, or 0 */
    uint64_t number;                /* of the window */
    struct window *colder, *warmer; /* of those with pages */
};

struct mappings {
    size_t count;
    struct window coldest_and_warmest; /* the ring's fixed member: warmer is the coldest one */
    uint64_t low, high;                /* groups in use lie in [low, high) */
    struct window *groups[GROUPS];
};

struct mappings *mappings_new(void)
{
    struct mappings *mappings = calloc(1, sizeof *mappings);
    if (mappings) {
        struct window *ring = &mappings->coldest_and_warmest;
        ring->colder = ring->warmer = ring;
        mappings->low = GROUPS;
    }
    return mappings;
}

static void leave_ring(struct window *window)
{
    window->colder->warmer = window->warmer;
    window->warmer->colder = window->colder;
}

static void become_warmest(struct mappings *mappings, struct window *window)
{
    struct window *ring = &mappings->coldest_and_warmest;
    window->warmer = ring;
    window->colder = ring->colder;
    ring->colder->warmer = window;
    ring->colder = window;
}

void mappings_free(struct mappings *mappings)
{
    if (!mappings)
        return;
    for (uint64_t group = mappings->low; group < mappings->high; group++) {
        for (unsigned i = 0; mappings->groups[group] && i < WINDOWS; i++)
            free(mappings->groups[group][i].pages);
        free(mappings->groups[group]);
    }
    free(mappings);
}

size_t mappings_count(const struct mappings *mappings)
{
    return mappings->count;
}

/* ---- entries ---- */

static struct window *window_of(const struct mappings *mappings, uint64_t page)
{
    struct window *group = mappings->groups[page / PAGES / WINDOWS];
    return group ? &group[page / PAGES % WINDOWS] : NULL;
}

static uint64_t entry_in(const struct window *window, uint64_t page)
{
    if (window->pages)
        return window->pages[page % PAGES];
    return window->first ? window->first + page % PAGES * NEXT : 0;
}

static uint64_t entry_of(const struct mappings *mappings, uint64_t page)
{
    const struct window *window = page < END_PAGE ? window_of(mappings, page) : NULL;
    return window ? entry_in(window, page) : 0;
}

static bool starts(uint64_t before, uint64_t entry)
{
    return entry && entry != before + NEXT;
}

/* The end of the window that a page is in, or of the group where there is none; at most `end`. */
static uint64_t part_end(const struct mappings *mappings, uint64_t page, uint64_t end)
{
    const uint64_t pages = mappings->groups[page / PAGES / WINDOWS] ? PAGES : PAGES * WINDOWS;
    const uint64_t next = (page / pages + 1) * pages;
    return next < end ? next : end;
}

/* How many mappings begin in [page, end). */
static size_t count_starts(const struct mappings *mappings, uint64_t page, uint64_t end)
{
    uint64_t before = page ? entry_of(mappings, page - 1) : 0;
    size_t count = 0;
    end = end < END_PAGE ? end : END_PAGE;
    while (page < end) {
        const struct window *window = window_of(mappings, page);
        const uint64_t stop = part_end(mappings, page, end);
        if (window && window->pages) {
            for (; page < stop; page++) {
                count += starts(before, window->pages[page % PAGES]);
                before = window->pages[page % PAGES];
            }
        } else {
            count += window && starts(before, entry_in(window, page));
            before = window ? entry_in(window, stop - 1) : 0;
            page = stop;
        }
    }
    return count;
}

/* ---- changing them ---- */

/* What a change makes of a page. */
struct rule {
    bool map;            /* else: what is there stays, with other rights */
    uint64_t first_page; /* map: has the entry `first`, the others go on from it; 0: nothing is there */
    uint64_t first;
    uint64_t rights; /* in their place */
};

static uint64_t apply(const struct rule *rule, uint64_t page, uint64_t entry)
{
    if (rule->map)
        return rule->first ? rule->first + (page - rule->first_page) * NEXT : 0;
    return entry ? (entry & ~RIGHTS) | rule->rights : 0;
}

static int make_group(struct mappings *mappings, uint64_t page, struct error *error)
{
    const uint64_t group = page / PAGES / WINDOWS;
    if (mappings->groups[group])
        return 0;
    struct window *new = calloc(WINDOWS, sizeof *new);
    if (!new)
        return error_errno(error, ENOMEM, "cannot note what a guest has mapped");
    for (unsigned i = 0; i < WINDOWS; i++)
        new[i].number = group *WINDOWS + i;
    mappings->groups[group] = new;
    mappings->low = group < mappings->low ? group : mappings->low;
    mappings->high = group + 1 > mappings->high ? group + 1 : mappings->high;
    return 0;
}

static int split(struct mappings *mappings, struct window *window, struct error *error)
{
    if (window->pages)
        return 0;
    uint64_t *pages = malloc(PAGES * sizeof *pages);
    if (!pages)
        return error_errno(error, ENOMEM, "cannot note what a guest has mapped");
    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = entry_in(window, i);
    window->pages = pages;
    become_warmest(mappings, window);
    return 0;
}

static void join(struct window *window, uint64_t first)
{
    if (window->pages) {
        free(window->pages);
        window->pages = NULL;
        leave_ring(window);
    }
    window->first = first;
}

/* Leaves the entries out again where they say no more than the first. */
static void join_if_possible(struct window *window)
{
    const uint64_t first = window->pages[0];
    for (unsigned i = 1; i < PAGES; i++)
        if (window->pages[i] != (first ? first + i * NEXT : 0))
            return;
    join(window, first);
}

/* A change that ends within windows needs their entries; everything that can fail is done first. */
static int prepare(
    struct mappings *mappings, const struct rule *rule, uint64_t page, uint64_t end, struct error *error)
{
    const bool adds = rule->map && rule->first;
    int rc = 0;
    for (uint64_t at = page; rc == 0 && at < end; at = part_end(mappings, at, end)) {
        if (adds)
            rc = make_group(mappings, at, error);
        struct window *window = window_of(mappings, at);
        const bool whole = part_end(mappings, at, end) - at == PAGES;
        if (rc == 0 && window && !whole && (adds || window->first || window->pages))
            rc = split(mappings, window, error);
    }
    return rc;
}

static void change_window(
    struct mappings *mappings, struct window *window, const struct rule *rule, uint64_t page, uint64_t end)
{
    if (!window->pages || (rule->map && end - page == PAGES)) {
        join(window, apply(rule, page, window->first));
        return;
    }
    for (; page < end; page++)
        window->pages[page % PAGES] = apply(rule, page, window->pages[page % PAGES]);
    leave_ring(window);
    become_warmest(mappings, window);
    join_if_possible(window);
}

/* Without the groups before and behind all that are in use. */
static void clamp(const struct mappings *mappings, uint64_t *page, uint64_t *end)
{
    const uint64_t low = mappings->low * WINDOWS * PAGES, high = mappings->high * WINDOWS * PAGES;
    *page = *page > low ? *page : low;
    *end = *end < high ? *end : high;
}

static int change(
    struct mappings *mappings, const struct rule *rule, uint64_t start, uint64_t bytes, struct error *error)
{
    uint64_t page = start >> PAGE_SHIFT, end = (start + bytes) >> PAGE_SHIFT;
    if (!rule->first)
        clamp(mappings, &page, &end);
    if (page >= end)
        return 0;
    int rc = prepare(mappings, rule, page, end, error);
    if (rc < 0)
        return rc;
    mappings->count -= count_starts(mappings, page, end + 1);
    for (uint64_t at = page; at < end; at = part_end(mappings, at, end)) {
        struct window *window = window_of(mappings, at);
        if (window && (window->pages || window->first || rule->first))
            change_window(mappings, window, rule, at, part_end(mappings, at, end));
    }
    mappings->count += count_starts(mappings, page, end + 1);
    return 0;
}

int mappings_map(struct mappings *mappings, const struct mapping *mapping, struct error *error)
{
    const struct rule rule = {.map = true,
        .first_page = mapping->start >> PAGE_SHIFT,
        .first = PRESENT | (uint64_t)mapping->rights << RIGHTS_SHIFT |
                 (uint64_t)mapping->memory << MEMORY_SHIFT | mapping->offset >> PAGE_SHIFT << NUMBER_SHIFT};
    return change(mappings, &rule, mapping->start, mapping->bytes, error);
}

int mappings_unmap(struct mappings *mappings, uint64_t start, uint64_t bytes, struct error *error)
{
    return change(mappings, &(struct rule){.map = true}, start, bytes, error);
}

int mappings_protect(
    struct mappings *mappings, uint64_t start, uint64_t bytes, unsigned rights, struct error *error)
{
    return change(mappings, &(struct rule){.rights = (uint64_t)rights << RIGHTS_SHIFT}, start, bytes, error);
}

/* ---- looking ---- */

static uint64_t skip_holes(const struct mappings *mappings, uint64_t page, uint64_t end)
{
    while (page < end && !entry_of(mappings, page)) {
        const struct window *window = window_of(mappings, page);
        page = window && window->pages ? page + 1 : part_end(mappings, page, end);
    }
    return page;
}

static uint64_t skip_mapping(const struct mappings *mappings, uint64_t page, uint64_t end)
{
    for (uint64_t entry = entry_of(mappings, page); page < end && entry_of(mappings, page) == entry;) {
        const struct window *window = window_of(mappings, page);
        const uint64_t next = window->pages ? page + 1 : part_end(mappings, page, end);
        entry += (next - page) * NEXT;
        page = next;
    }
    return page;
}

bool mappings_find(const struct mappings *mappings, uint64_t from, uint64_t end, struct mapping *found)
{
    uint64_t page = from >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
    clamp(mappings, &page, &last);
    page = skip_holes(mappings, page, last);
    if (page >= last)
        return false;
    const uint64_t entry = entry_of(mappings, page);
    *found = (struct mapping){.start = page << PAGE_SHIFT,
        .bytes = (skip_mapping(mappings, page, last) - page) << PAGE_SHIFT,
        .offset = entry >> NUMBER_SHIFT << PAGE_SHIFT,
        .memory = entry >> MEMORY_SHIFT & 63,
        .rights = entry >> RIGHTS_SHIFT & 7};
    return true;
}

/* Windows that are one mapping stay: to cut one out of its neighbours makes more of them. */
bool mappings_drop(struct mappings *mappings, uint64_t *start, uint64_t *bytes)
{
    const struct window *coldest = mappings->coldest_and_warmest.warmer;
    if (!mappings->count)
        return false;
    if (coldest->pages) {
        *start = coldest->number << WINDOW_SHIFT;
        *bytes = UINT64_C(1) << WINDOW_SHIFT;
    } else {
        *start = mappings->low << GROUP_SHIFT;
        *bytes = (mappings->high - mappings->low) << GROUP_SHIFT;
    }
    mappings_unmap(mappings, *start, *bytes, NULL); /* whole windows: nothing is split */
    return true;
}
