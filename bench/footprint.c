/* What one access to memory brings into the caches besides its own line: figures of prefetchers for a machine
 * file (doc/machines.md), to be repeated on any x86-64. Loads that wait for one another are timed one by one;
 * each is a hit (its line was in some cache) or a miss. Pages are of 4 KiB. Takes less than a minute. */
#include "base/random.h"
#include "base/size.h"
#include "host/host.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <x86intrin.h>

enum { LINE = 64, LINES = 64, PAGE = LINE * LINES, TIMES = 4096, LAPS = 15, PAGES_KEPT = 32768 };
static const double row_seconds = 4; /* at most, for each of 11 rows */

static struct clock ticking;
static char *memory;
static size_t pages, *order; /* in which they are walked */
static uint64_t seed = 1;
static double until;              /* seconds: the row that is measured is cut off */
static double threshold, miss_ns; /* ticks: what takes as long or longer is a miss */

static bool in_time(void)
{
    return clock_seconds() < until;
}

static void print_percent(size_t some, size_t all)
{
    printf(" %5.1f", all ? 100.0 * (double)some / (double)all : NAN);
}

/* ---- one load: hit or miss? ---- */

/* Goes on to where the line at *cursor points, and tells the ticks until it was there: LFENCE keeps out what
 * came before, RDTSCP waits for the load. */
static inline double load(void **cursor)
{
    unsigned cpu;
    _mm_lfence();
    uint64_t before = __rdtsc();
    _mm_lfence();
    *cursor = *(void *volatile *)*cursor;
    uint64_t after = __rdtscp(&cpu);
    _mm_lfence();
    return (double)(after - before);
}

/* A random line of the first bytes. Another one, half a page away, has its address translated, but is too far
 * to bring it. */
static double load_any(size_t bytes, bool flushed)
{
    size_t at = random_below(&seed, bytes / LINE) * LINE;
    void *other = memory + (at ^ PAGE / 2), *cursor = memory + at;
    load(&other);
    if (flushed)
        _mm_clflush(cursor);
    _mm_mfence();
    return load(&cursor);
}

static void read_first(size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LINE)
        (void)*(volatile char *)(memory + at);
}

/* Halfway, in ratios, from hits in the last cache (more was read since than a second cache holds) to misses
 * (flushed). */
static int find_threshold(struct error *error)
{
    static double near[TIMES], hits[TIMES], misses[TIMES];
    size_t late = 0, early = 0;
    for (size_t i = 0; i < TIMES; i++) {
        if (i % LINES == 0)
            read_first(8 * MIB);
        hits[i] = load_any(2 * MIB, false);
        misses[i] = load_any(pages * PAGE, true);
        void *twice[] = {memory, memory};
        load(&twice[0]);
        near[i] = load(&twice[1]);
    }
    double nearest = statistics_median(near, TIMES), hit = statistics_median(hits, TIMES),
           miss = statistics_median(misses, TIMES);
    threshold = sqrt(hit * miss);
    miss_ns = (miss - nearest) / ticking.ticks_per_ns;
    for (size_t i = 0; i < TIMES; i++) {
        late += hits[i] >= threshold;
        early += misses[i] < threshold;
    }
    printf("Medians of %d loads, ticks of %.3f ns: first cache %.0f, last cache %.0f, flushed %.0f.\n"
           "Misses are those of %.0f and more: of hits %zu are, of flushed lines %zu are not.\n",
        TIMES, 1 / ticking.ticks_per_ns, nearest, hit, miss, threshold, late, early);
    return late + early < TIMES / 10
               ? 0
               : error_set(error, ENOTSUP, "hits look like misses: is a calm hour to be had?");
}

/* ---- walks ---- */

/* A circle through so many lines of each page, one page after the other; where it begins. */
static void *link_lines(unsigned lines, bool random_pages, bool random_lines)
{
    size_t within[LINES];
    void *first = NULL, **last = &first;
    random_order(&seed, order, pages);
    for (size_t p = 0; p < pages; p++) {
        char *page = memory + (random_pages ? order[p] : p) * PAGE;
        random_order(&seed, within, LINES);
        for (unsigned i = 0; i < lines; i++)
            last = *last = page + (random_lines ? within[i] : i) * LINE;
    }
    *last = first;
    return first;
}

/* The second load of a page tells what the first one brought: the page is translated by then, and none of its
 * lines was used since the lap before. The further loads, and the first of two laps, are there for what
 * learns how much of a page is used. Found and all, by distance; at LINES it is 0. */
static void walk_pages(void *cursor, unsigned lines, size_t (*count)[2])
{
    for (size_t page = 0; page < 2 * pages && (page % 256 || in_time()); page++) {
        char *first = cursor;
        load(&cursor);
        size_t *at = count[LINES + ((char *)cursor - first) / LINE];
        at[0] += load(&cursor) < threshold && page >= pages;
        at[1] += page >= pages;
        for (unsigned i = 2; i < lines; i++)
            load(&cursor);
    }
}

/* What is found far away in the page was never gone, or more than neighbours was brought. */
static void tell_neighbours(unsigned lines)
{
    enum { CIRCLES = 4, BEHIND = 2, AHEAD = 8, FAR = 16 };
    size_t count[2 * LINES][2] = {{0}}, far[2] = {0}, least = SIZE_MAX;
    for (unsigned i = 0; i < CIRCLES && in_time(); i++)
        walk_pages(link_lines(lines, true, true), lines, count);
    printf("%10u", lines);
    for (int d = -BEHIND; d <= AHEAD; d += d == -1 ? 2 : 1) {
        print_percent(count[LINES + d][0], count[LINES + d][1]);
        least = count[LINES + d][1] < least ? count[LINES + d][1] : least;
    }
    for (int d = FAR; d < LINES; d++)
        for (int i = 0; i < 2; i++)
            far[i] += count[LINES + d][i] + count[LINES - d][i];
    print_percent(far[0], far[1]);
    printf("%13zu\n", least);
}

/* In order: do first lines wait? In random order of pages nothing can have fetched them. The 33rd stands for
 * further ones. The second of two laps: the first one finds lines that were just written. */
static void tell_sequence(unsigned random_pages)
{
    static double ticks[5][PAGES_KEPT];
    size_t count = 0;
    void *cursor = link_lines(LINES, random_pages, false);
    for (size_t page = 0; page < 2 * pages && (page % 256 || in_time()); page++) {
        for (unsigned line = 0; line < LINES; line++) {
            double took = load(&cursor);
            if (line < 4 || line == LINES / 2)
                ticks[line < 4 ? line : 4][count] = took;
        }
        count += page >= pages && count + 1 < PAGES_KEPT;
    }
    printf("%10s", random_pages ? "random" : "in order");
    for (size_t place = 0; place < sizeof ticks / sizeof *ticks; place++) {
        size_t missed = 0;
        for (size_t i = 0; i < count; i++)
            missed += ticks[place][i] >= threshold;
        print_percent(missed, count);
        printf(" (%3.0f)", statistics_median(ticks[place], count));
    }
    printf("%10zu\n", count);
}

/* Little's law, with no line timed: as many are on their way as fit into a miss, one each time that a line
 * takes. At least: a chase may wait for the nearer caches, too. */
static void tell_in_flight(unsigned laps)
{
    double ns[LAPS];
    unsigned count = 0;
    void *volatile *cursor = link_lines(LINES, false, false);
    for (; count < laps && in_time(); count++) {
        uint64_t before = clock_ticks();
        for (size_t i = 0; i < pages * LINES; i++)
            cursor = *cursor;
        ns[count] = clock_ns(&ticking, clock_ticks() - before) / (double)(pages * LINES);
    }
    double median = statistics_median(ns, count);
    printf("In order, untimed: %.2f ns a line (median of %u laps), %.0f ns a miss: %.0f lines in flight or "
           "more\n",
        median, count, miss_ns, miss_ns / median);
}

/* This thread leaves the caches alone meanwhile: what goes, others took who share the last one. */
static void tell_left_alone(unsigned mib)
{
    enum { TURNS = 20, LOOKS = 100 };
    static const double waits_ms[] = {0, 0.1, 0.3, 1, 3, 10};
    size_t count = 0;
    printf("%6u MiB", mib);
    for (size_t wait = 0; wait < sizeof waits_ms / sizeof *waits_ms; wait++) {
        size_t missed = 0;
        for (count = 0; count < TURNS && in_time(); count++) {
            read_first(mib * MIB);
            read_first(mib * MIB);
            double left = clock_seconds();
            while (clock_seconds() < left + waits_ms[wait] / 1e3)
                continue;
            for (unsigned look = 0; look < LOOKS; look++)
                missed += load_any(mib * MIB, false) >= threshold;
        }
        print_percent(missed, count * LOOKS);
    }
    printf("%13zu\n", count * LOOKS);
}

/* ---- all of it ---- */

static const struct {
    const char *title;
    void (*tell)(unsigned);
    unsigned with;
} rows[] = {
    {"\nOne access at a random place: % of lines then found in a cache, by distance from its own\n"
     "used of 64    -2    -1    +1    +2    +3    +4    +5    +6    +7    +8  >=16  at least of\n",
        tell_neighbours, 2},
    {"", tell_neighbours, 16},
    {"", tell_neighbours, 32},
    {"", tell_neighbours, 48},
    {"", tell_neighbours, LINES},
    {"\nLine after line: % of misses (median ticks), by place in the page\n"
     "     pages   1st         2nd         3rd         4th         33rd                of\n",
        tell_sequence, false},
    {"", tell_sequence, true},
    {"", tell_in_flight, LAPS},
    {"\nRead, then left alone for so many ms: % of misses\n"
     "               0   0.1   0.3     1     3    10           of\n",
        tell_left_alone, 4},
    {"", tell_left_alone, 8},
    {"", tell_left_alone, 16},
};

static int prepare(struct error *error)
{
    static struct host host;
    struct pin pin;
    int rc = pin_thread(&pin, -1, error);
    if (rc < 0 || (rc = clock_calibrate(&ticking, error)) < 0 ||
        (rc = host_look_from(&host, (int)pin.cpu, error)) < 0)
        return rc;
    double last = (double)host_last_level_cache_bytes(&host);
    pages = (size_t)fmin(fmax(4 * last, 128 * MIB), 512 * MIB) / PAGE; /* a lap finds nothing of the last */
    printf("%s, family %u model %u; CPU %u; %zu MiB, last cache as told %.0f MiB\n%s", host.cpu.brand.text,
        host.cpu.family, host.cpu.model, pin.cpu, pages * PAGE / MIB, last / MIB,
        host.is_guest ? "A cloud guest: others share its last cache, its frames may be others.\n" : "");
    order = calloc(pages, sizeof *order);
    memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!order || memory == MAP_FAILED)
        return error_set(error, ENOMEM, "no memory for %zu MiB", pages * PAGE / MIB);
    madvise(memory, pages * PAGE, MADV_NOHUGEPAGE); /* refused where there are none anyway */
    memset(memory, 0, pages * PAGE);
    return 0;
}

int main(void)
{
    struct error error;
    if (prepare(&error) < 0 || find_threshold(&error) < 0) {
        fprintf(stderr, "bench/footprint: %s\n", error.text);
        return 1;
    }
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        until = clock_seconds() + row_seconds;
        fputs(rows[row].title, stdout);
        rows[row].tell(rows[row].with);
        (void)fflush(stdout);
    }
    return 0;
}
