/* Domains that are taken out into a file and made anew from it in the middle of whatever they do, at random
 * moments, end with the checksum of one that was not disturbed.
 *
 *     test_portable [MOMENTS [MONITOR]]      of each workload, 4; kvm */
#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "domain/probe.h"
#include "domain/saved/cpu_record.h"
#include "domain/saved/restore.h"

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
    uint64_t work, working_set;
} trials[] = {
    {PORTABLE_CHASE, 1, 8000000, 256 * KIB},
    {PORTABLE_CHASE, 2, 8000000, 256 * KIB},
    {PORTABLE_WRITER, 1, 150000, 512 * KIB},
    {PORTABLE_WRITER, 2, 150000, 512 * KIB},
    {PORTABLE_WRITER, 5, 60000, 512 * KIB},
    {PORTABLE_VECTORS, 1, 3000000, 0},
    {PORTABLE_VECTORS, 2, 3000000, 0},
    {PORTABLE_SELFTEST, 1, 6, 0},
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
    must(stored_write(fd, &stored, portable_memory(portable), &error), &error);
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
        if (trials[i].workload == PORTABLE_SELFTEST && !strcmp(monitor->name, "paravirt"))
            continue; /* its state is refused: test_domain_command.py */
        print_message("# %s on %u\n", portable_workloads[trials[i].workload].name, trials[i].cpus);
        is_undisturbed(&trials[i]);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_domain_ends_as_if_nothing_had_happened)};
    return cmocka_run_group_tests_name("portable", tests, set_up, NULL);
}
