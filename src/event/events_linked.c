/* What a guest's kernel does for its processes: page faults, page-table changes, system calls, processes. By
 * the linked kernel (linked.h), the same on each monitor. What is counted must be what the row is about. */
#include "event/internal.h"
#include "event/linked.h"

#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_WRITE 23
#endif

enum { PAGES = GUEST_WINDOW_PAGES, REPEATED_MOST = 4096, PAGE_BYTES = 4096 };
#define CALL(name) LINKED_CALL(name)
#define READ_WRITE (GUEST_READ | GUEST_WRITE | GUEST_USER)
#define READ_ONLY (GUEST_READ | GUEST_USER)

/* ---- page faults ---- */

/* Where SYSCALL does not lead to the guest's kernel that is emulated: so many pages would take half a second.
 */
static int check_size(struct event_bench *bench, struct error *error)
{
    if (bench->bytes <= 256 * KIB || bench->prepared.runner->config.facts->syscall_privilege == 0)
        return 0;
    return error_set(error, ENOTSUP,
        "this KVM emulates a guest's kernel, which takes it half a millisecond to zero a page: smaller sizes "
        "tell as much");
}

static int check_shadow(struct event_bench *bench, struct error *error)
{
    const struct runner_config *runner = &bench->prepared.runner->config;
    if (runner->ops->monitor->elsewhere && runner->facts->technique == TECHNIQUE_SHADOW)
        return 0;
    return error_set(error, ENOTSUP, "only vcost's own shadow paging can follow tables in either way");
}

/* Counts that are the same in every manner. */
#define ALL(count)                                                                                           \
    {                                                                                                        \
        (count), (count), (count)                                                                            \
    }

/* Runs it, and holds the counts against what is due: `count` events, or an error. */
static int run_work(struct event_bench *bench, const struct linked_work *work, const struct linked_due *due,
    uint64_t count, struct event_run *run, struct error *error)
{
    struct linked_part part;
    int rc = linked_run(bench, work, &part, error);
    if (rc < 0 || (rc = linked_check(bench, work, &part, due, error)) < 0)
        return rc;
    return linked_finish(bench, &part, count, run);
}

/* Pages that come on demand, so many at a time as the row's size holds. Recycled: they came and went before.
 * Who asks has them mapped when he is answered. Otherwise they come to the process by hidden faults and the
 * monitor's own fill-around; and where not each store to a table is emulated, the first one is a hidden
 * fault, too: the table stays writable as long as it is written between faults. */
static int run_demand(struct event_bench *bench, uint64_t count, bool recycled, bool sync_write,
    struct event_run *run, struct error *error)
{
    const uint64_t around = bench->bytes / PAGE_BYTES, pages = (count + around - 1) / around * around;
    const uint64_t faults = pages / around, lives = recycled ? 3 : 1; /* in the second each is zeroed first */
    const unsigned fill = linked_fill(bench);
    const uint64_t fills = faults * (around > fill ? around / fill : 1);
    struct linked_script script = {.count = 0};
    LINKED_ADD(&script, {CALL(DEMAND), 0, pages, READ_WRITE});
    for (uint64_t life = 1; life < lives; life++)
        LINKED_ADD(&script, {STEP_TOUCH, 0, pages, 0}, {CALL(DROP), 0, pages, 0});
    LINKED_ADD(&script, LINKED_START, {STEP_TOUCH, 0, pages, 0}, LINKED_STOP);
    const struct linked_work work = {.first = &script, .around = (unsigned)around, .sync_write = sync_write};
    const struct linked_due due[] = {
        {"faults", ALL(faults)},
        {"filled", ALL(pages)},
        {"changes", ALL(pages)},
        {"page_faults_true", ALL(faults)},
        {"page_faults_fixed", {0, fills + !recycled, fills}},
        {"table_stores", {LINKED_ANY, !recycled, pages}},
        {"table_updates", {pages, LINKED_ANY, LINKED_ANY}},
        {"update_requests", {faults, LINKED_ANY, LINKED_ANY}},
        {"pages_filled", {pages, LINKED_ANY, LINKED_ANY}}, /* in its child alone */
        {"hypercalls", {2 * faults, 0, 0}},
        {NULL, ALL(0)},
    };
    return run_work(bench, &work, due, pages, run, error);
}

static int run_fresh(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_demand(bench, count, false, false, run, error);
}

static int run_recycled(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_demand(bench, count, true, false, run, error);
}

static int run_emulated(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_demand(bench, count, false, true, run, error);
}

/* Of a page of 2 MiB at both levels: one fault, one entry, and one mapping, which is what the CPU walks to.
 */
static int run_large(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct linked_script script = {.count = 0};
    (void)count;
    LINKED_ADD(&script, {CALL(LARGE), READ_WRITE, 0, 0}, LINKED_START,
        {STEP_TOUCH, GUEST_WINDOW_PAGES, GUEST_LARGE_PAGES, 0}, LINKED_STOP);
    const struct linked_due due[] = {
        {"faults", ALL(1)},
        {"changes", ALL(1)},
        {"page_faults_true", ALL(1)},
        {"page_faults_fixed", {0, 2, 1}},
        {"table_stores", {LINKED_ANY, 1, 1}},
        {"table_updates", {1, LINKED_ANY, LINKED_ANY}},
        {"hypercalls", {2, 0, 0}},
        {"pages_2m", ALL(1)},
        {NULL, ALL(0)},
    };
    return run_work(
        bench, &(struct linked_work){.first = &script, .large = true}, due, GUEST_LARGE_PAGES, run, error);
}

/* Pages that are there: their accessed and dirty bits are taken away, so that the monitor has to see the next
 * touch where it keeps those bits. */
static int run_hidden(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct linked_script script = {.count = 0};
    LINKED_ADD(&script, {CALL(DEMAND), 0, count, READ_WRITE}, {STEP_TOUCH, 0, count, 0});
    for (uint64_t page = 0; page < count; page++)
        LINKED_ADD(&script, {CALL(BITS), (uint32_t)page, 0, 0});
    LINKED_ADD(&script, LINKED_START, {STEP_TOUCH, 0, count, 0}, LINKED_STOP);
    const struct linked_due due[] = {
        {"faults", ALL(0)},
        {"page_faults_true", ALL(0)},
        {"page_faults_fixed", ALL(count)},
        {"exits", ALL(count)},
        {NULL, ALL(0)},
    };
    return run_work(bench, &(struct linked_work){.first = &script, .around = PAGES}, due, count, run, error);
}

/* ---- the same again and again ---- */

/* Ends a script that has said what is to be timed: `count` times the `steps` that are last in it. */
static void repeat(struct linked_script *script, uint32_t steps, uint64_t count)
{
    LINKED_ADD(script, {STEP_REPEAT, steps, count - 1, 0}, LINKED_STOP);
}

/* The monitor that asks: one for each change, one to return. Shadowing learns of it when the translation is
 * flushed, and the first store to the table, which was in sync, is a fault. */
static int run_protect(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const uint64_t pairs = (count + 1) / 2, changes = 2 * pairs;
    struct linked_script script = {.count = 0};
    LINKED_ADD(&script, {CALL(MAP), 0, 0, READ_WRITE}, {STEP_TOUCH, 0, 1, 0}, LINKED_START,
        {CALL(PROTECT), 0, 1, READ_ONLY}, {CALL(PROTECT), 0, 1, READ_WRITE}, {STEP_TOUCH, 0, 1, 0});
    repeat(&script, 3, pairs);
    const struct linked_due due[] = {
        {"calls", ALL(changes)},
        {"changes", ALL(changes)},
        {"page_faults_true", ALL(0)},
        {"page_faults_fixed", {0, 1, 0}},
        {"tlb_flushes", {0, changes, changes}},
        {"table_stores", {LINKED_ANY, 1, changes}},
        {"table_updates", {changes, LINKED_ANY, LINKED_ANY}},
        {"update_requests", {changes, LINKED_ANY, LINKED_ANY}},
        {"hypercalls", {2 * changes, 0, 0}},
        {NULL, ALL(0)},
    };
    return run_work(bench, &(struct linked_work){.first = &script}, due, changes, run, error);
}

static int run_call(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct linked_script script = {.count = 0};
    LINKED_ADD(&script, LINKED_START, {CALL(YIELD), 0, 0, 0});
    repeat(&script, 1, count);
    const struct linked_due due[] = {
        {"calls", ALL(count)},
        {"switches", ALL(0)},
        {"hypercalls", {count, 0, 0}},
        {"exits", ALL(2 * count)}, /* there and back */
        {NULL, ALL(0)},
    };
    return run_work(bench, &(struct linked_work){.first = &script}, due, count, run, error);
}

/* Each of the two gives way to the other: two switches between two times of the first. Both have run before.
 */
static int run_switch(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const uint64_t pairs = (count + 1) / 2, switches = 2 * pairs;
    struct linked_script script = {.count = 0}, other = {.count = 0};
    LINKED_ADD(&other, {CALL(YIELD), 0, 0, 0}, {STEP_REPEAT, 1, pairs + 1, 0});
    LINKED_ADD(&script, {CALL(YIELD), 0, 0, 0}, {CALL(YIELD), 0, 0, 0}, LINKED_START, {CALL(YIELD), 0, 0, 0});
    repeat(&script, 1, pairs);
    const struct linked_due due[] = {
        {"calls", ALL(switches)},
        {"switches", ALL(switches)},
        {"hypercalls", {2 * switches, 0, 0}},
        {"tlb_flushes", {0, switches, switches}},
        {"exits", ALL(3 * switches)}, /* there, the switch, and back */
        {NULL, ALL(0)},
    };
    return run_work(bench, &(struct linked_work){.first = &script, .second = &other, .at_once = 2}, due,
        switches, run, error);
}

/* The process that is made calls twice, and the first one, too. */
static int run_process(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct linked_script script = {.count = 0}, nothing = {.count = 0};
    LINKED_ADD(&script, LINKED_START, {CALL(SPAWN), 1, 0, 0}, {CALL(JOIN), 1, 0, 0});
    repeat(&script, 2, count);
    const struct linked_due due[] = {
        {"ended", ALL(count)},
        {"calls", ALL(4 * count)},
        {"switches", ALL(2 * count)},
        {"tlb_flushes", {0, 3 * count, 3 * count}}, /* to it, to the tables of the start, and back */
        {"page_faults_true", ALL(0)},
        {NULL, ALL(0)},
    };
    return run_work(
        bench, &(struct linked_work){.first = &script, .second = &nothing}, due, count, run, error);
}

/* One that the monitor has to inject, and the return. */
static int run_exceptions(struct event_bench *bench, const struct guest_step *step, uint64_t page_faults,
    uint64_t count, struct event_run *run, struct error *error)
{
    struct linked_script script = {.count = 0};
    LINKED_ADD(&script, LINKED_START, *step);
    repeat(&script, 1, count);
    const struct linked_due due[] = {
        {"exceptions", ALL(count)},
        {"injected", ALL(count)},
        {"page_faults_true", ALL(page_faults)},
        {"page_faults_fixed", ALL(0)},
        {"hypercalls", {count, 0, 0}},
        {NULL, ALL(0)},
    };
    return run_work(bench, &(struct linked_work){.first = &script}, due, count, run, error);
}

static int run_divide(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_exceptions(bench, &(struct guest_step){STEP_RAISE, RAISE_DIVIDE, 0, 0}, 0, count, run, error);
}

static int run_wild(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_exceptions(bench, &(struct guest_step){STEP_READ, 0, 0, 0}, count, count, run, error);
}

/* ---- natively ---- */

/* So many pages at a time as the row's size holds: asked for at once, or one touched. */
static int run_native_demand(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const uint64_t chunk = bench->bytes,
                   pages = (count * PAGE_BYTES + chunk - 1) / chunk * chunk / PAGE_BYTES;
    char *base = bench->data.base;
    if (madvise(base, pages * PAGE_BYTES, MADV_DONTNEED) < 0)
        return error_errno(error, errno, "cannot give pages back");
    uint64_t before = event_minor_faults(), start = clock_ticks();
    for (uint64_t at = 0; at < pages * PAGE_BYTES; at += chunk) {
        if (chunk == PAGE_BYTES)
            *(volatile char *)(base + at) = 1;
        else if (madvise(base + at, chunk, MADV_POPULATE_WRITE) < 0)
            return error_set(error, ENOTSUP, "this kernel has no MADV_POPULATE_WRITE (Linux 5.14)");
    }
    *run = (struct event_run){.count = pages, .ticks = clock_ticks() - start};
    return event_check_faults(before, pages, error);
}

static int protect_page(struct event_bench *bench, struct error *error)
{
    volatile char *page = bench->data.base;
    int rc = mprotect((void *)page, PAGE_BYTES, PROT_READ);
    rc |= mprotect((void *)page, PAGE_BYTES, PROT_READ | PROT_WRITE);
    if (rc < 0)
        return error_errno(error, errno, "cannot change the protection of a page");
    *page = 1;
    return 0;
}

static int give_way(struct event_bench *bench, struct error *error)
{
    (void)bench;
    return sched_yield() == 0 ? 0 : error_errno(error, errno, "cannot yield");
}

static const uint64_t batches[] = {4 * KIB, 64 * KIB, 256 * KIB, 2 * MIB, 0}; /* 1, 16, 64, 512 pages */

#define LINKED(function, events)                                                                             \
    .run = function, .begin = linked_begin, .tell = linked_tell, .close = linked_close, .linked = true,      \
    .waits = true, .most = events
#define GUEST(function, events) .guest = {LINKED(function, events)}
#define GUEST_OF_SIZE(function) .guest = {.open = check_size, LINKED(function, PAGES)}
#define NATIVE_DEMAND                                                                                        \
    .native = {.run = run_native_demand, .data_bytes = PAGES * (uint64_t)PAGE_BYTES, .most = PAGES}
#define NOT_NATIVE(why) .native = {.impossible = (why)}
#define ARTICLE                                                                                              \
    "Where the techniques part: paravirtualization asks for many changes at once, shadow paging is lazy, "   \
    "nested paging needs no monitor for what the guest's kernel does by itself."
#define SOURCE "Adams and Agesen, ASPLOS 2006; guest/kernel, doc/paravirt.md, doc/shadow.md"
#define ADVICE                                                                                               \
    "Ask for many pages at once (prefault, fault-around, large pages); change mappings seldom; best: "       \
    "nested paging."

static const struct event rows[] = {
    {
        .name = "kernel-touch-fresh",
        .group = EVENT_LINKED,
        .unit = "page",
        .summary =
            "the first touch of a page, whose frame was never used, with its neighbours as the size says",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A process touches page after page; at each that is missing the guest's kernel takes frames "
                 "for as many as the size holds and enters them at once. Natively Linux is asked for as many "
                 "(MADV_POPULATE_WRITE), or one is touched; its frames were used before.",
        .advice = ADVICE,
        .sizes = batches,
        NATIVE_DEMAND,
        GUEST_OF_SIZE(run_fresh),
    },
    {
        .name = "kernel-touch-written",
        .group = EVENT_LINKED,
        .unit = "page",
        .summary = "kernel-touch-fresh by a monitor that emulates each store to a page table (--sync write)",
        .article = ARTICLE,
        .source = SOURCE,
        .steps =
            "As kernel-touch-fresh. The tables are write-protected: each store is a fault, is decoded and "
            "emulated, and the monitor's own copy is never behind.",
        .advice = "A monitor that is lazy: --sync lazy.",
        .sizes = batches,
        NATIVE_DEMAND,
        .guest = {.open = check_shadow, LINKED(run_emulated, PAGES)},
    },
    {
        .name = "kernel-touch-large",
        .group = EVENT_LINKED,
        .unit = "page",
        .summary = "the first touch of 2 MiB that the guest's kernel enters by one leaf, each 4 KiB of it",
        .article = "Large pages: one entry, one check and one mapping in place of 512.",
        .source = SOURCE,
        .steps = "As kernel-touch-fresh, by one entry of 2 MiB, behind which the host has one page of 2 MiB "
                 "(MADV_COLLAPSE). That the CPU walks to one, too, is counted (pages_2m); else there is no "
                 "figure.",
        .advice = "Large pages at both levels.",
        NOT_NATIVE("see first-touch-2m"),
        .guest = {LINKED(run_large, GUEST_LARGE_PAGES)},
    },
    {
        .name = "kernel-touch-recycled",
        .group = EVENT_LINKED,
        .unit = "page",
        .summary = "the same with frames that the guest's kernel gets back just before, and zeroes",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "As kernel-touch-fresh, after all pages have come and gone twice. With nested paging the "
                 "monitor has nothing to do with it any more.",
        .advice = ADVICE,
        .sizes = batches,
        NATIVE_DEMAND,
        GUEST_OF_SIZE(run_recycled),
    },
    {
        .name = "kernel-fault-hidden",
        .group = EVENT_LINKED,
        .unit = "page",
        .summary = "the next write to a page whose accessed and dirty bits were cleared",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "The page is mapped in the guest's tables. A CPU that walks these sets the bits by itself; "
                 "a monitor that keeps them takes a fault that the guest never sees.",
        .advice = "Let the guest not look at accessed bits more often than it must.",
        NOT_NATIVE("a process does not see these bits"),
        GUEST(run_hidden, PAGES),
    },
    {
        .name = "kernel-fault-injected",
        .group = EVENT_LINKED,
        .unit = "fault",
        .summary = "a page fault of a process that its kernel tells it, as a signal does",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A process reads where nothing is; the guest's kernel, to which the fault is delivered, "
                 "goes on at the process's handler.",
        .advice = "Programs that live on such faults (null checks, write barriers) pay this each time.",
        NOT_NATIVE("see signals of your own kernel"),
        GUEST(run_wild, REPEATED_MOST),
    },
    {
        .name = "kernel-exception",
        .group = EVENT_LINKED,
        .unit = "exception",
        .summary = "a division by zero of a process that its kernel tells it",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "As kernel-fault-injected, without an address: nothing is looked up in page tables.",
        .advice = "None: exceptions are rare.",
        NOT_NATIVE("see signals of your own kernel"),
        GUEST(run_divide, REPEATED_MOST),
    },
    {
        .name = "kernel-pte-change",
        .group = EVENT_LINKED,
        .unit = "change",
        .summary = "a system call that changes the protection of a page, which is written in between",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "The right to write is taken and given back by turns, then the page is written. Natively "
                 "mprotect(), two calls at a time.",
        .advice = ADVICE,
        .native = {.make = protect_page, .data_bytes = PAGE_BYTES},
        GUEST(run_protect, REPEATED_MOST),
    },
    {
        .name = "kernel-call",
        .group = EVENT_LINKED,
        .unit = "call",
        .summary = "a system call that does nothing, with a full save of registers",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A process that is alone yields: by SYSCALL, or by UD2 where SYSCALL does not lead to the "
                 "guest's kernel. Natively sched_yield().",
        .advice = "Batch system calls where they are dear.",
        .native = {.make = give_way},
        GUEST(run_call, REPEATED_MOST),
    },
    {
        .name = "kernel-switch",
        .group = EVENT_LINKED,
        .unit = "switch",
        .summary = "two processes give way to each other: a switch of the address space each time",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "A system call, and the other process goes on, in page tables of its own.",
        .advice = "Fewer processes, more threads.",
        NOT_NATIVE(
            "two processes that take turns on one CPU are a benchmark of the scheduler: lmbench, lat_ctx"),
        GUEST(run_switch, REPEATED_MOST),
    },
    {
        .name = "kernel-process",
        .group = EVENT_LINKED,
        .unit = "process",
        .summary = "a process is made, does nothing, ends, and its end is waited for",
        .article = ARTICLE,
        .source = SOURCE,
        .steps =
            "Five page tables are made and filled, a system call or two, and all is given back. Natively "
            "fork(), which copies the tables of a larger process.",
        .advice = "Processes that live longer.",
        .native = {.make = event_fork_and_exit, .waits = true},
        GUEST(run_process, 256),
    },
};

const struct event_family events_linked = EVENT_FAMILY(rows);
