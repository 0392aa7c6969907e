/* A domain on each of this machine's monitors, named by the argument: code really runs in the guest, what
 * goes wrong there is told, and what the monitor does here is found out. Also run in tests/nested under a
 * real kvm_amd.
 */
#include "chosen_monitor.h"
#include "repeated.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/cpu.h"
#include "domain/domain.h"
#include "domain/memory.h"
#include "domain/probe.h"
#include "workload/chase.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 64 };

struct fixture {
    struct image image;
    struct memory data;
    struct domain *domain;
    bool stop;
    struct stop ask;
};

static struct monitor_facts facts;
static struct fixture here;

static bool stop_is_asked(void *context)
{
    return *(bool *)context;
}

static int find_facts(void **state)
{
    (void)state;
    domain_probe(chosen, &facts);
    if (!facts.usable)
        fprintf(stderr, "# %s cannot be used: %s\n", chosen->name, facts.reason);
    return 0;
}

static int open_domain(void **state)
{
    struct error error = {0};
    (void)state;
    if (!facts.usable)
        return 0;
    memset(&here, 0, sizeof here);
    here.ask = (struct stop){.asked = stop_is_asked, .context = &here.stop};
    const struct memory_request request = {
        .bytes = (size_t)PAGES * PAGE, .page_bytes = PAGE, .shared = chosen->elsewhere};
    int rc = image_load(&here.image, &error);
    if (rc == 0 && chosen->elsewhere)
        rc = image_share(&here.image, &error);
    if (rc == 0)
        rc = memory_map_request(&here.data, &request, &error);
    if (rc == 0)
        rc = memory_populate(&here.data, true, NULL, NULL, &error);
    struct domain_config config = {.monitor = chosen,
        .image = &here.image,
        .data = &here.data,
        .data_page_bytes = PAGE,
        .spare_tables = 40,
        .stop = &here.ask};
    if (rc == 0)
        rc = domain_create(&config, &here.domain, &error);
    if (rc < 0)
        fprintf(stderr, "# %s\n", error.text);
    return rc;
}

static int close_domain(void **state)
{
    (void)state;
    if (!facts.usable)
        return 0;
    domain_destroy(here.domain);
    memory_unmap(&here.data);
    image_unload(&here.image);
    return 0;
}

static void need_monitor(void)
{
    if (facts.usable)
        return;
    print_message("# skip: %s\n", facts.reason);
    skip();
}

static int call(const char *name, struct error *error)
{
    workload_function *entry = NULL;
    assert_int_equal(image_find(&here.image, name, &entry, error), 0);
    return domain_call(here.domain, entry, error);
}

static void want_touch(const void *first, uint64_t bytes)
{
    here.image.job->first = (uintptr_t)first;
    here.image.job->bytes = bytes;
    here.image.job->stride = PAGE;
}

static void must_call(const char *name)
{
    struct error error = {0};
    int rc = call(name, &error);
    if (rc < 0)
        fail_msg("%s: %s", name, error.text);
}

/* ---- it is a guest ---- */

static void code_runs_in_the_segment_that_the_domain_set(void **state)
{
    struct error error;
    (void)state;
    need_monitor();
    assert_int_equal(call("trap", &error), -EFAULT);
    struct domain_fault fault = domain_fault(here.domain);
    assert_int_equal(fault.vector, 6);
    assert_int_equal(fault.cs, DOMAIN_USER_CS);
    assert_int_not_equal(fault.cs, 0x33); /* what Linux's programs run in */
    assert_in_range(
        fault.rip, (uintptr_t)here.image.code, (uintptr_t)here.image.code + here.image.code_bytes);
}

/* The selector that the code itself reads is the domain's too, except where the CPU really runs the guest in
 * a segment of the host: then the probe has said so. */
static void code_reads_its_selector_or_the_quirk_is_known(void **state)
{
    (void)state;
    need_monitor();
    want_touch(here.data.base, PAGE);
    must_call("touch");
    bool told = false;
    for (size_t i = 0; i < facts.quirk_count; i++)
        told |= strstr(facts.quirks[i], "CS selector") != NULL;
    assert_int_equal(here.image.job->code_selector != DOMAIN_USER_CS, told);
}

static void a_cleared_page_table_entry_makes_the_guest_fault_there(void **state)
{
    struct error error;
    char *page = (char *)here.data.base + (size_t)17 * PAGE;
    (void)state;
    need_monitor();
    want_touch(here.data.base, here.data.bytes);
    must_call("touch");
    assert_int_equal(domain_page_bytes(here.domain, page), PAGE);
    assert_int_equal(domain_unmap(here.domain, gva_same_as(page), PAGE, NULL, NULL, &error), 0);
    assert_int_equal(domain_page_bytes(here.domain, page), 0);
    assert_int_equal(call("touch", &error), -EFAULT);
    struct domain_fault fault = domain_fault(here.domain);
    assert_int_equal(fault.vector, 14);
    assert_int_equal(fault.address, (uintptr_t)page);
    assert_int_equal(fault.error_code & 0x5, 0x4); /* not present, from CPL 3 (SDM volume 3, 4.7) */
    assert_non_null(strstr(error.text, "page fault"));
    volatile char *still_here = page;
    assert_int_equal(*still_here, 0); /* native, nothing has changed */
}

/* ---- it computes the same ---- */

static void chase_in_guest(struct chase_layout *layout, uint64_t steps)
{
    struct workload_job *job = here.image.job;
    char name[WORKLOAD_NAME_BYTES];
    chase_entry_name(&layout->shape, name);
    chase_layout_write(layout, here.data.base, 0, layout->elements);
    for (unsigned chain = 0; chain < layout->shape.chains; chain++)
        job->cursor[chain] =
            (uintptr_t)here.data.base + chase_layout_offset(layout, chase_layout_start(layout, chain));
    job->steps = steps;
    job->batches = 3;
    job->warm_steps = job->warm_limit = 0;
    must_call(name);
}

static void a_walk_in_the_guest_ends_where_the_layout_says(void **state)
{
    (void)state;
    need_monitor();
    for (unsigned chains = 1; chains <= CHASE_CHAINS_MAX; chains++) {
        for (int order = 0; order < CHASE_ORDERS; order++) {
            struct chase_shape shape = {
                (uint64_t)PAGES * PAGE, 64, (enum chase_order)order, chains % 2, chains};
            if (order == CHASE_LINE_PER_LARGE_PAGE) /* more than the memory here */
                continue;
            struct chase_layout layout = chase_layout_make(&shape, 3);
            chase_in_guest(&layout, 1001);
            for (unsigned chain = 0; chain < chains; chain++) {
                uint64_t position = chase_layout_start(&layout, chain) + 3 * 1001;
                assert_int_equal(here.image.job->cursor[chain],
                    (uintptr_t)here.data.base + chase_layout_offset(&layout, position));
            }
        }
    }
}

/* The guest writes into the very memory that is seen here: after one lap each element was visited once. */
static void a_writing_lap_visits_every_element_once(void **state)
{
    struct chase_shape shape = {(uint64_t)PAGES * PAGE, 64, CHASE_RANDOM, true, 1};
    struct chase_layout layout = chase_layout_make(&shape, 8);
    (void)state;
    need_monitor();
    chase_in_guest(&layout, layout.elements); /* three batches: three laps */
    for (uint64_t element = 0; element < layout.elements; element++) {
        uint64_t visits;
        memcpy(&visits, (char *)here.data.base + element * 64 + 8, sizeof visits);
        assert_int_equal(visits, 3);
    }
}

/* ---- what goes wrong is told ---- */

static void a_wild_address_is_a_clear_error_and_the_domain_lives_on(void **state)
{
    struct error error;
    (void)state;
    need_monitor();
    want_touch((void *)0x123456789000, PAGE);
    assert_int_equal(call("touch", &error), -EFAULT);
    assert_non_null(strstr(error.text, "0x123456789000"));
    want_touch(here.data.base, here.data.bytes);
    must_call("touch");
}

static void a_non_canonical_address_is_a_general_protection_fault(void **state)
{
    struct error error;
    (void)state;
    need_monitor();
    want_touch((void *)0x8000000000000000, PAGE);
    assert_int_equal(call("touch", &error), -EFAULT);
    assert_int_equal(domain_fault(here.domain).vector, 13);
}

static void the_guest_cannot_write_its_code_or_reach_its_kernel(void **state)
{
    struct error error;
    (void)state;
    need_monitor();
    want_touch((void *)(DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_STACK * PAGE), PAGE);
    assert_int_equal(call("touch", &error), -EFAULT);
    assert_int_equal(domain_fault(here.domain).vector, 14);
    assert_int_equal(domain_fault(here.domain).error_code & 0x5, 0x5); /* present, but not for CPL 3 */
    struct workload_job *job = here.image.job;
    job->steps = job->batches = 1;
    job->warm_steps = 0;
    job->cursor[0] = (uintptr_t)here.image.code;
    assert_int_equal(call("chase-write-1", &error), -EFAULT);
    assert_int_equal(domain_fault(here.domain).error_code & 0x7, 0x7); /* a write to a present page */
}

static void nothing(int number)
{
    (void)number;
}

static void arm(unsigned microseconds)
{
    struct itimerval timer = {.it_value.tv_usec = microseconds, .it_interval.tv_usec = microseconds};
    struct sigaction action = {.sa_handler = nothing}; /* without SA_RESTART */
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void disarm(void)
{
    struct itimerval none = {0};
    setitimer(ITIMER_REAL, &none, NULL);
    signal(SIGALRM, SIG_DFL);
}

static void signals_do_not_change_what_a_walk_computes(void **state)
{
    struct chase_shape shape = {(uint64_t)PAGES * PAGE, 64, CHASE_RANDOM, false, 1};
    struct chase_layout layout = chase_layout_make(&shape, 4);
    (void)state;
    need_monitor();
    arm(2000);
    const uint64_t steps = repeated(5000001);
    chase_in_guest(&layout, steps);
    disarm();
    assert_int_equal(
        here.image.job->cursor[0], (uintptr_t)here.data.base + chase_layout_offset(&layout, 3 * steps));
}

static void a_stop_ends_a_guest_that_would_run_for_ever(void **state)
{
    struct error error;
    struct workload_job *job = here.image.job;
    (void)state;
    need_monitor();
    *(uint64_t *)here.data.base = (uintptr_t)here.data.base;
    job->cursor[0] = (uintptr_t)here.data.base;
    job->steps = UINT64_MAX;
    job->batches = 1;
    job->warm_steps = 0;
    here.stop = true;
    arm(20000);
    assert_int_equal(call("chase-read-1", &error), -EINTR);
    disarm();
    here.stop = false;
    want_touch(here.data.base, PAGE);
    must_call("touch");
}

/* ---- several virtual CPUs ---- */

enum { SPINNERS = 3, SPOT = 4 * PAGE }; /* of the data: job, two pages of stack, the element */

/* A guest that writes one element for ever, in a thread of its own. */
struct spinner {
    struct domain_cpu *cpu;
    volatile uint64_t *visits;
    pthread_t thread;
    int rc;
    struct error error;
};

static int no_exit(struct domain_cpu *cpu, const struct vm_exit *exit, void *unused, struct error *error)
{
    (void)cpu, (void)unused;
    return error_set(error, EPROTO, "exit %d, port 0x%x", (int)exit->kind, exit->port);
}

static void *spin(void *argument)
{
    struct spinner *spinner = argument;
    spinner->rc = domain_run(spinner->cpu, no_exit, NULL, &spinner->error);
    domain_cpu_give(spinner->cpu);
    return NULL;
}

static void must(int rc, const struct error *error)
{
    if (rc < 0)
        fail_msg("%s", error->text);
}

static void start_spinner(struct spinner *spinner, unsigned index)
{
    char *spot = (char *)here.data.base + (size_t)index * SPOT;
    struct workload_job *job = (struct workload_job *)spot;
    uint64_t *element = (uint64_t *)(spot + 3 * (size_t)PAGE);
    workload_function *entry = NULL;
    struct error error;
    *spinner = (struct spinner){.visits = &element[1]};
    must(image_find(&here.image, "chase-write-1", &entry, &error), &error);
    element[0] = job->cursor[0] = (uintptr_t)element;
    job->steps = UINT64_MAX;
    job->batches = 1;
    struct vcpu_registers registers = {
        .rip = DOMAIN_SYSTEM_BASE + DOMAIN_PAGE_KERNEL * PAGE + DOMAIN_USER_CALL,
        .rax = (uintptr_t)entry,
        .rdi = (uintptr_t)job,
        .rsp = (uintptr_t)element,
    };
    must(domain_cpu(here.domain, &spinner->cpu, &error), &error);
    must(domain_cpu_set(spinner->cpu, 3, &registers, &error), &error);
    domain_cpu_release(spinner->cpu);
    assert_int_equal(pthread_create(&spinner->thread, NULL, spin, spinner), 0);
}

static void stop_spinner(struct spinner *spinner)
{
    domain_cpu_stop(spinner->cpu);
    pthread_join(spinner->thread, NULL);
    if (spinner->rc != -ECANCELED)
        fail_msg("%s", spinner->error.text);
}

static void wait_for_visits(const struct spinner *spinner)
{
    uint64_t before = *spinner->visits;
    for (int look = 0; *spinner->visits == before && look < 120000; look++)
        usleep(1000);
    assert_int_not_equal(*spinner->visits, before);
}

/* Told by what the guests write: nothing during a pause, and on they go. */
static void all_virtual_cpus_pause_and_go_on_together(void **state)
{
    struct spinner spinners[SPINNERS];
    struct error error;
    (void)state;
    need_monitor();
    for (unsigned i = 0; i < SPINNERS; i++)
        start_spinner(&spinners[i], i);
    for (unsigned pause = 0; pause < repeated(20); pause++) {
        uint64_t before[SPINNERS];
        for (unsigned i = 0; i < SPINNERS; i++)
            wait_for_visits(&spinners[i]);
        must(domain_pause(here.domain, &error), &error);
        for (unsigned i = 0; i < SPINNERS; i++)
            before[i] = *spinners[i].visits;
        usleep(2000);
        for (unsigned i = 0; i < SPINNERS; i++)
            assert_int_equal(*spinners[i].visits, before[i]);
        domain_resume(here.domain);
    }
    for (unsigned i = 0; i < SPINNERS; i++)
        stop_spinner(&spinners[i]);
}

/* While the first one makes calls as ever. */
static void virtual_cpus_of_the_pool_are_used_again(void **state)
{
    struct spinner spinner;
    struct domain_cpu *cpu = NULL;
    (void)state;
    need_monitor();
    for (unsigned i = 0; i < repeated(20); i++) {
        start_spinner(&spinner, 0);
        wait_for_visits(&spinner);
        want_touch(here.data.base, here.data.bytes);
        must_call("touch");
        stop_spinner(&spinner);
        assert_true(!cpu || cpu == spinner.cpu);
        cpu = spinner.cpu;
    }
}

/* As a program's memory does: each time another, mapped at its address here, used by the guest, taken away.
 */
static void memory_is_added_and_removed_while_a_guest_runs(void **state)
{
    enum { BYTES = 64 << 20, TIMES = 10, STEPS = 1000 };
    struct workload_job *job = here.image.job;
    struct spinner spinner;
    struct error error;
    (void)state;
    need_monitor();
    start_spinner(&spinner, 0);
    for (unsigned i = 0; i < repeated(TIMES); i++) {
        struct guest_region region = {.backing = map_backing(BYTES)};
        const struct backing backing = region.backing;
        char *memory = backing.host;
        uint64_t *element = (uint64_t *)(memory + BYTES - PAGE);
        must(domain_add_region(here.domain, &region, &error), &error);
        must(domain_map(here.domain, gva_same_as(memory), region.start, BYTES, PAGE,
                 PAGE_READ | PAGE_WRITE | PAGE_USER, &error),
            &error);
        element[0] = job->cursor[0] = (uintptr_t)element;
        job->steps = STEPS;
        job->batches = 1;
        job->warm_steps = 0;
        must_call("chase-write-1");
        assert_int_equal(element[1], STEPS);
        must(domain_unmap(here.domain, gva_same_as(memory), BYTES, NULL, NULL, &error), &error);
        must(domain_remove_region(here.domain, &region, &error), &error);
        unmap_backing(&backing);
        assert_int_equal(call("chase-write-1", &error), -EFAULT);
        assert_int_equal(domain_fault(here.domain).vector, 14);
        assert_int_equal(domain_fault(here.domain).address & ~UINT64_C(4095), (uintptr_t)element);
    }
    wait_for_visits(&spinner);
    stop_spinner(&spinner);
}

static void *call_elsewhere(void *error)
{
    return call("touch", error) == -EPERM ? error : NULL;
}

static void a_call_from_another_thread_is_refused(void **state)
{
    struct error error;
    pthread_t thread;
    void *refused;
    (void)state;
    need_monitor();
    want_touch(here.data.base, PAGE);
    must_call("touch");
    pthread_create(&thread, NULL, call_elsewhere, &error);
    pthread_join(thread, &refused);
    assert_non_null(refused);
    must_call("touch");
}

/* ---- what KVM does here ---- */

/* UINT64_MAX: not counted here. */
static uint64_t counter(const char *name)
{
    struct counters counters;
    uint64_t value = UINT64_MAX;
    domain_counters(here.domain, &counters);
    counters_get(&counters, name, &value);
    return value;
}

static void counters_count(void **state)
{
    (void)state;
    need_monitor();
    want_touch(here.data.base, here.data.bytes);
    must_call("touch");
    if (counter("exits") == UINT64_MAX) {
        print_message("# skip: this kernel's KVM has no binary statistics\n");
        skip();
    }
    bool faulted = true; /* everything was mapped already, but a kernel may move a page now and then */
    for (int tries = 0; faulted && tries < 5; tries++) {
        uint64_t exits = counter("exits"), fixed = counter("page_faults_fixed");
        for (int i = 0; i < 10; i++)
            must_call("touch");
        assert_true(counter("exits") - exits >= 10); /* one for each return, and interrupts */
        faulted = counter("page_faults_fixed") != fixed;
    }
    assert_false(faulted);
    assert_in_range(counter("pages_4k"), PAGES, UINT64_MAX - 1);
    assert_int_equal(counter("pages_2m") + counter("pages_1g"), 0);
}

/* What is mapped at once costs no fault; what is mapped when it is touched costs one for each window of 64
 * pages, as many as the data has here. Nothing else leaves the guest but its end. */
static void each_page_costs_what_the_technique_says(void **state)
{
    (void)state;
    need_monitor();
    want_touch(here.image.job, PAGE);
    must_call("touch");
    uint64_t exits = counter("exits"), fixed = counter("page_faults_fixed");
    want_touch(here.data.base, here.data.bytes);
    must_call("touch");
    assert_int_equal(counter("page_faults_fixed") - fixed, strcmp(chosen->name, "shadow") ? 0 : 1);
    assert_int_equal(counter("exits") - exits, 1 + counter("page_faults_fixed") - fixed);
    exits = counter("exits");
    for (int i = 0; i < 100; i++)
        must_call("touch");
    assert_int_equal(counter("exits") - exits, 100);
}

static void the_technique_is_found_and_agrees_with_the_modules_parameter(void **state)
{
    (void)state;
    need_monitor();
    if (chosen->elsewhere) {
        assert_string_equal(
            technique_name(facts.technique), strcmp(chosen->name, "paravirt") ? chosen->name : "direct");
        return;
    }
    assert_true(facts.technique == TECHNIQUE_NESTED || facts.technique == TECHNIQUE_SHADOW);
    for (size_t i = 0; i < facts.parameter_count; i++) {
        const struct monitor_parameter *parameter = &facts.parameters[i];
        if (!strcmp(parameter->name, "kvm_amd.npt") || !strcmp(parameter->name, "kvm_intel.ept"))
            assert_int_equal(facts.technique == TECHNIQUE_NESTED, strchr("Y1", parameter->value[0]) != NULL);
    }
    if (facts.provider.known && !strcmp(facts.provider.text, "kvm_pvm"))
        assert_int_equal(facts.technique, TECHNIQUE_SHADOW);
}

static void the_privilege_of_syscall_is_found(void **state)
{
    (void)state;
    need_monitor();
    bool hardware =
        chosen->elsewhere || (facts.provider.known && (!strcmp(facts.provider.text, "kvm_amd") ||
                                                          !strcmp(facts.provider.text, "kvm_intel")));
    bool told = false;
    for (size_t i = 0; i < facts.quirk_count; i++)
        told |= strstr(facts.quirks[i], "SYSCALL") != NULL;
    assert_true(facts.syscall_privilege == 0 || (!hardware && facts.syscall_privilege == 3));
    assert_int_equal(told, facts.syscall_privilege != 0);
}

static void many_domains_after_one_another_leave_nothing_behind(void **state)
{
    (void)state;
    need_monitor();
    for (unsigned i = 0; i < repeated(20); i++) {
        want_touch(here.data.base, here.data.bytes);
        must_call("touch");
        assert_int_equal(close_domain(state), 0);
        assert_int_equal(open_domain(state), 0);
    }
}

#define IN_DOMAIN(test) cmocka_unit_test_setup_teardown(test, open_domain, close_domain)

int main(int argc, char **argv)
{
    choose_monitor(argc, argv);
    const struct CMUnitTest tests[] = {
        IN_DOMAIN(code_runs_in_the_segment_that_the_domain_set),
        IN_DOMAIN(code_reads_its_selector_or_the_quirk_is_known),
        IN_DOMAIN(a_cleared_page_table_entry_makes_the_guest_fault_there),
        IN_DOMAIN(a_walk_in_the_guest_ends_where_the_layout_says),
        IN_DOMAIN(a_writing_lap_visits_every_element_once),
        IN_DOMAIN(a_wild_address_is_a_clear_error_and_the_domain_lives_on),
        IN_DOMAIN(a_non_canonical_address_is_a_general_protection_fault),
        IN_DOMAIN(the_guest_cannot_write_its_code_or_reach_its_kernel),
        IN_DOMAIN(signals_do_not_change_what_a_walk_computes),
        IN_DOMAIN(a_stop_ends_a_guest_that_would_run_for_ever),
        IN_DOMAIN(all_virtual_cpus_pause_and_go_on_together),
        IN_DOMAIN(virtual_cpus_of_the_pool_are_used_again),
        IN_DOMAIN(memory_is_added_and_removed_while_a_guest_runs),
        IN_DOMAIN(a_call_from_another_thread_is_refused), IN_DOMAIN(counters_count),
        IN_DOMAIN(the_technique_is_found_and_agrees_with_the_modules_parameter),
        IN_DOMAIN(the_privilege_of_syscall_is_found),
        IN_DOMAIN(many_domains_after_one_another_leave_nothing_behind),
        IN_DOMAIN(each_page_costs_what_the_technique_says), /* KVM decides by itself how much it maps */
    };
    size_t count = sizeof tests / sizeof tests[0] - (chosen->elsewhere ? 0 : 1);
    return _cmocka_run_group_tests("domain", tests, count, find_facts, NULL);
}
