/* The first touch of a page: by faults, one after the other, or all at once by asking the kernel. */
#include "event/internal.h"

#include "base/size.h"
#include "host/kept_memory.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_WRITE 23
#endif

enum { SMALL_MOST = 512, LARGE_MOST = 4 }; /* pages in one run: 2 MiB, 8 MiB */

/* What makes `bytes` of memory present that has no pages yet. */
typedef int make_present(const struct memory *memory, uint64_t bytes, struct error *error);

/* A sanitizer would touch pages of its own for each: one fault in eight pages more. */
__attribute__((no_sanitize("address"))) static int by_touching(
    const struct memory *memory, uint64_t bytes, struct error *error)
{
    volatile char *at = memory->base, *end = at + bytes;
    uint64_t stride =
        memory->page_bytes; /* the loop is short: after each fault its code has to be fetched again */
    (void)error;
    for (; at < end; at += stride)
        *at = 1;
    return 0;
}

static int by_populate_write(const struct memory *memory, uint64_t bytes, struct error *error)
{
    if (madvise(memory->base, bytes, MADV_POPULATE_WRITE) == 0)
        return 0;
    if (errno == EINVAL)
        return error_set(error, ENOTSUP, "this kernel has no MADV_POPULATE_WRITE (Linux 5.14)");
    return error_errno(error, errno, "cannot populate memory");
}

/* For anonymous memory WILLNEED only reads back what was swapped out: the touches still fault. */
static int by_willneed(const struct memory *memory, uint64_t bytes, struct error *error)
{
    if (madvise(memory->base, bytes, MADV_WILLNEED) < 0)
        return error_errno(error, errno, "the kernel refuses MADV_WILLNEED");
    return by_touching(memory, bytes, error);
}

/* MAP_POPULATE belongs to mmap(): the range is mapped anew over itself. MADV_NOHUGEPAGE would come too late
 * for a new mapping: see check_small_pages(). */
static int by_map_populate(const struct memory *memory, uint64_t bytes, struct error *error)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE;
    if (mmap(memory->base, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
        return error_errno(error, errno, "cannot map memory with MAP_POPULATE");
    return 0;
}

/* ---- one run ---- */

/* The kernel counts a page that it populates as it counts one that is touched (mm/memory.c,
 * mm_account_fault()): one that it did not is missed. */
static int timed(const struct memory *memory, make_present *make, uint64_t count, struct event_run *run,
    struct error *error)
{
    uint64_t before = event_minor_faults(), start = clock_ticks();
    int rc = make(memory, count * memory->page_bytes, error);
    *run = (struct event_run){.count = count, .ticks = clock_ticks() - start};
    if (rc == 0)
        rc = event_check_faults(before, count, error);
    if (rc == 0 && memory->page_bytes > 4 * KIB)
        rc = memory_check_obtained(memory, 0, count * memory->page_bytes, error);
    return rc;
}

/* Gives the pages back and takes as many again: the kernel has them at hand. */
static int run_recycled(
    struct event_bench *bench, make_present *make, uint64_t count, struct event_run *run, struct error *error)
{
    if (madvise(bench->data.base, count * bench->data.page_bytes, MADV_DONTNEED) < 0)
        return error_errno(error, errno, "cannot give pages back");
    return timed(&bench->data, make, count, run, error);
}

/* Memory that is kept until the end so that its frames do not come again. */
static int run_fresh(
    struct event_bench *bench, make_present *make, uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t page_bytes = bench->data.page_bytes;
    struct memory memory;
    int rc = kept_memory_take(bench->place->kept, count * page_bytes, page_bytes, &memory, error);
    return rc < 0 ? rc : timed(&memory, make, count, run, error);
}

#define TOUCH_RUN(name, run_function, make)                                                                  \
    static int name(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)   \
    {                                                                                                        \
        return run_function(bench, make, count, run, error);                                                 \
    }

TOUCH_RUN(recycled, run_recycled, by_touching)
TOUCH_RUN(fresh, run_fresh, by_touching)
TOUCH_RUN(populate_write, run_recycled, by_populate_write)
TOUCH_RUN(map_populate, run_recycled, by_map_populate)
TOUCH_RUN(willneed, run_recycled, by_willneed)

/* Where transparent huge pages are always on, MAP_POPULATE takes them. */
static int check_small_pages(struct event_bench *bench, struct error *error)
{
    struct event_run run;
    int rc = map_populate(bench, SMALL_MOST, &run, error);
    return rc < 0 ? rc : memory_check_obtained(&bench->data, 0, bench->data.bytes, error);
}

#define SMALL .data_bytes = SMALL_MOST * 4 * KIB, .most = SMALL_MOST
#define LARGE .data_bytes = LARGE_MOST * 2 * MIB, .data_page_bytes = 2 * MIB, .most = LARGE_MOST
#define SOURCE_MADVISE "madvise(2), mmap(2); Linux Documentation/admin-guide/mm/transhuge.rst"
#define ARTICLE_FAULT                                                                                        \
    "A page fault is where virtualization pays most: the guest's kernel handles its part, and whoever "      \
    "gives the "                                                                                             \
    "guest its memory handles another."

static const struct event rows[] = {
    {
        .name = "first-touch-4k",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the first touch of a 4 KiB page whose frame was freed a moment ago",
        .article = ARTICLE_FAULT,
        .source = SOURCE_MADVISE,
        .steps = "A page of an anonymous mapping is written: page fault, the kernel takes a frame that "
                 "this process "
                 "gave back just before, zeroes it, maps it, returns. Giving back is not timed.",
        .advice =
            "Touch memory once and keep it: allocators that give memory back to the kernel pay this again "
            "and "
            "again. Where first-touch-4k-fresh costs far more, the machine below takes free memory back.",
        .native = {.run = recycled, SMALL},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "first-touch-4k-fresh",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the first touch of a 4 KiB page whose frame this run has not had before",
        .article = ARTICLE_FAULT,
        .source = SOURCE_MADVISE "; Linux Documentation/mm/free_page_reporting.rst",
        .steps = "As first-touch-4k, but everything that was touched is kept until the run ends, so that the "
                 "kernel has "
                 "to take other frames. In a virtual machine these may be frames that the host has taken "
                 "back: then the "
                 "host faults too. Whether they are is not known; the difference tells.",
        .advice =
            "Prefault what must not stall. In a virtual machine ask for one without free page reporting or "
            "ballooning, or keep memory instead of freeing it.",
        .against = "first-touch-4k",
        .native = {.run = fresh, SMALL},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "first-touch-2m",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the first touch of a transparent 2 MiB page whose memory was freed a moment ago",
        .article = "Large pages need 512 times fewer faults, but each must zero 2 MiB.",
        .source = SOURCE_MADVISE,
        .steps = "One byte of an aligned 2 MiB range with MADV_HUGEPAGE is written: one page fault, the "
                 "kernel zeroes 2 "
                 "MiB and maps it by one entry. That it was a large page is checked afterwards; where the "
                 "kernel has "
                 "none at hand there is no figure.",
        .advice = "Divide by 512 and hold it against first-touch-4k: what remains is the price of zeroing.",
        .native = {.run = recycled, LARGE},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "first-touch-2m-fresh",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the first touch of a transparent 2 MiB page that this run has not had before",
        .article = "Large pages need 512 times fewer faults, but each must zero 2 MiB.",
        .source = SOURCE_MADVISE "; Linux Documentation/mm/free_page_reporting.rst",
        .steps = "As first-touch-2m, with all memory kept until the run ends.",
        .advice = "As first-touch-4k-fresh.",
        .against = "first-touch-2m",
        .native = {.run = fresh, LARGE},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "populate-write",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "prefaulting by MADV_POPULATE_WRITE, each 4 KiB page",
        .article = "Prefaulting: the same work without an exception for every page.",
        .source = SOURCE_MADVISE,
        .steps = "One system call makes all pages of a new mapping present, as if each had been written.",
        .advice = "Use it for memory that will be used anyway.",
        .against = "first-touch-4k",
        .native = {.run = populate_write, SMALL},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "map-populate",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "prefaulting by mmap() with MAP_POPULATE, each 4 KiB page",
        .article = "Prefaulting: the same work without an exception for every page.",
        .source = SOURCE_MADVISE,
        .steps = "mmap() replaces a mapping by a new one and populates it in the same call; where "
                 "transparent huge pages "
                 "are always on, it may take large ones.",
        .advice = "Use it for memory that will be used anyway.",
        .against = "first-touch-4k",
        .native = {.run = map_populate, .open = check_small_pages, SMALL},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "willneed",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "MADV_WILLNEED and then touching, each 4 KiB page of anonymous memory",
        .article = "Prefaulting that does not: the hint concerns files and swap.",
        .source = SOURCE_MADVISE,
        .steps = "One system call, which for anonymous memory only reads back what was swapped out; then "
                 "each page is "
                 "written and faults.",
        .advice = "Do not expect it to prefault anonymous memory: use MADV_POPULATE_WRITE.",
        .against = "first-touch-4k",
        .native = {.run = willneed, SMALL},
        .guest = NEEDS_LINUX,
    },
};

const struct event_family events_first_touch = EVENT_FAMILY(rows);
