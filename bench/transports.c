/* Hand-overs between the monitor and a child (monitor/deprivileged/child.h): a trap and a call without a
 * signal against two processes that do nothing but hand over (bare_handover.h), in turns (bench/README.md).
 */
#include "bare_handover.h"
#include "bare_stop.h"
#include "child_guest.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "row.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACEMENTS = 7, TURNS = 250, COUNT = 200, PAIRS = 24, PAGE = 4096 };
static const double floor_target = 1.2;

/* ---- against the floor ---- */

static const struct contest {
    const char *what;
    bool trap;
    enum child_transport transport;
} contests[] = {
    {"a call without a signal, one CPU", false, CHILD_SLEEP},
    {"a trap (SIGSYS), one CPU", true, CHILD_SLEEP},
    {"a call without a signal, two CPUs", false, CHILD_SPIN},
    {"a trap (SIGSYS), two CPUs", true, CHILD_SPIN},
};

/* So short are the turns, and so many, that few of them see anything else run: their medians are a call's. */
static int sample_pairs(struct guest *guest, struct bare_partner *partner, double *ratio, struct error *error)
{
    double ours[TURNS], bare[TURNS];
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < 2 * TURNS; i++) {
        uint64_t ticks = 0;
        if ((i / 2 + i) % 2) {
            bare[i / 2] = (double)bare_partner_ticks(partner, COUNT);
        } else {
            rc = guest_run(guest, COUNT, &ticks, error);
            ours[i / 2] = (double)ticks;
        }
    }
    *ratio = statistics_median(ours, TURNS) / statistics_median(bare, TURNS);
    return rc;
}

static int measure_placement(const struct contest *contest, int spare, double *ratio, struct error *error)
{
    struct guest guest = {0};
    struct bare_partner *partner = NULL;
    const char *why = NULL;
    struct spare_cpu cpu = {.number = (unsigned)spare};
    int rc = guest_open(&guest, contest->trap, error);
    if (rc == 0)
        rc = children_transport(guest.family, contest->transport, &cpu, error);
    if (rc == 0 && !(partner = bare_partner_open(contest->trap, guest.family->spins, spare, &why)))
        rc = error_set(error, EIO, "no partner: %s", why);
    if (rc == 0)
        rc = sample_pairs(&guest, partner, ratio, error);
    if (partner)
        bare_partner_close(partner);
    children_close(guest.family);
    return rc;
}

static int measure_contest(const struct contest *contest, int spare, struct error *error)
{
    double ratios[PLACEMENTS];
    char repetitions[64];
    if (contest->transport == CHILD_SPIN && spare < 0)
        return 0;
    for (unsigned i = 0; i < PLACEMENTS; i++) {
        int rc = measure_placement(contest, spare, &ratios[i], error);
        if (rc < 0)
            return rc;
    }
    snprintf(repetitions, sizeof repetitions, "%d families x %d pairs", PLACEMENTS, TURNS);
    row_tell(contest->what, floor_target, statistics_estimate(ratios, PLACEMENTS), repetitions);
    return 0;
}

/* ---- other ways, over ours ---- */

static const struct other {
    const char *what;
    enum bare_stop_kind kind;
    bool trap; /* of ours: else a call */
} others[] = {
    {"a bare seccomp notification, over a call, one CPU", BARE_NOTIFICATION, false},
    {"a bare seccomp notification, over a trap, one CPU", BARE_NOTIFICATION, true},
    {"a bare ptrace stop, over a trap, one CPU", BARE_PTRACE, true},
};

static int sample_other(const struct other *other, double *ratio, struct error *error)
{
    struct guest guest = {0};
    double ours[TURNS], bare[TURNS];
    const char *why = NULL;
    struct bare_stop *stop = bare_stop_open(other->kind, &why);
    int rc = stop ? guest_open(&guest, other->trap, error) : error_set(error, EIO, "it is refused: %s", why);
    for (unsigned i = 0; rc == 0 && i < 2 * TURNS; i++) {
        uint64_t ticks = 0;
        if ((i / 2 + i) % 2) {
            bare[i / 2] = (double)bare_stop_ticks(stop, COUNT);
        } else {
            rc = guest_run(&guest, COUNT, &ticks, error);
            ours[i / 2] = (double)ticks;
        }
    }
    if (rc == 0)
        *ratio = statistics_median(bare, TURNS) / statistics_median(ours, TURNS);
    if (stop)
        bare_stop_close(stop);
    children_close(guest.family);
    return rc;
}

static int measure_other(const struct other *other, struct error *error)
{
    double ratios[PLACEMENTS];
    char repetitions[64];
    for (unsigned i = 0; i < PLACEMENTS; i++) {
        int rc = sample_other(other, &ratios[i], error);
        if (rc < 0)
            return rc;
    }
    snprintf(repetitions, sizeof repetitions, "%d families x %d pairs", PLACEMENTS, TURNS);
    row_tell(other->what, INFINITY, statistics_estimate(ratios, PLACEMENTS), repetitions);
    return 0;
}

/* ---- mapping ---- */

enum { BATCH = 512, MAPPED = 0x20000000 };

static const struct mapping_contest {
    const char *what;
    double target;
    bool scattered; /* no page goes on where the one before it ends */
} mapping_contests[] = {
    {"512 pages mapped in one run", 1.1, false},
    {"512 pages mapped one by one", 1.3, true},
};

static size_t list_changes(
    const struct mapping_contest *contest, unsigned memory, struct child_change list[BATCH])
{
    const size_t count = contest->scattered ? BATCH : 1;
    for (uint64_t i = 0; i < count; i++)
        list[i] = (struct child_change){.kind = CHILD_MAP,
            .rights = CHILD_READ | CHILD_WRITE,
            .start = MAPPED + i * PAGE,
            .bytes = contest->scattered ? PAGE : BATCH * PAGE,
            .offset = contest->scattered ? (BATCH - 1 - i) * PAGE : 0,
            .memory = memory,
            .populate = true};
    return count;
}

/* What no child can do without: the system calls themselves, here, and a hand-over there and back. */
static double bare_maps(const struct child_change *list, size_t count, int fd, struct bare_partner *partner)
{
    char *place = mmap(NULL, BATCH * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(place, BATCH * PAGE); /* nobody else maps anything here meanwhile */
    uint64_t start = clock_ticks();
    for (size_t i = 0; i < count; i++)
        (void)mmap(place + (list[i].start - MAPPED), list[i].bytes, PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, (off_t)list[i].offset);
    uint64_t ticks = clock_ticks() - start;
    munmap(place, BATCH * PAGE);
    return (double)(ticks + bare_partner_ticks(partner, 1));
}

static int child_maps(
    struct child *child, const struct child_change *list, size_t count, double *ticks, struct error *error)
{
    uint64_t start = clock_ticks();
    int rc = child_change(child, list, count, error);
    *ticks = (double)(clock_ticks() - start);
    return rc < 0 ? rc : child_unmap(child, MAPPED, BATCH * PAGE, error);
}

static int sample_maps(const struct mapping_contest *contest, struct guest *guest, int fd,
    struct bare_partner *partner, double *ratio, struct error *error)
{
    static struct child_change list[BATCH];
    double ours[PAIRS], bare[PAIRS];
    int memory = children_memory(guest->family, fd, error), rc = memory < 0 ? memory : 0;
    const size_t count = memory < 0 ? 0 : list_changes(contest, (unsigned)memory, list);
    for (unsigned i = 0; rc == 0 && i < PAIRS; i++) {
        rc = child_maps(guest->child, list, count, &ours[i], error);
        bare[i] = bare_maps(list, count, fd, partner);
    }
    if (rc == 0)
        *ratio = statistics_median(ours, PAIRS) / statistics_median(bare, PAIRS);
    return rc;
}

static int measure_maps(const struct mapping_contest *contest, struct error *error)
{
    double ratios[PLACEMENTS];
    char repetitions[64];
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < PLACEMENTS; i++) {
        struct guest guest = {0};
        const char *why = NULL;
        struct bare_partner *partner = bare_partner_open(false, 0, 0, &why);
        int fd = memfd_create("bench", MFD_CLOEXEC);
        rc = !partner || fd < 0 || ftruncate(fd, BATCH * PAGE) < 0
                 ? error_set(error, EIO, "no partner or no memory")
                 : guest_open(&guest, true, error);
        if (rc == 0)
            rc = sample_maps(contest, &guest, fd, partner, &ratios[i], error);
        children_close(guest.family);
        if (partner)
            bare_partner_close(partner);
        if (fd >= 0)
            close(fd);
    }
    if (rc < 0)
        return rc;
    snprintf(repetitions, sizeof repetitions, "%d families x %d pairs", PLACEMENTS, PAIRS);
    row_tell(contest->what, contest->target, statistics_estimate(ratios, PLACEMENTS), repetitions);
    return 0;
}

static int failed(const char *what, const struct error *error)
{
    fprintf(stderr, "bench/transports: %s: %s\n", what, error->text);
    return 1;
}

/* transports [PART]: only what has that in its name. */
int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    struct error error;
    struct pin pin;
    int status = 0;
    if (pin_thread(&pin, -1, &error) < 0 || child_possible(&error) < 0)
        return failed("children", &error);
    const int spare = pin_other(&pin);
    for (size_t i = 0; i < sizeof contests / sizeof *contests; i++)
        if (strstr(contests[i].what, part) && measure_contest(&contests[i], spare, &error) < 0)
            status = failed(contests[i].what, &error);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(others[i].what, part) && measure_other(&others[i], &error) < 0)
            status = failed(others[i].what, &error);
    for (size_t i = 0; i < sizeof mapping_contests / sizeof *mapping_contests; i++)
        if (strstr(mapping_contests[i].what, part) && measure_maps(&mapping_contests[i], &error) < 0)
            status = failed(mapping_contests[i].what, &error);
    return status;
}
