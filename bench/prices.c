/* Prices of `vcost events` against hand-written loops that do nothing else, in the same run: a row for each
 * (bench/README.md). For each placement the event is opened anew; then event and loop are taken in turns (A
 * B, B A, …) on one CPU. The ratio of their least times is taken for each placement, and the interval over
 * the placements. */
#include "bare_loops.h"
#include "domain/probe.h"
#include "base/size.h"
#include "event/event.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "measure/statistics.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PLACEMENTS = 7, PAIRS = 32, PAGES = 512, PAGE_BYTES = 4096 };
static const double target = 0.10, sample_ns = 2e6;

struct bench {
    struct clock clock;
    struct pin pin;
    struct image image;
    struct monitor_facts facts;
    struct bare_guest *guest; /* of the contest, where it needs one */
    const char *failed;
};

/* Makes something `count` times; its ticks, 0 if it could not. */
typedef uint64_t loop_function(struct bench *bench, uint64_t count);

static uint64_t loop_cpuid(struct bench *bench, uint64_t count)
{
    uint64_t start = clock_ticks();
    (void)bench;
    for (; count; count--) {
        uint32_t a = 0, b, c = 0, d;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    }
    return clock_ticks() - start;
}

static uint64_t loop_system_call(struct bench *bench, uint64_t count)
{
    uint64_t start = clock_ticks();
    (void)bench;
    for (; count; count--) { /* syscall() of the C library costs a tenth more */
        uint64_t rax = SYS_getppid;
        __asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
    }
    return clock_ticks() - start;
}

static void *map_pages(uint64_t count)
{
    void *pages = mmap(NULL, count * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(pages, count * PAGE_BYTES, MADV_NOHUGEPAGE);
    return pages;
}

/* Of pages that were given back just before, as the event does it: where the kernel takes pages from depends
 * on who gave some back last. */
static uint64_t loop_touch(struct bench *bench, uint64_t count)
{
    static volatile char *pages;
    (void)bench;
    if (!pages)
        pages = map_pages(PAGES);
    madvise((void *)pages, count * PAGE_BYTES, MADV_DONTNEED);
    uint64_t start = clock_ticks();
    for (uint64_t i = 0; i < count; i++)
        pages[i * PAGE_BYTES] = 1;
    return clock_ticks() - start;
}

static uint64_t loop_lock(struct bench *bench, uint64_t count)
{
    void *pages = map_pages(count);
    (void)bench;
    memset(pages, 1, count * PAGE_BYTES);
    uint64_t start = clock_ticks();
    int rc = mlock(pages, count * PAGE_BYTES);
    uint64_t ticks = clock_ticks() - start;
    munmap(pages, count * PAGE_BYTES);
    return rc < 0 ? 0 : ticks;
}

static uint64_t loop_guest(struct bench *bench, uint64_t count)
{
    return bare_guest_ticks(bench->guest, count);
}

static const struct contest {
    const char *event;
    const struct runner_ops *runner;
    loop_function *loop;
    int guest; /* enum bare_loop; -1: none */
    const char *what;
} contests[] = {
    {"pio-user", &runner_kvm, loop_guest, BARE_EXIT, "an exit to the monitor's process, against bare ioctls"},
    {"cpuid", &runner_native, loop_cpuid, -1, "CPUID, natively"},
    {"syscall", &runner_native, loop_system_call, -1, "a system call, natively"},
    {"first-touch-4k", &runner_native, loop_touch, -1, "a page fault (first touch), natively"},
    {"mlock", &runner_native, loop_lock, -1, "mlock(), a page, natively"},
    {"pte-change", &runner_kvm, loop_guest, BARE_PTE_CHANGE,
        "a change of a page-table entry, against bare ioctls"},
};

/* ---- one contest ---- */

struct pairs {
    double event[PAIRS], loop[PAIRS];
};

static int sample_event(struct event_bench *event, uint64_t count, double *ticks, struct error *error)
{
    struct event_run run;
    int rc = event_run(event, count, &run, error);
    if (rc == 0)
        *ticks = (double)run.ticks / (double)run.count;
    return rc;
}

static int sample_loop(
    struct bench *bench, const struct contest *contest, uint64_t count, double *ticks, struct error *error)
{
    uint64_t sum = contest->loop(bench, count);
    *ticks = (double)sum / (double)count;
    return sum ? 0 : error_set(error, EIO, "the hand-written loop of %s failed", contest->event);
}

/* The least, not the median: the same instructions take one of several times, by the place of the code around
 * them (guest/workload/event_nano.c) and by what neighbours do, and what is asked is what the event adds. */
static double least(const double ticks[static PAIRS])
{
    double found = ticks[0];
    for (unsigned i = 1; i < PAIRS; i++)
        found = fmin(found, ticks[i]);
    return found;
}

static int sample_pairs(struct bench *bench, const struct contest *contest, struct event_bench *event,
    uint64_t count, double *ratio, struct error *error)
{
    struct pairs ticks;
    int rc = 0;
    for (unsigned pair = 0; rc == 0 && pair < PAIRS; pair++) {
        for (unsigned turn = 0; rc == 0 && turn < 2; turn++)
            rc = (pair + turn) % 2 ? sample_loop(bench, contest, count, &ticks.loop[pair], error)
                                   : sample_event(event, count, &ticks.event[pair], error);
    }
    if (rc == 0)
        *ratio = least(ticks.event) / least(ticks.loop);
    return rc;
}

/* How many make a sample: as many as last long enough, or as one run can hold. */
static int find_count(
    const struct bench *bench, struct event_bench *event, uint64_t *count, struct error *error)
{
    uint64_t most = event->way->most;
    int rc = 0;
    for (*count = 1; rc == 0; *count *= 2) {
        struct event_run run;
        rc = event_run(event, *count, &run, error);
        if (rc == 0 && (clock_ns(&bench->clock, run.ticks) > sample_ns || (most && 2 * *count > most)))
            break;
    }
    return rc;
}

static int measure_placement(
    struct bench *bench, const struct contest *contest, double *ratio, struct error *error)
{
    const struct placement_config config = {
        .image = &bench->image,
        .clock = &bench->clock,
        .other_cpu = pin_other(&bench->pin),
        .cpu = bench->pin.cpu,
    };
    struct placement placement;
    struct runner *runner = NULL;
    const struct event *event = event_find(contest->event);
    struct event_bench *open = NULL;
    uint64_t count = 0;
    double ignored;
    if (!event)
        return error_set(error, ENOENT, "there is no event '%s'", contest->event);
    placement_open(&placement, &config);
    const struct runner_config here = runner_here(contest->runner, &placement, &bench->facts, 4 * KIB);
    int rc = runner_open(&here, &runner, error);
    if (rc == 0)
        rc = event_open(event, 0, runner, &open, error);
    if (rc == 0)
        rc = find_count(bench, open, &count, error);
    if (rc == 0)
        rc = sample_pairs(bench, contest, open, (count + 3) / 4, &ignored, error);
    if (rc == 0)
        rc = sample_pairs(bench, contest, open, count, ratio, error);
    event_close(open);
    runner_close(runner);
    placement_close(&placement);
    return rc;
}

static const char *verdict(const struct estimate *ratio)
{
    if (ratio->low >= 1 - target && ratio->high <= 1 + target)
        return "met";
    return ratio->low > 1 + target || ratio->high < 1 - target ? "missed" : "cannot tell";
}

static int measure_contest(struct bench *bench, const struct contest *contest, struct error *error)
{
    double ratios[PLACEMENTS];
    int rc = 0;
    if (contest->guest >= 0 &&
        !(bench->guest = bare_guest_open((enum bare_loop)contest->guest, &bench->failed)))
        return error_set(error, ENOTSUP, "%s", bench->failed);
    for (unsigned placement = 0; rc == 0 && placement < PLACEMENTS; placement++)
        rc = measure_placement(bench, contest, &ratios[placement], error);
    if (bench->guest)
        bare_guest_close(bench->guest);
    bench->guest = NULL;
    if (rc < 0)
        return rc;
    struct estimate ratio = statistics_estimate(ratios, PLACEMENTS);
    printf("%s\twithin %.0f %%\t%+.1f %% (%+.1f ... %+.1f)\t%d placements x %d pairs\t%s\n", contest->what,
        target * 100, (ratio.median - 1) * 100, (ratio.low - 1) * 100, (ratio.high - 1) * 100, PLACEMENTS,
        PAIRS, verdict(&ratio));
    return 0;
}

int main(void)
{
    static struct bench bench;
    struct error error;
    if (clock_calibrate(&bench.clock, &error) < 0 || pin_thread(&bench.pin, -1, &error) < 0 ||
        image_load(&bench.image, &error) < 0) {
        fprintf(stderr, "bench/prices: %s\n", error.text);
        return 1;
    }
    domain_probe(&monitor_kvm, &bench.facts);
    int status = 0;
    for (size_t i = 0; i < sizeof contests / sizeof contests[0]; i++)
        if (measure_contest(&bench, &contests[i], &error) < 0) {
            fprintf(stderr, "bench/prices: %s: %s\n", contests[i].event, error.text);
            status = 1;
        }
    return status;
}
