/* What a guest's kernel does for its processes: page faults, page-table changes, system calls, processes. By
 * the linked kernel (guest/kernel), the same on each monitor, each run in a domain of its own. Only the
 * middle part of a script is timed, inside, and the kernel's own counts must be those of the row. */
#include "event/internal.h"

#include "base/size.h"
#include "domain/guest_kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_WRITE 23
#endif

enum { PAGES = GUEST_WINDOW_PAGES, REPEATED_MOST = 4096, PAGE_BYTES = 4096, STEPS_MOST = PAGES + 16 };
#define MEMORY_BYTES (4 * MIB)
#define CALL(name) (STEP_CALL + GUEST_CALL_##name - GUEST_CALL_FIRST)
#define READ_WRITE (GUEST_READ | GUEST_WRITE | GUEST_USER)
#define READ_ONLY (GUEST_READ | GUEST_USER)
#define START                                                                                                \
    {                                                                                                        \
        STEP_TIME, 0, 0, 0                                                                                   \
    }
#define STOP                                                                                                 \
    {                                                                                                        \
        STEP_TIME, 1, 0, 0                                                                                   \
    }

/* ---- a run of the kernel ---- */

struct script {
    struct guest_step step[STEPS_MOST];
    size_t count;
};

static void add(struct script *script, const struct guest_step *steps, size_t count)
{
    memcpy(script->step + script->count, steps, count * sizeof *steps);
    script->count += count;
}
#define ADD(script, ...)                                                                                     \
    do {                                                                                                     \
        const struct guest_step steps_[] = {__VA_ARGS__};                                                    \
        add(script, steps_, sizeof steps_ / sizeof steps_[0]);                                               \
    } while (0)

/* The first process does `first`, the second (at once, or when it is made) `second`, which may be NULL. */
struct work {
    const struct script *first, *second;
    unsigned at_once, around;
};

/* What came of it. */
struct outcome {
    uint64_t ticks;
    struct guest_kernel_status status;
    struct counters counters;
};

/* The time that processes of the monitor's took in a run: of all that it counts only this is added up. */
static void note_time(struct event_bench *bench, const struct counters *before, const struct counters *after)
{
    uint64_t from, to, sum = 0;
    if (!counters_get(before, "guest_ns", &from) || !counters_get(after, "guest_ns", &to))
        return;
    counters_get(&bench->passed, "guest_ns", &sum);
    counters_set(&bench->passed, "guest_ns", sum + (to - from));
}

static int run_kernel(
    struct event_bench *bench, const struct work *work, struct outcome *outcome, struct error *error)
{
    const struct runner_config *runner = &bench->prepared.runner->config;
    struct guest_kernel_config config = {
        .monitor = runner->ops->monitor,
        .facts = runner->facts,
        .bytes = MEMORY_BYTES,
        .sync_write = runner->sync_write,
        .fill = runner->fill,
        .fault_around = work->around ? work->around : 1,
        .processes = work->at_once ? work->at_once : 1,
        .preset = true,
        .events = 64,
        .stop = bench->place->stop,
        .job[0] = {work->first->step, work->first->count},
    };
    if (work->second)
        config.job[1] = (struct guest_kernel_job){work->second->step, work->second->count};
    struct guest_kernel *kernel;
    struct watch *watch = &runner->placement->watch;
    struct counters before;
    int rc = guest_kernel_create(&config, &kernel, error);
    if (rc < 0)
        return rc;
    guest_kernel_counters(kernel, &before);
    watch_start(watch);
    rc = guest_kernel_run(kernel, error);
    const struct evidence evidence = watch_end(watch);
    evidence_add(&bench->prepared.measured, &evidence);
    if (rc == 0) {
        outcome->ticks = guest_kernel_timed(kernel, 0);
        outcome->status = guest_kernel_status(kernel);
        guest_kernel_counters(kernel, &outcome->counters);
        note_time(bench, &before, &outcome->counters);
        if (!outcome->ticks)
            rc = error_set(error, EPROTO, "a guest's process timed nothing");
    }
    guest_kernel_destroy(kernel);
    return rc;
}

static int expect(const char *what, uint64_t seen, uint64_t least, uint64_t most, struct error *error)
{
    if (seen >= least && seen <= most)
        return 0;
    return error_set(
        error, EPROTO, "%s: %" PRIu64 " were counted, and %" PRIu64 " must be", what, seen, least);
}

/* Of what only some monitors count. */
static int expect_counted(
    const struct outcome *outcome, const char *name, uint64_t least, struct error *error)
{
    uint64_t seen;
    return counters_get(&outcome->counters, name, &seen) ? expect(name, seen, least, UINT64_MAX, error) : 0;
}

static int finish(struct event_run *run, uint64_t count, const struct outcome *outcome)
{
    *run = (struct event_run){.count = count, .ticks = outcome->ticks};
    return 0;
}

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

/* Pages that come on demand, so many at a time as the row's size holds. Recycled: they came and went before.
 */
static int run_demand(
    struct event_bench *bench, uint64_t count, bool recycled, struct event_run *run, struct error *error)
{
    const uint64_t around = bench->bytes / PAGE_BYTES, pages = (count + around - 1) / around * around;
    const uint64_t lives = recycled ? 3 : 1; /* in the second the kernel zeroes each for the first time */
    struct script script = {.count = 0};
    struct outcome outcome;
    ADD(&script, {CALL(DEMAND), 0, pages, READ_WRITE});
    for (uint64_t life = 1; life < lives; life++)
        ADD(&script, {STEP_TOUCH, 0, pages, 0}, {CALL(DROP), 0, pages, 0});
    ADD(&script, START, {STEP_TOUCH, 0, pages, 0}, STOP);
    int rc = run_kernel(bench, &(struct work){.first = &script, .around = (unsigned)around}, &outcome, error);
    if (rc < 0 ||
        (rc = expect("demand faults", outcome.status.faults, lives * pages / around, lives * pages / around,
             error)) < 0 ||
        (rc = expect("pages filled", outcome.status.filled, lives * pages, lives * pages, error)) < 0 ||
        (rc = expect_counted(&outcome, "page_faults_true", lives * pages / around, error)) < 0)
        return rc;
    return finish(run, pages, &outcome);
}

static int run_fresh(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_demand(bench, count, false, run, error);
}

static int run_recycled(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_demand(bench, count, true, run, error);
}

/* Pages that are there: their accessed and dirty bits are taken away, so that the monitor has to see the next
 * touch where it keeps those bits. */
static int run_hidden(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct script script = {.count = 0};
    struct outcome outcome;
    ADD(&script, {CALL(DEMAND), 0, count, READ_WRITE}, {STEP_TOUCH, 0, count, 0});
    for (uint64_t page = 0; page < count; page++)
        ADD(&script, {CALL(BITS), (uint32_t)page, 0, 0});
    ADD(&script, START, {STEP_TOUCH, 0, count, 0}, STOP);
    int rc = run_kernel(bench, &(struct work){.first = &script, .around = PAGES}, &outcome, error);
    if (rc < 0 || (rc = expect_counted(&outcome, "page_faults_fixed", count, error)) < 0)
        return rc;
    return finish(run, count, &outcome);
}

/* ---- the same again and again ---- */

/* Times `count` times the one or two steps that are last in the script. */
static int run_repeated(struct event_bench *bench, struct script *script, uint32_t steps, uint64_t count,
    const struct script *second, unsigned at_once, struct outcome *outcome, struct error *error)
{
    ADD(script, {STEP_REPEAT, steps, count - 1, 0}, STOP);
    return run_kernel(
        bench, &(struct work){.first = script, .second = second, .at_once = at_once}, outcome, error);
}

static int run_protect(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct script script = {.count = 0};
    struct outcome outcome;
    uint64_t pairs = (count + 1) / 2;
    ADD(&script, {CALL(MAP), 0, 0, READ_WRITE}, {STEP_TOUCH, 0, 1, 0}, START,
        {CALL(PROTECT), 0, 1, READ_ONLY}, {CALL(PROTECT), 0, 1, READ_WRITE}, {STEP_TOUCH, 0, 1, 0});
    int rc = run_repeated(bench, &script, 3, pairs, NULL, 1, &outcome, error);
    if (rc < 0 || (rc = expect("system calls", outcome.status.calls, 2 * pairs, UINT64_MAX, error)) < 0 ||
        (rc = expect_counted(&outcome, "hypercalls", 0, error)) < 0)
        return rc;
    return finish(run, 2 * pairs, &outcome);
}

static int run_call(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct script script = {.count = 0};
    struct outcome outcome;
    ADD(&script, START, {CALL(YIELD), 0, 0, 0});
    int rc = run_repeated(bench, &script, 1, count, NULL, 1, &outcome, error);
    if (rc < 0 || (rc = expect("system calls", outcome.status.calls, count, UINT64_MAX, error)) < 0)
        return rc;
    return finish(run, count, &outcome);
}

/* Each of the two gives way to the other: two switches between two times of the first. Both have run before.
 */
static int run_switch(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct script script = {.count = 0}, other = {.count = 0};
    struct outcome outcome;
    uint64_t pairs = (count + 1) / 2;
    ADD(&other, {CALL(YIELD), 0, 0, 0}, {STEP_REPEAT, 1, pairs + 1, 0});
    ADD(&script, {CALL(YIELD), 0, 0, 0}, {CALL(YIELD), 0, 0, 0}, START, {CALL(YIELD), 0, 0, 0});
    int rc = run_repeated(bench, &script, 1, pairs, &other, 2, &outcome, error);
    if (rc < 0 || (rc = expect("switches", outcome.status.switches, 2 * pairs, UINT64_MAX, error)) < 0)
        return rc;
    return finish(run, 2 * pairs, &outcome);
}

static int run_process(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct script script = {.count = 0}, nothing = {.count = 0};
    struct outcome outcome;
    ADD(&script, START, {CALL(SPAWN), 1, 0, 0}, {CALL(JOIN), 1, 0, 0});
    int rc = run_repeated(bench, &script, 2, count, &nothing, 1, &outcome, error);
    if (rc < 0 ||
        (rc = expect("processes that ended", outcome.status.ended, count + 1, count + 1, error)) < 0)
        return rc;
    return finish(run, count, &outcome);
}

static int run_exceptions(struct event_bench *bench, const struct guest_step *step, uint64_t count,
    struct event_run *run, struct error *error)
{
    struct script script = {.count = 0};
    struct outcome outcome;
    ADD(&script, START, *step);
    int rc = run_repeated(bench, &script, 1, count, NULL, 1, &outcome, error);
    if (rc < 0 || (rc = expect("exceptions", outcome.status.exceptions, count, count, error)) < 0)
        return rc;
    return finish(run, count, &outcome);
}

static int run_divide(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_exceptions(bench, &(struct guest_step){STEP_RAISE, RAISE_DIVIDE, 0, 0}, count, run, error);
}

static int run_wild(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_exceptions(bench, &(struct guest_step){STEP_READ, 0, 0, 0}, count, run, error);
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

#define GUEST(function, events) .guest = {.run = function, .linked = true, .waits = true, .most = events}
#define GUEST_OF_SIZE(function)                                                                              \
    .guest = {.run = function, .open = check_size, .linked = true, .waits = true, .most = PAGES}
#define NATIVE_DEMAND                                                                                        \
    .native = {.run = run_native_demand, .data_bytes = PAGES * (uint64_t)PAGE_BYTES, .most = PAGES}
#define NOT_NATIVE(why) .native = {.impossible = why}
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
