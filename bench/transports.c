/* Hand-overs between the monitor and a child (monitor/deprivileged/child.h): a trap and a call without a
 * signal against two processes that do nothing but hand over (bare_handover.h), in turns; and the choice of
 * the transport against both fixed ones, quiet, under load, and under load that comes and goes
 * (bench/README.md). */
#include "bare_handover.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "measure/statistics.h"
#include "monitor/deprivileged/child_internal.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PLACEMENTS = 7, PAIRS = 24, COUNT = 2000, ROUNDS = 8, PAGE = 4096, CODE = 0x10000000 };
static const double floor_target = 1.2, choice_target = 1.1;

/* 1: syscall; jmp 1b */
static const unsigned char trap_code[] = {0x0f, 0x05, 0xeb, 0xfc};
/* movabsq $CHILD_CALL, %r11; leaq 1f(%rip), %rcx; 1: jmp *%r11 */
static const unsigned char call_code[] = {0x49, 0xbb, 0x00, 0x01, 0xe0, 0xff, 0xff, 0x7f, 0x00, 0x00, 0x48,
    0x8d, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x41, 0xff, 0xe3};

struct guest {
    struct children *family;
    struct child *child;
    struct child_registers registers;
};

static int fill_memory(const unsigned char *code, size_t bytes, struct error *error)
{
    int fd = memfd_create("bench", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, PAGE) == 0 && pwrite(fd, code, bytes, 0) == (ssize_t)bytes)
        return fd;
    return error_errno(error, errno, "cannot make memory");
}

static int open_guest(struct guest *guest, bool trap, struct error *error)
{
    int fd = trap ? fill_memory(trap_code, sizeof trap_code, error)
                  : fill_memory(call_code, sizeof call_code, error);
    int rc = fd < 0 ? fd : children_open(NULL, &guest->family, error);
    int memory = rc < 0 ? rc : children_memory(guest->family, fd, error);
    if (memory >= 0 && (rc = child_open(guest->family, &guest->child, error)) == 0)
        rc = child_map(guest->child, CODE, (unsigned)memory, 0, PAGE, CHILD_READ | CHILD_EXECUTE, error);
    if (fd >= 0)
        close(fd);
    guest->registers = (struct child_registers){.general = {.rip = CODE}};
    return memory < 0 ? memory : rc;
}

static int run_guest(struct guest *guest, uint64_t count, uint64_t *ticks, struct error *error)
{
    uint64_t start = clock_ticks();
    for (; count; count--) {
        struct child_trap trap;
        int rc = child_run(guest->child, &guest->registers, &trap, error);
        if (rc < 0 || (trap.kind != CHILD_SYSCALL && trap.kind != CHILD_CALLED))
            return rc < 0 ? rc : error_set(error, EIO, "the guest did not trap");
    }
    *ticks = clock_ticks() - start;
    return 0;
}

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

static int sample_pairs(struct guest *guest, struct bare_partner *partner, double *ratio, struct error *error)
{
    double ours = INFINITY, bare = INFINITY;
    for (unsigned i = 0; i < 2 * PAIRS; i++) {
        uint64_t ticks;
        if ((i / 2 + i) % 2) {
            bare = fmin(bare, (double)bare_partner_ticks(partner, COUNT));
            continue;
        }
        int rc = run_guest(guest, COUNT, &ticks, error);
        if (rc < 0)
            return rc;
        ours = fmin(ours, (double)ticks);
    }
    *ratio = ours / bare;
    return 0;
}

static int measure_placement(const struct contest *contest, int spare, double *ratio, struct error *error)
{
    struct guest guest = {0};
    struct bare_partner *partner = NULL;
    const char *why = NULL;
    int rc = open_guest(&guest, contest->trap, error);
    if (rc == 0)
        rc = children_transport(guest.family, contest->transport, spare, error);
    if (rc == 0 && !(partner = bare_partner_open(contest->trap, guest.family->spins, spare, &why)))
        rc = error_set(error, EIO, "no partner: %s", why);
    if (rc == 0)
        rc = sample_pairs(&guest, partner, ratio, error);
    if (partner)
        bare_partner_close(partner);
    children_close(guest.family);
    return rc;
}

static void tell(const char *what, double target, struct estimate ratio, const char *repetitions)
{
    printf("%s\tat most %.2fx\t%.2fx (%.2f ... %.2f)\t%s\t%s\n", what, target, ratio.median, ratio.low,
        ratio.high, repetitions,
        ratio.high <= target ? "met"
        : ratio.low > target ? "missed"
                             : "cannot tell");
    fflush(stdout);
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
    snprintf(repetitions, sizeof repetitions, "%d families x %d pairs", PLACEMENTS, PAIRS);
    tell(contest->what, floor_target, statistics_estimate(ratios, PLACEMENTS), repetitions);
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
                 : open_guest(&guest, true, error);
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
    tell(contest->what, contest->target, statistics_estimate(ratios, PLACEMENTS), repetitions);
    return 0;
}

/* ---- the choice ---- */

static const struct load {
    const char *what;
    bool any;
    unsigned period_us; /* busy and idle for so long in turns; 0: busy */
    double seconds;     /* of a sample */
} loads[] = {
    {"the choice of transport, quiet", false, 0, 0.5},
    {"the choice of transport, under load", true, 0, 0.5},
    {"the same, load that comes and goes every 10 ms", true, 10000, 0.5},
    {"the same, every second", true, 1000000, 4},
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static _Noreturn void be_load(const struct load *load, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        double start = now();
        while (!load->period_us || now() - start < 1e-6 * load->period_us)
            ;
        usleep(load->period_us);
    }
}

/* Nanoseconds a hand-over. */
static int sample_transport(struct guest *guest, enum child_transport transport, int spare, double seconds,
    double *ns, struct error *error)
{
    double start = now(), count = 0;
    int rc = children_transport(guest->family, transport, spare, error);
    while (rc == 0 && now() - start < seconds) {
        uint64_t ignored;
        rc = run_guest(guest, 50, &ignored, error);
        count += 50;
    }
    *ns = (now() - start) * 1e9 / count;
    return rc;
}

static int sample_rounds(
    struct guest *guest, const struct load *load, int spare, double ns[3][ROUNDS], struct error *error)
{
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < ROUNDS; round++)
        for (unsigned turn = 0; rc == 0 && turn < 3; turn++) {
            unsigned transport = (round + turn) % 3;
            rc = sample_transport(
                guest, (enum child_transport)transport, spare, load->seconds, &ns[transport][round], error);
        }
    return rc;
}

static int measure_load(const struct load *load, int spare, struct error *error)
{
    double ns[3][ROUNDS], ratios[ROUNDS], sums[2] = {0};
    struct guest guest = {0};
    char repetitions[64];
    int rc = open_guest(&guest, false, error);
    pid_t process = rc == 0 && load->any ? fork() : -1;
    if (process == 0)
        be_load(load, spare);
    if (rc == 0)
        rc = sample_rounds(&guest, load, spare, ns, error);
    if (process > 0) {
        kill(process, SIGKILL);
        waitpid(process, NULL, 0);
    }
    children_close(guest.family);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < 2 * ROUNDS; i++)
        sums[i / ROUNDS] += ns[i / ROUNDS][i % ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++)
        ratios[i] =
            ns[CHILD_EITHER][i] / ns[sums[CHILD_SPIN] < sums[CHILD_SLEEP] ? CHILD_SPIN : CHILD_SLEEP][i];
    snprintf(repetitions, sizeof repetitions, "%d rounds; sleep %.1f, spin %.1f us", ROUNDS,
        sums[CHILD_SLEEP] / ROUNDS / 1e3, sums[CHILD_SPIN] / ROUNDS / 1e3);
    tell(load->what, choice_target, statistics_estimate(ratios, ROUNDS), repetitions);
    return 0;
}

static int failed(const char *what, const struct error *error)
{
    fprintf(stderr, "bench/transports: %s: %s\n", what, error->text);
    return 1;
}

int main(void)
{
    struct error error;
    struct pin pin;
    int status = 0;
    if (pin_thread(&pin, -1, &error) < 0 || child_possible(&error) < 0)
        return failed("children", &error);
    const int spare = pin_other(&pin);
    for (size_t i = 0; i < sizeof contests / sizeof *contests; i++)
        if (measure_contest(&contests[i], spare, &error) < 0)
            status = failed(contests[i].what, &error);
    for (size_t i = 0; i < sizeof mapping_contests / sizeof *mapping_contests; i++)
        if (measure_maps(&mapping_contests[i], &error) < 0)
            status = failed(mapping_contests[i].what, &error);
    for (size_t i = 0; spare >= 0 && i < sizeof loads / sizeof *loads; i++)
        if (measure_load(&loads[i], spare, &error) < 0)
            status = failed(loads[i].what, &error);
    return status;
}
