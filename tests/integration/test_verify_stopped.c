/* `vcost verify` on each monitor that is here, stopped at many places: a trial during which it is stopped is
 * taken back, and never counts as failed. The stop comes with the Nth look at it, not after a time, so that
 * each place is always met. */
#include "cmocka_all.h"

#include "domain/probe.h"
#include "experiment/verify_internal.h"
#include "repeated.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Asked from look number `from` on; 0: never. */
struct looks {
    atomic_uint count;
    unsigned from;
};

static bool is_asked(void *context)
{
    struct looks *looks = context;
    unsigned number = atomic_fetch_add(&looks->count, 1) + 1;
    return looks->from && number >= looks->from;
}

static int try_fidelity(const struct monitor_ops *monitor, const struct stop *stop, struct trials *trials)
{
    struct monitor_facts facts;
    struct ground ground;
    struct error error;
    domain_probe(monitor, &facts);
    int rc = ground_open(&ground, monitor, stop, &error);
    if (rc < 0)
        return rc;
    rc = verify_fidelity(&ground, trials, &error);
    if (rc == 0)
        rc = verify_kernel(&ground, &facts, 1, trials, &error);
    ground_close(&ground);
    return rc;
}

/* A process of its own, several attempts, and one that a guest ends by running for ever. */
static int try_safety(const struct monitor_ops *monitor, const struct stop *stop, struct trials *trials)
{
    static const char *const titles[] = {"SYSCALL, wild numbers", "triple fault", "endless loop"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof titles / sizeof *titles; i++) {
        const struct safety safety = {
            .monitor = monitor, .stop = stop, .patience = SAFETY_PATIENCE, .only = titles[i]};
        struct error error;
        rc = verify_safety(&safety, trials, &error);
    }
    return rc;
}

typedef int attempt(const struct monitor_ops *monitor, const struct stop *stop, struct trials *trials);

/* Of one attempt, which must be stopped where it is asked to, and have found no fault. */
static unsigned looks_of(const struct monitor_ops *monitor, attempt *try, unsigned from, size_t *tried)
{
    struct looks looks = {.from = from};
    const struct stop stop = {.asked = is_asked, .context = &looks};
    struct trials trials = {.monitor = monitor->name};
    int rc = try(monitor, &stop, &trials);
    bool asked = from && atomic_load(&looks.count) >= from;
    for (size_t i = 0; i < trials.count; i++)
        if (trials.list[i].verdict == TRIAL_FAILED)
            fail_msg("%s, stopped at look %u: %s failed: %s", monitor->name, from, trials.list[i].title,
                trials.list[i].reason);
    if (rc != (asked ? -EINTR : 0))
        fail_msg("%s, stopped at look %u: %d", monitor->name, from, rc);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    *tried = trials.count;
    free(trials.list);
    return atomic_load(&looks.count);
}

static void stop_everywhere(attempt *try, unsigned places)
{
    const struct monitor_ops *monitor;
    unsigned here = 0;
    for (size_t i = 0; (monitor = monitor_at(i)); i++) {
        struct monitor_facts facts;
        size_t all, tried, less = 0;
        domain_probe(monitor, &facts);
        if (!facts.usable)
            continue;
        unsigned looks = looks_of(monitor, try, 0, &all);
        for (unsigned place = 0, tries = 0; place < places && tries < 2 * places; place++, tries++) {
            const unsigned from = 1 + (unsigned)((uint64_t)looks * place / places);
            const unsigned came = looks_of(monitor, try, from, &tried);
            less += tried < all;
            if (came < from) { /* how often it looks depends on how long it waits: less often now */
                looks = came;
                place--;
            }
        }
        print_message("# %s: %u looks, %zu of %u places cut it short\n", monitor->name, looks, less, places);
        assert_true(less > places / 2);
        here++;
    }
    if (!here) {
        print_message("# skip: no monitor can be used here\n");
        skip();
    }
}

static void a_stop_is_no_failed_instruction_or_kernel(void **state)
{
    (void)state;
    stop_everywhere(try_fidelity, repeated(40));
}

static void a_stop_is_no_failed_case_of_safety(void **state)
{
    (void)state;
    stop_everywhere(try_safety, repeated(15));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_is_no_failed_instruction_or_kernel),
        cmocka_unit_test(a_stop_is_no_failed_case_of_safety),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
