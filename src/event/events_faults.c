/* Page faults, apart by who handles them. */
#include "event/internal.h"

#include "base/size.h"

#include <errno.h>
#include <sys/mman.h>

enum { PAGES = 512 }; /* as many as one table of the guest maps */
#define DATA_BYTES (PAGES * 4 * KIB)
enum { LARGE_PAGES = 4 };

/* ---- parts of a run ---- */

/* Timed: writes one byte of each of `count` pages at `base`. */
static int touch_pages(
    struct event_bench *bench, void *base, uint64_t count, struct event_run *run, struct error *error)
{
    struct workload_job *job = bench->place->image->job;
    job->first = (uintptr_t)base;
    job->stride = bench->data.page_bytes ? bench->data.page_bytes : 4 * KIB;
    return event_call(bench, "event-touch", count, run, error);
}

/* The guest's kernel takes the pages away from the guest: what is done from outside a shadow table would not
 * see. */
static int clear_entries(struct event_bench *bench, uint64_t count, struct error *error)
{
    struct workload_job *job = bench->place->image->job;
    workload_function *clear;
    int rc = image_find(bench->place->image, "event-clear", &clear, error);
    job->first = LAB_WINDOW.value;
    job->steps = count;
    return rc < 0 ? rc : domain_call_kernel(bench->prepared.domain, clear, error);
}

/* Every page must have been a fault of the guest's kernel, or the price is of something else. */
static int check_handled(
    uint64_t before, const struct event_bench *bench, uint64_t count, struct error *error)
{
    uint64_t faults, interrupts;
    lab_handled(bench->lab, &faults, &interrupts);
    if (faults - before == count)
        return 0;
    return error_set(error, EPROTO, "the guest's kernel handled %llu page faults for %llu pages",
        (unsigned long long)(faults - before), (unsigned long long)count);
}

/* ---- in a guest ---- */

static int open_handling(struct event_bench *bench, struct error *error)
{
    (void)error;
    lab_handle(bench->lab, LAB_PAGE_FAULT);
    return 0;
}

static int run_guest_faults(
    struct event_bench *bench, uint64_t count, bool host_too, struct event_run *run, struct error *error)
{
    uint64_t before, interrupts;
    int rc = clear_entries(bench, count, error);
    if (rc == 0 && host_too)
        rc = event_drop_pages(&bench->data, count, error);
    lab_handled(bench->lab, &before, &interrupts);
    if (rc == 0)
        rc = touch_pages(bench, bench->data.base, count, run, error);
    if (rc == 0 && host_too)
        rc = event_check_dropped(&bench->data, count, error);
    return rc < 0 ? rc : check_handled(before, bench, count, error);
}

static int run_guest_only(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_guest_faults(bench, count, false, run, error);
}

static int run_both(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_guest_faults(bench, count, true, run, error);
}

/* Here and there: the host has no page. KVM may back neighbours of a page along with it, so that no count can
 * be insisted on in a guest. */
static int run_host_only(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t before;
    int rc = event_drop_pages(&bench->data, count, error);
    before = event_minor_faults();
    if (rc == 0)
        rc = touch_pages(bench, bench->data.base, count, run, error);
    if (rc == 0)
        rc = event_check_dropped(&bench->data, count, error);
    return rc < 0 || bench->prepared.domain ? rc : event_check_faults(before, count, error);
}

/* ---- large pages ---- */

static int check_large(struct event_bench *bench, uint64_t count, struct error *error)
{
    struct counters now;
    uint64_t large = 0;
    int rc = memory_check_obtained(&bench->data, 0, count * bench->data.page_bytes, error);
    if (rc < 0 || !bench->prepared.domain)
        return rc;
    domain_counters(bench->prepared.domain, &now);
    if (counters_get(&now, "pages_2m", &large) && large < count)
        rc = error_set(error, EPROTO, "KVM does not map the host's 2 MiB pages as large ones");
    return rc;
}

/* Whether there are large pages at all: a run that gets small ones touches too little to tell why. */
static int open_large(struct event_bench *bench, struct error *error)
{
    return memory_check_obtained(&bench->data, 0, bench->data.bytes, error);
}

static int run_host_large(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    int rc = run_host_only(bench, count, run, error);
    return rc < 0 ? rc : check_large(bench, count, error);
}

/* ---- natively: a fault without a new page ---- */

/* Shared memory keeps its pages when a mapping of it forgets them. */
static int open_shared(struct event_bench *bench, struct error *error)
{
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
    bench->own = mmap(NULL, DATA_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (bench->own != MAP_FAILED)
        return 0;
    bench->own = NULL;
    return error_errno(error, errno, "cannot map shared memory");
}

static void close_shared(struct event_bench *bench)
{
    if (bench->own)
        munmap(bench->own, DATA_BYTES);
}

static int run_shared(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t before;
    if (madvise(bench->own, DATA_BYTES, MADV_DONTNEED) < 0)
        return error_errno(error, errno, "cannot forget the pages of a mapping");
    before = event_minor_faults();
    int rc = touch_pages(bench, bench->own, count, run, error);
    return rc < 0 ? rc : event_check_faults(before, count, error);
}

#define GUEST_WAY(function)                                                                                  \
    .guest = {.tables = true,                                                                                \
        .run = function,                                                                                     \
        .open = open_handling,                                                                               \
        .handling = true,                                                                                    \
        .data_bytes = DATA_BYTES,                                                                            \
        .most = PAGES}
#define LARGE_WAY                                                                                            \
    {                                                                                                        \
        .run = run_host_large, .open = open_large, .data_bytes = LARGE_PAGES * 2 * MIB,                      \
        .data_page_bytes = 2 * MIB, .most = LARGE_PAGES,                                                     \
        .elsewhere = "memory that processes share gets large pages by joining small ones, not at a touch: "  \
                     "see kernel-touch-large"                                                                \
    }
#define ARTICLE                                                                                              \
    "Page faults are where the techniques part: with nested paging the guest handles its own without the "   \
    "monitor, with "                                                                                         \
    "shadow paging the monitor sees every one; and the host's faults come on top."

static const struct event rows[] = {
    {
        .name = "page-fault",
        .group = EVENT_NANO,
        .unit = "fault",
        .summary = "a page fault that the (guest's) kernel handles without a new page",
        .article = ARTICLE,
        .source = "Adams and Agesen, ASPLOS 2006, nanobenchmark pgfault",
        .steps = "A page is written whose page-table entry says not present; the CPU raises #PF; the kernel "
                 "makes the entry "
                 "present and returns. In a guest this is one bit set by vcost's kernel; natively Linux maps "
                 "a page of "
                 "shared memory that it still has. The host has all pages throughout.",
        .advice = "With shadow paging every such fault is an exit or more: prefault, use large pages, map "
                  "once. Best: nested "
                  "paging.",
        .native = {.run = run_shared, .open = open_shared, .close = close_shared, .most = PAGES},
        GUEST_WAY(run_guest_only),
    },
    {
        .name = "fault-host",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "a first touch that only the host has to handle",
        .article = ARTICLE,
        .source = "Linux Documentation/virt/kvm/x86/mmu.rst",
        .steps = "The guest's page tables have the page, the host's do not: the guest leaves, the host takes "
                 "a frame, zeroes "
                 "it, maps it for the guest. Natively the same memory is touched by this process.",
        .advice = "Back a guest's memory before it runs (prealloc, MADV_POPULATE_WRITE), with large pages.",
        .native = {.run = run_host_only, .data_bytes = DATA_BYTES, .most = PAGES},
        .guest = {.run = run_host_only, .data_bytes = DATA_BYTES, .most = PAGES},
    },
    {
        .name = "fault-guest",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "a touch that only the guest's kernel has to handle",
        .article = ARTICLE,
        .source = "Linux Documentation/virt/kvm/x86/mmu.rst",
        .steps = "The host has the page, the guest's page tables do not: the guest's kernel makes the "
                 "entry present and returns. This is page-fault in a guest, measured in turns with the "
                 "host's part.",
        .advice = "As page-fault.",
        .against = "fault-host",
        .native = {.impossible = "there is only one level natively: see page-fault"},
        GUEST_WAY(run_guest_only),
    },
    {
        .name = "fault-both",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "a first touch that the guest's kernel and then the host have to handle",
        .article = ARTICLE,
        .source = "Linux Documentation/virt/kvm/x86/mmu.rst",
        .steps = "Neither the guest's nor the host's tables have the page: first the guest's kernel sets its "
                 "entry, then the "
                 "same access leaves the guest and the host brings a frame.",
        .advice = "Prefault at both levels.",
        .against = "fault-host",
        .native = {.impossible = "there is only one level natively: see fault-host"},
        GUEST_WAY(run_both),
    },
    {
        .name = "fault-host-2m",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "fault-host with 2 MiB pages in the guest and in the host",
        .article = ARTICLE " Large pages need 512 times fewer.",
        .source = "Linux Documentation/virt/kvm/x86/mmu.rst, admin-guide/mm/transhuge.rst",
        .steps = "As fault-host: the host takes and zeroes a transparent large page, KVM maps it by one "
                 "entry. Both are checked afterwards; where there is no large page at hand there is no "
                 "figure.",
        .advice = "Divide by 512 and hold it against fault-host: what remains is the price of zeroing.",
        .native = LARGE_WAY,
        .guest = LARGE_WAY,
    },
};

const struct event_family events_faults = EVENT_FAMILY(rows);
