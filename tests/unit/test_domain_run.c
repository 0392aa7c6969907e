/* The loop in which a domain's virtual CPU is run, and pausing, with a monitor that is played here. */
#include "cmocka_all.h"

#include "abi/domain.h"
#include "domain/cpu.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CPUS = 4 };

/* ---- the monitor ---- */

struct vm {
    unsigned cpus;
};

struct vcpu {
    atomic_bool kicked, inside;
    unsigned resets;
};

static struct {
    _Atomic enum { PLAY_DONE, PLAY_INTERRUPTED, PLAY_GUEST, PLAY_DEAF_GUEST, PLAY_NOTHING_ANSWERED } play;
    atomic_uint entries;
    unsigned done_after; /* entries that are interrupted before the guest is done */
    unsigned each_us;    /* what one takes */
    struct vm_exit exit; /* of PLAY_NOTHING_ANSWERED */
} played;
static struct vcpu *made[CPUS];
static unsigned made_count;

static int play_create(const struct vm_config *config, struct vm **vm, struct error *error)
{
    (void)config, (void)error;
    *vm = calloc(1, sizeof **vm);
    return 0;
}

static void play_destroy(struct vm *vm)
{
    for (unsigned i = 0; i < made_count; i++)
        free(made[i]);
    made_count = 0;
    free(vm);
}

static int play_region(struct vm *vm, unsigned slot, gpa_t start, const struct backing *backing,
    unsigned flags, struct error *error)
{
    (void)vm, (void)slot, (void)start, (void)backing, (void)flags, (void)error;
    return 0;
}

static int play_vcpu(struct vm *vm, unsigned id, struct vcpu **vcpu, struct error *error)
{
    if (id >= CPUS)
        return error_set(error, EINVAL, "no more virtual CPUs");
    assert_int_equal(id, vm->cpus++);
    *vcpu = made[made_count++] = calloc(1, sizeof **vcpu);
    return 0;
}

static int play_reset(struct vcpu *vcpu, struct error *error)
{
    (void)error;
    vcpu->resets++;
    return 0;
}

static void play_release(struct vcpu *vcpu)
{
    (void)vcpu;
}

static int play_set_system(struct vcpu *vcpu, const struct vcpu_system *system, struct error *error)
{
    (void)vcpu, (void)error;
    return system->cr4 & 1 ? error_set(error, EINVAL, "not this bit") : 0;
}

static int play_set_registers(struct vcpu *vcpu, const struct vcpu_registers *registers, struct error *error)
{
    (void)vcpu, (void)registers, (void)error;
    return 0;
}

static void play_kick(struct vcpu *vcpu)
{
    vcpu->kicked = true;
}

static int play_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct timespec each = {.tv_nsec = played.each_us * 1000L};
    (void)error;
    played.entries++;
    if (played.each_us)
        nanosleep(&each, NULL);
    if (played.play == PLAY_GUEST || played.play == PLAY_DEAF_GUEST) {
        vcpu->inside = true;
        while (!vcpu->kicked || played.play == PLAY_DEAF_GUEST)
            sched_yield();
        vcpu->inside = false;
    }
    *exit = (struct vm_exit){.kind = EXIT_INTERRUPTED};
    if (atomic_exchange(&vcpu->kicked, false))
        exit->kind = EXIT_KICKED;
    else if (played.play == PLAY_NOTHING_ANSWERED)
        *exit = played.exit;
    else if (played.play == PLAY_DONE && played.entries > played.done_after)
        *exit =
            (struct vm_exit){.kind = EXIT_IO, .write = true, .size = 4, .count = 1, .port = DOMAIN_PORT_DONE};
    return 0;
}

static const struct monitor_ops monitor = {
    .name = "played",
    .create = play_create,
    .destroy = play_destroy,
    .region = play_region,
    .vcpu = play_vcpu,
    .reset = play_reset,
    .release = play_release,
    .disown = play_release,
    .set_system = play_set_system,
    .set_registers = play_set_registers,
    .enter = play_enter,
    .kick = play_kick,
};

/* ---- a domain of it ---- */

static struct image image;
static struct domain *domain;
static atomic_bool stop_now;

static bool ask(void *unused)
{
    (void)unused;
    return stop_now;
}

static int open_domain(void **state)
{
    static const struct stop stop = {.asked = ask};
    struct domain_config config = {.monitor = &monitor, .image = &image, .stop = &stop};
    struct error error;
    (void)state;
    stop_now = false;
    played.play = PLAY_DONE;
    played.entries = played.done_after = played.each_us = 0;
    return image_load(&image, &error) < 0 ? -1 : domain_create(&config, &domain, &error);
}

static int close_domain(void **state)
{
    (void)state;
    domain_destroy(domain);
    image_unload(&image);
    return 0;
}

static int until_done(struct domain_cpu *cpu, const struct vm_exit *exit, void *context, struct error *error)
{
    (void)cpu, (void)context;
    if (exit->kind == EXIT_IO && exit->port == DOMAIN_PORT_NULL)
        return 1;
    return exit->kind == EXIT_IO ? 0 : error_set(error, EPROTO, "another exit");
}

static int run(struct domain_cpu *cpu, struct error *error)
{
    return domain_run(cpu, until_done, NULL, error);
}

/* ---- the loop ---- */

static void a_monitor_that_never_runs_the_guest_is_given_up(void **state)
{
    struct error error;
    (void)state;
    played.play = PLAY_INTERRUPTED;
    assert_int_equal(run(domain_first_cpu(domain), &error), -EIO);
    assert_non_null(strstr(error.text, "did not run it"));
    assert_in_range(played.entries, 1000, 10000000);
}

static void signals_that_let_the_guest_run_are_borne(void **state)
{
    struct error error;
    (void)state;
    played.done_after = 16000;
    assert_int_equal(run(domain_first_cpu(domain), &error), 0);
    assert_int_equal(played.entries, 16001);
    played.entries = 0;
    played.done_after = 17000; /* longer in a row, and each takes its time */
    played.each_us = 150;      /* which is longer than what is borne for ever, however soon a sleep ends */
    assert_int_equal(run(domain_first_cpu(domain), &error), 0);
}

static void stop_is_looked_at_whenever_the_guest_has_left(void **state)
{
    static const struct vm_exit answered = {
        .kind = EXIT_IO, .write = true, .size = 4, .count = 1, .port = DOMAIN_PORT_NULL};
    struct error error;
    (void)state;
    stop_now = true;
    played.play = PLAY_INTERRUPTED;
    assert_int_equal(run(domain_first_cpu(domain), &error), -EINTR);
    assert_int_equal(played.entries, 1);
    played.play = PLAY_NOTHING_ANSWERED;
    played.exit = answered;
    assert_int_equal(run(domain_first_cpu(domain), &error), -EINTR);
    assert_int_equal(played.entries, 2);
    played.play = PLAY_DONE; /* what is done is done */
    assert_int_equal(run(domain_first_cpu(domain), &error), 0);
}

static void what_a_call_does_not_expect_is_told(void **state)
{
    static const struct {
        struct vm_exit exit;
        const char *text;
    } exits[] = {
        {{.kind = EXIT_IO, .port = 0x77, .write = true, .size = 4, .count = 1}, "port 0x77"},
        {{.kind = EXIT_IO, .port = DOMAIN_PORT_DONE, .size = 4, .count = 1}, "port 0xe4"},
        {{.kind = EXIT_IO, .port = DOMAIN_PORT_DONE, .write = true, .size = 2, .count = 1}, "port 0xe4"},
        {{.kind = EXIT_IO, .port = DOMAIN_PORT_DONE, .write = true, .size = 4, .count = 2}, "port 0xe4"},
        {{.kind = EXIT_MMIO, .address = {0x5000}, .size = 4, .count = 1}, "0x5000"},
        {{.kind = EXIT_FAULT, .rip = 0x6000}, "0x6000"},
        {{.kind = EXIT_HALT}, "halted"},
        {{.kind = EXIT_SHUTDOWN}, "triple fault"},
        {{.kind = EXIT_HYPERCALL, .number = 12}, "hypercall 12"},
        {{.kind = EXIT_INTERNAL, .detail = "some suberror"}, "some suberror"},
        {{.kind = EXIT_FAILED, .detail = "no way"}, "no way"},
    };
    workload_function *entry;
    struct error error;
    (void)state;
    assert_int_equal(image_find(&image, "touch", &entry, &error), 0);
    played.play = PLAY_NOTHING_ANSWERED;
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
        played.exit = exits[i].exit;
        assert_int_equal(domain_call(domain, entry, &error), -EPROTO);
        assert_non_null(strstr(error.text, exits[i].text));
    }
}

/* ---- virtual CPUs ---- */

static void the_pool_gives_back_what_was_given_to_it(void **state)
{
    struct domain_cpu *first, *second, *again;
    struct error error;
    (void)state;
    assert_int_equal(domain_cpu(domain, &first, &error), 0);
    assert_int_equal(domain_cpu(domain, &second, &error), 0);
    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(first, domain_first_cpu(domain));
    domain_cpu_stop(first); /* which is forgotten */
    domain_cpu_give(first);
    assert_int_equal(domain_cpu(domain, &again, &error), 0);
    assert_ptr_equal(again, first);
    assert_int_equal(made[1]->resets, 1);
    assert_int_equal(run(again, &error), 0);
    assert_int_equal(domain_cpu(domain, &again, &error), 0); /* the last of CPUS */
    assert_int_equal(domain_cpu(domain, &again, &error), -EINVAL);
    assert_int_equal(made_count, CPUS);
}

static void one_is_for_those_who_have_its_descriptors(void **state)
{
    struct domain_cpu *first, *again;
    struct error error;
    (void)state;
    assert_int_equal(domain_cpu_of(domain, 7, &first, &error), 0);
    domain_cpu_disown(first);
    domain_cpu_give(first);
    assert_int_equal(domain_cpu(domain, &again, &error), 0);
    assert_ptr_not_equal(again, first);
    assert_int_equal(domain_cpu_of(domain, 7, &again, &error), 0);
    assert_ptr_equal(again, first);
}

static void a_mode_that_the_monitor_refuses_changes_nothing(void **state)
{
    const struct domain_mode refused = {.cr4 = 1};
    const struct vcpu_registers registers = {.rip = 0};
    struct error error;
    (void)state;
    assert_int_equal(domain_cpu_mode(domain_first_cpu(domain), &refused, &error), -EINVAL);
    assert_int_equal(domain_cpu_set(domain_first_cpu(domain), 0, &registers, &error), 0);
}

/* A guest that never leaves by itself, in a thread of its own. */
struct running {
    struct domain_cpu *cpu;
    pthread_t thread;
    atomic_bool ended;
    int rc;
    struct error error;
};

static void *run_thread(void *argument)
{
    struct running *running = argument;
    running->rc = run(running->cpu, &running->error);
    running->ended = true;
    return NULL;
}

static void start(struct running *running, struct domain_cpu *cpu)
{
    *running = (struct running){.cpu = cpu};
    assert_int_equal(pthread_create(&running->thread, NULL, run_thread, running), 0);
}

static void start_all(struct running *all)
{
    struct error error;
    played.play = PLAY_GUEST;
    for (unsigned i = 0; i < CPUS; i++) {
        struct domain_cpu *cpu = domain_first_cpu(domain);
        if (i > 0)
            assert_int_equal(domain_cpu(domain, &cpu, &error), 0);
        start(&all[i], cpu);
    }
}

static void stop_all(struct running *all)
{
    for (unsigned i = 0; i < CPUS; i++)
        domain_cpu_stop(all[i].cpu);
    for (unsigned i = 0; i < CPUS; i++) {
        pthread_join(all[i].thread, NULL);
        assert_int_equal(all[i].rc, -ECANCELED);
    }
}

static unsigned count_inside(void)
{
    unsigned inside = 0;
    for (unsigned i = 0; i < made_count; i++)
        inside += made[i]->inside;
    return inside;
}

static void wait_inside(unsigned wanted)
{
    while (count_inside() != wanted)
        sched_yield();
}

static void a_pause_ends_when_all_are_outside_and_they_go_on_after_it(void **state)
{
    struct running all[CPUS];
    struct error error;
    (void)state;
    start_all(all);
    for (int i = 0; i < 200; i++) {
        if (i % 2)
            wait_inside(CPUS); /* and else wherever they are */
        assert_int_equal(domain_pause(domain, &error), 0);
        assert_int_equal(count_inside(), 0);
        if (i % 3 == 0) { /* twice, from wherever */
            assert_int_equal(domain_pause(domain, &error), 0);
            domain_resume(domain);
        }
        for (int look = 0; look < 20; look++) {
            sched_yield();
            assert_int_equal(count_inside(), 0);
        }
        domain_resume(domain);
    }
    wait_inside(CPUS);
    stop_all(all);
}

static void one_that_is_told_to_stop_in_a_pause_stops(void **state)
{
    struct running all[CPUS];
    struct error error;
    (void)state;
    start_all(all);
    assert_int_equal(domain_pause(domain, &error), 0);
    stop_all(all);
    domain_resume(domain);
    start(&all[0], domain_first_cpu(domain));
    wait_inside(1);
    assert_int_equal(domain_pause(domain, &error), 0);
    stop_now = true;
    pthread_join(all[0].thread, NULL);
    assert_int_equal(all[0].rc, -EINTR);
    domain_resume(domain);
}

static void a_stop_before_the_run_holds_for_it(void **state)
{
    struct error error;
    (void)state;
    domain_cpu_stop(domain_first_cpu(domain));
    assert_int_equal(run(domain_first_cpu(domain), &error), -ECANCELED);
    assert_int_equal(played.entries, 0);
    assert_int_equal(run(domain_first_cpu(domain), &error), 0);
}

/* The pause is bounded, and nothing is paused then. */
static void a_guest_that_does_not_leave_makes_the_pause_fail(void **state)
{
    struct running one;
    struct error error;
    (void)state;
    played.play = PLAY_DEAF_GUEST;
    start(&one, domain_first_cpu(domain));
    wait_inside(1);
    assert_int_equal(domain_pause(domain, &error), -ETIMEDOUT);
    assert_non_null(strstr(error.text, "1 virtual CPU"));
    played.play = PLAY_DONE;
    pthread_join(one.thread, NULL);
    assert_int_equal(one.rc, 0);
}

#define IN_DOMAIN(test) cmocka_unit_test_setup_teardown(test, open_domain, close_domain)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DOMAIN(a_monitor_that_never_runs_the_guest_is_given_up),
        IN_DOMAIN(signals_that_let_the_guest_run_are_borne),
        IN_DOMAIN(stop_is_looked_at_whenever_the_guest_has_left),
        IN_DOMAIN(what_a_call_does_not_expect_is_told),
        IN_DOMAIN(the_pool_gives_back_what_was_given_to_it),
        IN_DOMAIN(one_is_for_those_who_have_its_descriptors),
        IN_DOMAIN(a_mode_that_the_monitor_refuses_changes_nothing),
        IN_DOMAIN(a_pause_ends_when_all_are_outside_and_they_go_on_after_it),
        IN_DOMAIN(one_that_is_told_to_stop_in_a_pause_stops),
        IN_DOMAIN(a_stop_before_the_run_holds_for_it),
        IN_DOMAIN(a_guest_that_does_not_leave_makes_the_pause_fail),
    };
    return cmocka_run_group_tests_name("domain_run", tests, NULL, NULL);
}
