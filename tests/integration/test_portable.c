/* Domains that are taken out into a file and made anew from it in the middle of whatever they do, at random
 * moments, end with the checksum of one that was not disturbed.
 *
 *     test_portable [MOMENTS [MONITOR]]      of each workload, 4; kvm */
#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "domain/portable/regions.h"
#include "domain/probe.h"
#include "domain/saved/cpu_record.h"
#include "domain/saved/restore.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned moments = 4;
static uint64_t dice = 1;
static const struct monitor_ops *monitor;
static struct monitor_facts facts;

/* Work for some tenths of a second, most of it in what is to be disturbed. */
static const struct trial {
    enum portable_workload workload;
    unsigned cpus;
    uint64_t work, working_set, low; /* low: so much below a hole; 0: no hole */
} trials[] = {
    {PORTABLE_CHASE, 1, 8000000, 256 * KIB, 0},
    {PORTABLE_CHASE, 2, 8000000, 256 * KIB, 0},
    {PORTABLE_WRITER, 1, 150000, 512 * KIB, 0},
    {PORTABLE_WRITER, 2, 150000, 3 * MIB, 4 * MIB}, /* its working set goes over the hole */
    {PORTABLE_WRITER, 5, 60000, 512 * KIB, 2 * MIB},
    {PORTABLE_VECTORS, 1, 3000000, 0, 0},
    {PORTABLE_VECTORS, 2, 3000000, 0, 6 * MIB},
    {PORTABLE_SELFTEST, 1, 6, 0, 0},
};

static int set_up(void **state)
{
    (void)state;
    domain_probe(monitor, &facts);
    return 0;
}

static void must(int rc, const struct error *error)
{
    if (rc < 0)
        fail_msg("%s", error->text);
}

static struct portable *make(const struct trial *trial)
{
    struct portable_plan plan = {.name = "d",
        .workload = trial->workload,
        .memory_bytes = PORTABLE_BYTES_MIN,
        .working_set_bytes = trial->working_set,
        .cpus = trial->cpus,
        .work = trial->work,
        .ticks_per_second = 1e9};
    struct portable *portable = NULL;
    struct error error;
    snprintf(plan.monitor, sizeof plan.monitor, "%s", monitor->name);
    if (trial->low)
        portable_regions_place(&plan, trial->low);
    must(portable_create(&plan, monitor, &facts, NULL, &portable, &error), &error);
    return portable;
}

/* Until it ends, or so many milliseconds have passed. */
static bool runs_after(const struct portable *portable, int milliseconds, struct portable_status *status)
{
    struct pollfd ends = {.fd = portable_eventfd(portable), .events = POLLIN};
    do {
        (void)poll(&ends, 1, milliseconds < 0 ? 100 : milliseconds);
        portable_status(portable, status);
        if (status->phase == PORTABLE_FAILED)
            fail_msg("%s", status->error.text);
        if (status->phase == PORTABLE_DONE)
            return false;
    } while (milliseconds < 0);
    return true;
}

static uint64_t undisturbed(const struct trial *trial)
{
    struct portable *portable = make(trial);
    struct portable_status status;
    struct error error;
    must(portable_resume(portable, &error), &error);
    assert_false(runs_after(portable, -1, &status));
    assert_int_equal(status.wrong, 0);
    portable_destroy(portable);
    return status.checksum;
}

static int save(struct portable *portable)
{
    struct stored stored = {.plan = *portable_plan(portable)};
    struct error error;
    int fd = memfd_create("saved", MFD_CLOEXEC);
    assert_true(fd >= 0);
    stored_moment_now(&stored.moment);
    must(portable_pause(portable, &error), &error);
    must(portable_save(portable, &stored.state, &error), &error);
    must(cpu_record_add_host(&stored.state, &error), &error);
    must(stored_write(fd, &stored, portable_memory(portable), NULL, &error), &error);
    stored_free(&stored);
    return fd;
}

static void is_undisturbed(const struct trial *trial)
{
    const uint64_t expected = undisturbed(trial);
    unsigned done = 0;
    while (done < moments) {
        struct portable *portable = make(trial);
        struct restored restored = {.fd = -1};
        struct portable_status status;
        struct error error;
        must(portable_resume(portable, &error), &error);
        while (runs_after(
            restored.portable ? restored.portable : portable, (int)random_below(&dice, 30), &status)) {
            int fd = save(restored.portable ? restored.portable : portable);
            const struct restore_request request = {.fd = fd, .lazy = done % 2 && !monitor->elsewhere};
            const int before = restored.fd;
            if (restored.portable)
                restore_close(&restored);
            close(before);
            must(restore_open(&request, &restored, &error), &error);
            must(portable_resume(restored.portable, &error), &error);
            done++;
        }
        assert_int_equal(status.checksum, expected);
        assert_int_equal(status.wrong, 0);
        assert_int_equal(status.backwards, 0);
        const int last = restored.fd;
        if (restored.portable)
            restore_close(&restored);
        close(last);
        portable_destroy(portable);
    }
}

static void a_domain_ends_as_if_nothing_had_happened(void **state)
{
    (void)state;
    if (!facts.usable)
        skip();
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        print_message("# %s on %u\n", portable_workloads[trials[i].workload].name, trials[i].cpus);
        is_undisturbed(&trials[i]);
    }
}

/* Of a whole that was added: each page has its own. */
static void mark(char *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 4096)
        snprintf(from + at, 16, "page %u", (unsigned)(at / 4096));
}

static void is_marked(const char *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 4096) {
        char text[16];
        snprintf(text, sizeof text, "page %u", (unsigned)(at / 4096));
        assert_string_equal(from + at, text);
    }
}

enum { FIRST = 8 << 20, MORE = 16 << 20 };
static const struct portable_wish wish;

static void resize(struct portable *portable, uint64_t bytes, uint64_t *given_back)
{
    struct error error;
    must(portable_resize(portable, bytes, &wish, given_back, &error), &error);
    assert_int_equal(portable_plan(portable)->memory_bytes, bytes);
}

/* Lets it run for a moment. False: it has ended, however short that was: others may have had the CPU. */
static bool runs_on(struct portable *portable)
{
    struct portable_status status;
    struct error error;
    must(portable_resume(portable, &error), &error);
    must(portable_pause(portable, &error), &error);
    portable_status(portable, &status);
    return status.phase != PORTABLE_DONE;
}

/* False: it had ended before memory was added to it, or before it was saved. */
static bool is_added_to(struct portable *portable, const struct trial *trial)
{
    uint64_t given_back = 0;
    if (!runs_on(portable))
        return false;
    resize(portable, MORE, &given_back);
    assert_int_equal(portable_plan(portable)->region_count, trial->low ? 2 : 1);
    char *added = (char *)portable_memory(portable) + FIRST;
    assert_int_equal(added[0], 0);
    mark(added, MORE - FIRST);
    return runs_on(portable);
}

static void ends_with_what_was_added(int fd, bool lazy, uint64_t expected)
{
    const struct restore_request request = {.fd = fd, .lazy = lazy};
    struct portable_status status;
    struct restored restored;
    struct error error;
    uint64_t given_back = 0;
    must(restore_open(&request, &restored, &error), &error);
    is_marked((char *)portable_memory(restored.portable) + FIRST, MORE - FIRST);
    resize(restored.portable, FIRST, &given_back);
    resize(restored.portable, FIRST + 4 * MIB, &given_back);
    assert_int_equal(((char *)portable_memory(restored.portable))[FIRST], 0);
    must(portable_resume(restored.portable, &error), &error);
    assert_false(runs_after(restored.portable, -1, &status));
    assert_int_equal(status.checksum, expected);
    assert_int_equal(status.wrong, 0);
    restore_close(&restored);
    close(fd);
}

static bool comes_along(const struct trial *trial, bool lazy)
{
    struct portable *portable = make(trial);
    struct error error;
    uint64_t given_back = 0;
    assert_int_equal(portable_resize(portable, FIRST - 2 * MIB, &wish, &given_back, &error), -EINVAL);
    assert_int_equal(portable_resize(portable, 2 * MORE, &wish, &given_back, &error), -EINVAL);
    assert_int_equal(portable_resize(portable, FIRST + 4096, &wish, &given_back, &error), -EINVAL);
    const bool added = is_added_to(portable, trial);
    if (added) {
        int fd = save(portable);
        resize(portable, FIRST, &given_back);
        assert_in_range(given_back, MORE - FIRST - MIB, MORE);
        ends_with_what_was_added(fd, lazy, undisturbed(trial));
    }
    portable_destroy(portable);
    return added;
}

/* With a hole and without, read and mapped, of a workload that leaves it alone: what was added comes along
 * and goes back when it is taken away, the workload's own stays, and ends as if nothing had happened. */
static void memory_that_is_added_comes_along_and_goes_back(void **state)
{
    (void)state;
    if (!facts.usable)
        skip();
    for (unsigned way = 0; way < 4; way += monitor->elsewhere ? 2 : 1) {
        struct trial trial = {PORTABLE_CHASE, 1, 8000000, 512 * KIB, way < 2 ? 0 : 4 * MIB};
        while (!comes_along(&trial, way % 2))
            assert_true((trial.work *= 4) < 1000000000);
    }
}

/* False: it had ended before. */
static bool wait_for_added_writes(const struct portable *portable, uint64_t count)
{
    struct portable_status status;
    do
        if (!runs_after(portable, 1, &status))
            return false;
    while (status.added_writes < count);
    return true;
}

/* Whether a domain that stands still has much to do yet, so that it writes everywhere once more. */
static bool has_enough_left(const struct portable *portable, uint64_t work, struct portable_status *status)
{
    portable_status(portable, status);
    return status->phase != PORTABLE_DONE && status->done < work - work / 4;
}

/* Its program writes there from inside, as it does to its own. `harm`: one page is changed behind its back.
 * False: it had ended before it did, or nearly, for want of work. */
static bool uses_what_is_added(unsigned cpus, bool harm, uint64_t work)
{
    const struct trial trial = {PORTABLE_WRITER, cpus, work, 512 * KIB, 4 * MIB};
    const uint64_t expected = undisturbed(&trial);
    struct portable *portable = make(&trial);
    struct portable_status status;
    struct restored restored;
    struct error error;
    uint64_t given_back = 0;
    resize(portable, MORE, &given_back);
    must(portable_resume(portable, &error), &error);
    if (!wait_for_added_writes(portable, 1000)) {
        portable_destroy(portable);
        return false;
    }
    int fd = save(portable);
    portable_destroy(portable);
    must(restore_open(&(struct restore_request){.fd = fd}, &restored, &error), &error);
    assert_int_equal(portable_resize(restored.portable, FIRST, &wish, &given_back, &error), -EBUSY);
    ((char *)portable_memory(restored.portable))[FIRST] ^= (char)harm; /* how often it was written to */
    must(portable_resume(restored.portable, &error), &error);
    must(portable_resize_begin(restored.portable, FIRST + 2 * MIB, NULL, &error), &error);
    must(portable_pause(restored.portable, &error), &error);
    if (!has_enough_left(restored.portable, work, &status)) {
        restore_close(&restored);
        close(fd);
        return false;
    }
    resize(restored.portable, FIRST + 2 * MIB, &given_back);
    portable_status(restored.portable, &status);
    assert_in_range(status.added_pages, 1, 2 * MIB / 4096); /* who has not run since has not seen it yet */
    const uint64_t before = status.added_writes;
    must(portable_resume(restored.portable, &error), &error);
    assert_false(runs_after(restored.portable, -1, &status));
    assert_true(status.added_writes > before);
    assert_int_equal(status.checksum, expected);
    assert_int_equal(status.wrong > 0, harm);
    assert_int_equal(status.added_pages, 0);
    restore_close(&restored);
    close(fd);
    return true;
}

static void a_writer_uses_memory_that_is_added_and_gives_it_up(void **state)
{
    (void)state;
    if (!facts.usable)
        skip();
    static const struct {
        unsigned cpus;
        bool harm;
    } ways[] = {{1, false}, {3, false}, {2, true}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        uint64_t work = 400000;
        while (!uses_what_is_added(ways[i].cpus, ways[i].harm, work))
            assert_true((work *= 4) < 100000000);
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 2 ? argv[2] : "kvm";
    if (argc > 1)
        moments = (unsigned)atoi(argv[1]);
    for (size_t i = 0; (monitor = monitor_at(i)) && strcmp(monitor->name, name) != 0; i++)
        ;
    assert_non_null(monitor);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_domain_ends_as_if_nothing_had_happened),
        cmocka_unit_test(memory_that_is_added_comes_along_and_goes_back),
        cmocka_unit_test(a_writer_uses_memory_that_is_added_and_gives_it_up)};
    return cmocka_run_group_tests_name("portable", tests, set_up, NULL);
}
