/* Changing mappings: protecting, unmapping, locking. */
#include "event/internal.h"

#include "base/size.h"
#include "host/effect.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { PAGES_MOST = 512 };
#define DATA_BYTES (PAGES_MOST * 4 * KIB)

static char *page_at(const struct event_bench *bench, uint64_t number)
{
    return (char *)bench->data.base + number * 4 * KIB;
}

/* ---- mprotect ---- */

/* Whether the right is taken away and given back: by a write of the kernel's, outside of what is timed. */
static int check_protect(void *page, struct error *error)
{
    bool ours = effect_can_write(page),
         taken = mprotect(page, 4 * KIB, PROT_READ) == 0 && !effect_can_write(page);
    bool back = mprotect(page, 4 * KIB, PROT_READ | PROT_WRITE) == 0 && effect_can_write(page);
    if (ours && taken && back)
        return 0;
    return error_set(error, EPROTO,
        "the kernel says that it changed the protection of a page, and the page can%s be written",
        taken ? "not" : " still");
}

/* Takes the right to write away and gives it back, by turns: every second call has to flush the TLB. */
static int run_protect(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    volatile char *page = page_at(bench, 0);
    int rc = 0;
    count += count % 2;
    *page = 1;
    uint64_t start = clock_ticks();
    for (uint64_t i = 0; rc == 0 && i < count; i += 2) {
        rc = mprotect((void *)page, 4 * KIB, PROT_READ);
        rc |= mprotect((void *)page, 4 * KIB, PROT_READ | PROT_WRITE);
        if (rc == 0)   /* or it may not be written */
            *page = 1; /* or there would be no translation to flush */
    }
    *run = (struct event_run){.count = count, .ticks = clock_ticks() - start};
    return rc < 0 ? error_errno(error, errno, "cannot change the protection of a page")
                  : check_protect(page_at(bench, 0), error);
}

/* ---- munmap ---- */

static int run_unmap(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct memory memory;
    int failed = 0;
    (void)bench;
    int rc = memory_map(&memory, count * 4 * KIB, 4 * KIB, error);
    if (rc < 0 || (rc = memory_populate(&memory, true, NULL, NULL, error)) < 0)
        return rc;
    uint64_t start = clock_ticks();
    for (uint64_t i = 0; i < count; i++)
        failed |= munmap((char *)memory.base + i * 4 * KIB, 4 * KIB);
    *run = (struct event_run){.count = count, .ticks = clock_ticks() - start};
    rc = failed ? error_errno(error, errno, "cannot unmap a page") : 0;
    size_t left = rc ? 0 : effect_mapped(memory.base, count);
    if (left)
        rc = error_set(error, EPROTO, "the kernel says that it unmapped %llu pages, and left %zu mapped",
            (unsigned long long)count, left);
    memory_unmap(&memory);
    return rc;
}

/* ---- mlock ---- */

static int check_limit(struct event_bench *bench, struct error *error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < bench->data.bytes)
        return error_set(error, ENOTSUP, "at most %llu KiB may be locked (ulimit -l); 2048 KiB are needed",
            (unsigned long long)limit.rlim_cur / 1024);
    return 0;
}

static int lock_pages(const struct event_bench *bench, uint64_t count, struct error *error)
{
    if (mlock(bench->data.base, count * 4 * KIB) == 0)
        return 0;
    return error_errno(error, errno, "cannot lock memory (ulimit -l)");
}

static int unlock_pages(const struct event_bench *bench, uint64_t count, struct error *error)
{
    if (munlock(bench->data.base, count * 4 * KIB) == 0)
        return 0;
    return error_errno(error, errno, "cannot unlock memory");
}

/* That the kernel holds as much more while the pages are locked. */
static int check_held(uint64_t with, uint64_t without, uint64_t count, struct error *error)
{
    if (with >= without && with - without == count * 4)
        return 0;
    return error_set(error, EPROTO,
        "the kernel says that it locked %llu pages, and %lld KiB more are locked (VmLck in "
        "/proc/self/status)",
        (unsigned long long)count, (long long)(with - without));
}

static int run_locking(
    struct event_bench *bench, uint64_t count, bool unlock, struct event_run *run, struct error *error)
{
    uint64_t before = 0, with = 0, after = 0, start[2], end[2];
    int rc = effect_held_memory(&before, error);
    start[0] = clock_ticks();
    rc = rc < 0 ? rc : lock_pages(bench, count, error);
    end[0] = clock_ticks();
    if (rc < 0 || (rc = effect_held_memory(&with, error)) < 0)
        return rc;
    start[1] = clock_ticks();
    rc = unlock_pages(bench, count, error);
    end[1] = clock_ticks();
    if (rc < 0 || (rc = effect_held_memory(&after, error)) < 0)
        return rc;
    *run = (struct event_run){.count = count, .ticks = end[unlock] - start[unlock]};
    rc = check_held(with, before, count, error);
    return rc < 0 ? rc : check_held(with, after, count, error);
}

static int run_lock(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_locking(bench, count, false, run, error);
}

static int run_unlock(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_locking(bench, count, true, run, error);
}

#define ARTICLE_LOCK                                                                                         \
    "Locked memory cannot be taken away to where it is needed more: what it costs to lock is the least of "  \
    "its price."

static const struct event rows[] = {
    {
        .name = "mprotect-page",
        .group = EVENT_MEMORY,
        .unit = "call",
        .summary = "mprotect() of one 4 KiB page that is in use",
        .article =
            "A change of the page tables: with shadow paging the monitor sees each, with nested paging none.",
        .source = "mprotect(2)",
        .steps = "A system call changes one page-table entry; when a right is taken away the TLB entry is "
                 "flushed. Rights "
                 "are taken and given by turns, and the page is written in between.",
        .advice =
            "Change the protection of many pages in one call. Under shadow paging avoid changing it often.",
        .native = {.run = run_protect, .data_bytes = 4 * KIB},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "munmap-page",
        .group = EVENT_MEMORY,
        .unit = "call",
        .summary = "munmap() of one 4 KiB page that is present",
        .article = "A change of the page tables, with a flush of the TLB.",
        .source = "munmap(2)",
        .steps = "A system call clears one page-table entry, flushes the TLB entry and frees the frame. The "
                 "pages of a "
                 "mapping are unmapped from its start, one call each.",
        .advice = "Unmap in one call; better keep memory for later use.",
        .native = {.run = run_unmap, .most = PAGES_MOST},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "mlock",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "mlock() of memory that is present, each 4 KiB page",
        .article = ARTICLE_LOCK,
        .source = "mlock(2)",
        .steps =
            "One system call walks all pages of a range that are there already and marks them unevictable.",
        .advice = "Lock only what must not be swapped out; in large pieces.",
        .native = {.run = run_lock, .open = check_limit, .data_bytes = DATA_BYTES, .most = PAGES_MOST},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "munlock",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "munlock() of memory, each 4 KiB page",
        .article = ARTICLE_LOCK,
        .source = "mlock(2)",
        .steps = "One system call walks all pages of a locked range and puts them back on the lists of what "
                 "can be swapped "
                 "out.",
        .advice = "Keep locked what will be locked again.",
        .native = {.run = run_unlock, .open = check_limit, .data_bytes = DATA_BYTES, .most = PAGES_MOST},
        .guest = NEEDS_LINUX,
    },
};

const struct event_family events_linux_memory = EVENT_FAMILY(rows);
