/* Guest start: from the start of a process to the first instruction that its guest executes. This program
 * starts itself again and again, in turns as a process that starts a guest the way vcost does and as one that
 * issues the bare ioctls (bare.h): the same program file and libraries, so that what differs is vcost's own
 * work. One row (bench/README.md). */
#include "bare.h"
#include "domain/domain.h"
#include "measure/clock.h"
#include "measure/statistics.h"
#include "monitor/kvm/kvm.h"
#include "workload/image.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENTRIES = 32, WARM_STARTS = 2, STARTS = 40 };
static const double target_ms = 5;

/* ---- in the started process ---- */

static int vcost_enter(struct entry *entries, struct error *error)
{
    struct image image;
    struct domain *domain;
    workload_function *touch;
    int rc = image_load(&image, error);
    if (rc < 0)
        return rc;
    struct domain_config config = {.monitor = &monitor_kvm, .image = &image};
    if ((rc = domain_create(&config, &domain, error)) < 0 ||
        (rc = image_find(&image, "touch", &touch, error)) < 0)
        return rc;
    for (unsigned i = 0; rc == 0 && i < ENTRIES; i++) {
        image.job->bytes = 0;
        entries[i].before = clock_ticks();
        rc = domain_call(domain, touch, error);
        entries[i].after = clock_ticks();
        entries[i].inside = image.job->entered;
    }
    return rc;
}

static int enter(const char *how, struct entry *entries, struct error *error)
{
    if (!strcmp(how, "vcost"))
        return vcost_enter(entries, error);
    const char *failed = bare_enter(entries, ENTRIES);
    return failed ? error_set(error, EIO, "%s", failed) : 0;
}

/* When the first instruction was executed, in ticks of the host's counter. A guest's counter may be offset to
 * it (hardware) or not (PVM). Each entry bounds the offset: what the guest reads lies between what the host
 * reads before and after. The first entry is slow, but the later ones take microseconds, and so the offset is
 * known that well. */
static int first_instruction(const struct entry *entries, uint64_t *ticks, struct error *error)
{
    int64_t low = INT64_MIN, high = INT64_MAX;
    for (unsigned i = 0; i < ENTRIES; i++) {
        int64_t least = (int64_t)(entries[i].before - entries[i].inside);
        int64_t most = (int64_t)(entries[i].after - entries[i].inside);
        low = least > low ? least : low;
        high = most < high ? most : high;
    }
    if (low > high)
        return error_set(error, EPROTO, "the guest's time-stamp counter does not run with the host's");
    *ticks = entries[0].inside + (uint64_t)(low + (high - low) / 2);
    return 0;
}

static int be_started(const char *how)
{
    struct entry entries[ENTRIES];
    struct error error;
    uint64_t ticks;
    int rc = enter(how, entries, &error);
    if (rc == 0)
        rc = first_instruction(entries, &ticks, &error);
    if (rc == 0 && write(STDOUT_FILENO, &ticks, sizeof ticks) == sizeof ticks)
        return 0;
    fprintf(stderr, "bench/start: %s\n", rc < 0 ? error.text : "the time cannot be written");
    return 1;
}

/* ---- in the process that measures ---- */

static int spawn(char *how, int out, pid_t *child)
{
    char *argv[] = {"start", how, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int rc = posix_spawn(child, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

static int start_once(const struct clock *clock, char *how, double *ms, struct error *error)
{
    int ends[2], status = -1;
    pid_t child;
    uint64_t first = 0;
    if (pipe(ends) < 0)
        return error_errno(error, errno, "no pipe");
    uint64_t start = clock_ticks();
    int rc = spawn(how, ends[1], &child);
    close(ends[1]);
    bool told = rc == 0 && read(ends[0], &first, sizeof first) == sizeof first;
    close(ends[0]);
    if (rc < 0)
        return error_errno(error, -rc, "cannot start itself");
    if (waitpid(child, &status, 0) < 0 || status != 0 || !told)
        return error_set(error, EIO, "a guest (%s) was not started", how);
    *ms = clock_ns(clock, first - start) / 1e6;
    return 0;
}

static int start_all(double (*ms)[STARTS], struct error *error)
{
    static char *const hows[] = {"bare", "vcost"};
    struct clock clock;
    double ignored;
    int rc = clock_calibrate(&clock, error);
    for (unsigned i = 0; rc == 0 && i < 2 * WARM_STARTS; i++)
        rc = start_once(&clock, hows[i % 2], &ignored, error);
    for (unsigned i = 0; rc == 0 && i < 2 * STARTS; i++) {
        unsigned how = (i + i / 2) % 2; /* 0 1, 1 0, … */
        rc = start_once(&clock, hows[how], &ms[how][i / 2], error);
    }
    return rc;
}

/* The 95 % sign-test interval of the median of 40 values: the 14th from either end (of 40 throws of a coin,
 * at most 13 are heads with a probability of 1.9 %). */
enum { SIGN_RANK = 14 };
_Static_assert(STARTS == 40, "SIGN_RANK is for 40 values");

static void print_row(double (*ms)[STARTS])
{
    double difference[STARTS];
    for (unsigned i = 0; i < STARTS; i++)
        difference[i] = ms[1][i] - ms[0][i];
    double median = statistics_median(difference, STARTS); /* sorts them */
    double low = difference[SIGN_RANK - 1], high = difference[STARTS - SIGN_RANK];
    printf("guest start, %.1f ms, over bare ioctls, %.1f ms\tat most +%.0f ms\t%+.2f ms (%+.2f ... %+.2f)\t"
           "%d pairs of starts\t%s\n",
        statistics_median(ms[1], STARTS), statistics_median(ms[0], STARTS), target_ms, median, low, high,
        STARTS,
        high <= target_ms ? "met"
        : low > target_ms ? "missed"
                          : "cannot tell");
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return be_started(argv[1]);
    static double ms[2][STARTS];
    struct error error;
    if (start_all(ms, &error) < 0) {
        fprintf(stderr, "bench/start: %s\n", error.text);
        return 1;
    }
    print_row(ms);
    return 0;
}
