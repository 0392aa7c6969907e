/* What it takes a guest's kernel to have pages mapped, by monitors that need no hardware: a batch of requests
 * of the linked kernel (guest/kernel) over the system calls that no such monitor can do without, and lazy
 * shadow paging over requests, in turns (bench/README.md). */
#include "bare_handover.h"
#include "base/size.h"
#include "domain/guest_kernel.h"
#include "domain/probe.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "monitor/deprivileged/child.h"
#include "host/memory.h"
#include "monitor/deprivileged/deprivileged.h"
#include "row.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { BATCH = GUEST_WINDOW_PAGES, PAGE = 4096, BLOCKS = 9, TURNS = 15, STEPS = BATCH + 8 };
#define CALL(name) (STEP_CALL + GUEST_CALL_##name - GUEST_CALL_FIRST)
#define TOUCH(pages)                                                                                         \
    {                                                                                                        \
        STEP_TOUCH, 0, pages, 0                                                                              \
    }
#define MARK                                                                                                 \
    {                                                                                                        \
        CALL(MARK), 0, 0, 0                                                                                  \
    }
#define START                                                                                                \
    {                                                                                                        \
        STEP_TIME, 0, 0, 0                                                                                   \
    }
#define STOP                                                                                                 \
    {                                                                                                        \
        STEP_TIME, 1, 0, 0                                                                                   \
    }
#define ON_DEMAND                                                                                            \
    {                                                                                                        \
        CALL(DEMAND), 0, BATCH, GUEST_READ | GUEST_WRITE | GUEST_USER                                        \
    }

/* What a process does. */
struct work {
    unsigned around; /* pages that its kernel gives at a time */
    size_t count;
    struct guest_step steps[STEPS];
};

/* Ticks: what the process timed; what its kernel waited for answers between the first two marks. */
struct times {
    double timed, asked;
};

static int run(const struct monitor_ops *monitor, const struct monitor_facts *facts, const struct work *work,
    struct times *times, struct error *error)
{
    const struct guest_kernel_config config = {.monitor = monitor,
        .facts = facts,
        .bytes = 4 * MIB,
        .fill = BATCH,
        .fault_around = work->around,
        .preset = true,
        .processes = 1,
        .events = 64,
        .job[0] = {work->steps, work->count}};
    struct guest_kernel *kernel;
    struct guest_kernel_mark from, to;
    int rc = guest_kernel_create(&config, &kernel, error);
    if (rc < 0)
        return rc;
    rc = guest_kernel_run(kernel, error);
    times->timed = (double)guest_kernel_timed(kernel, 0);
    times->asked = guest_kernel_mark(kernel, 0, &from) && guest_kernel_mark(kernel, 1, &to)
                       ? (double)(to.status.asked - from.status.asked)
                       : 0;
    guest_kernel_destroy(kernel);
    return rc;
}

/* ---- a batch over the system calls ---- */

static const struct contest {
    const char *what;
    double target;
    bool scattered; /* no page goes on where the one before it ends */
} contests[] = {
    {"512 pages asked for at once, in runs", 1.1, false},
    {"512 pages asked for at once, scattered", 1.3, true},
};

/* The kernel gives frames out again in the order in which they came back. */
static struct work work_of(const struct contest *contest)
{
    struct work work = {.around = BATCH, .count = 1, .steps = {ON_DEMAND}};
    if (contest->scattered)
        work.steps[work.count++] = (struct guest_step)TOUCH(1);
    for (unsigned page = contest->scattered ? BATCH : 0; page-- > 0;)
        work.steps[work.count++] = (struct guest_step){CALL(DROP), page, 1, 0};
    const struct guest_step end[] = {MARK, TOUCH(1), MARK};
    memcpy(work.steps + work.count, end, sizeof end);
    work.count += sizeof end / sizeof *end;
    return work;
}

/* The calls, where nothing is mapped. */
static uint64_t map_all(const struct contest *contest, int fd)
{
    const size_t count = contest->scattered ? BATCH : 1, bytes = (size_t)BATCH * PAGE / count;
    char *place = mmap(NULL, (size_t)BATCH * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(place, (size_t)BATCH * PAGE); /* nobody else maps anything here meanwhile */
    uint64_t start = clock_ticks();
    for (size_t i = 0; i < count; i++)
        (void)mmap(place + i * bytes, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
            fd, (off_t)((count - 1 - i) * bytes));
    uint64_t ticks = clock_ticks() - start;
    munmap(place, (size_t)BATCH * PAGE);
    return ticks;
}

/* And a hand-over there and back. The first time is for the caches: a guest's memory is fresh in them, too.
 */
static double bare_maps(const struct contest *contest, int fd, struct bare_partner *partner)
{
    map_all(contest, fd);
    bare_partner_ticks(partner, 1);
    return (double)(map_all(contest, fd) + bare_partner_ticks(partner, 1));
}

static int take_block(const struct contest *contest, const struct monitor_facts *facts, int fd,
    struct bare_partner *partner, double *ratio, struct error *error)
{
    const struct work work = work_of(contest);
    double ours[TURNS], bare[TURNS];
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < TURNS; i++) {
        struct times times = {0, 0};
        bare[i] = bare_maps(contest, fd, partner);
        rc = run(&monitor_paravirt, facts, &work, &times, error);
        ours[i] = times.asked;
    }
    if (rc == 0)
        *ratio = statistics_median(ours, TURNS) / statistics_median(bare, TURNS);
    return rc;
}

/* Memory as a guest has it, in the same order. */
static int measure_batch(
    const struct contest *contest, const struct monitor_facts *facts, struct error *error)
{
    const struct memory_request request = {
        .bytes = (uint64_t)BATCH * PAGE, .page_bytes = PAGE, .shared = true};
    double ratios[BLOCKS];
    char repetitions[64];
    const char *why = NULL;
    struct memory memory;
    int rc = memory_map_request(&memory, &request, error);
    if (rc < 0)
        return rc;
    struct bare_partner *partner = bare_partner_open(false, 0, 0, &why);
    if (!partner)
        rc = error_set(error, EIO, "no partner: %s", why);
    if (rc == 0)
        rc = memory_populate(&memory, true, NULL, NULL, error);
    for (unsigned i = 0; rc == 0 && i < BLOCKS; i++)
        rc = take_block(contest, facts, memory.descriptor, partner, &ratios[i], error);
    if (partner)
        bare_partner_close(partner);
    memory_unmap(&memory);
    if (rc < 0)
        return rc;
    snprintf(repetitions, sizeof repetitions, "%d blocks x %d pairs", BLOCKS, TURNS);
    row_tell(contest->what, contest->target, statistics_estimate(ratios, BLOCKS), repetitions);
    return 0;
}

/* ---- shadow over paravirt ---- */

static const struct race {
    const char *what;
    double target;
    struct work work;
} races[] = {
    {"lazy shadow over paravirt: first touch, a page at a time", 1.3,
        {1, 4, {ON_DEMAND, START, TOUCH(64), STOP}}},
    {"lazy shadow over paravirt: first touch, 512 pages at once", 1.7,
        {BATCH, 4, {ON_DEMAND, START, TOUCH(BATCH), STOP}}},
    {"lazy shadow over paravirt: 512 pages unmapped", INFINITY,
        {BATCH, 5, {ON_DEMAND, TOUCH(BATCH), START, {CALL(UNMAP), 0, BATCH, 0}, STOP}}},
    {"lazy shadow over paravirt: 512 pages protected", INFINITY,
        {BATCH, 5,
            {ON_DEMAND, TOUCH(BATCH), START, {CALL(PROTECT), 0, BATCH, GUEST_READ | GUEST_USER}, STOP}}},
};

static int measure_race(const struct race *race, const struct monitor_facts *shadow,
    const struct monitor_facts *paravirt, double us_of_tick, struct error *error)
{
    double ratios[BLOCKS], all[2] = {0, 0};
    char repetitions[96];
    int rc = 0;
    for (unsigned block = 0; rc == 0 && block < BLOCKS; block++) {
        double ticks[2][TURNS];
        for (unsigned i = 0; rc == 0 && i < 2 * TURNS; i++) {
            struct times times;
            const bool asks = (i / 2 + i) % 2;
            rc = run(asks ? &monitor_paravirt : &monitor_shadow, asks ? paravirt : shadow, &race->work,
                &times, error);
            ticks[asks][i / 2] = times.timed;
        }
        for (unsigned i = 0; rc == 0 && i < 2; i++)
            all[i] += statistics_median(ticks[i], TURNS) * us_of_tick / BLOCKS;
        if (rc == 0)
            ratios[block] = statistics_median(ticks[0], TURNS) / statistics_median(ticks[1], TURNS);
    }
    if (rc < 0)
        return rc;
    snprintf(repetitions, sizeof repetitions, "%d blocks x %d pairs; %.0f over %.0f us", BLOCKS, TURNS,
        all[0], all[1]);
    row_tell(race->what, race->target, statistics_estimate(ratios, BLOCKS), repetitions);
    return 0;
}

static int failed(const char *what, const struct error *error)
{
    fprintf(stderr, "bench/tables: %s: %s\n", what, error->text);
    return 1;
}

/* tables [PART]: only what has that in its name. */
int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    struct monitor_facts paravirt, shadow;
    struct error error;
    struct clock clock;
    struct pin pin;
    int status = 0;
    if (pin_thread(&pin, -1, &error) < 0 || child_possible(&error) < 0 || clock_calibrate(&clock, &error) < 0)
        return failed("children", &error);
    domain_probe(&monitor_paravirt, &paravirt);
    domain_probe(&monitor_shadow, &shadow);
    for (size_t i = 0; i < sizeof contests / sizeof *contests; i++)
        if (strstr(contests[i].what, part) && measure_batch(&contests[i], &paravirt, &error) < 0)
            status = failed(contests[i].what, &error);
    for (size_t i = 0; i < sizeof races / sizeof *races; i++)
        if (strstr(races[i].what, part) &&
            measure_race(&races[i], &shadow, &paravirt, clock_ns(&clock, 1) / 1e3, &error) < 0)
            status = failed(races[i].what, &error);
    return status;
}
