/* What events do, counted exactly: exits by KVM's counters, faults by the kernel's and the guest's. The
 * difference between the paging techniques is asserted by counting. Runs on any KVM: here, and in the nested
 * hosts. */
#include "cmocka_all.h"
#include "repeated.h"

#include "domain/internal.h"
#include "domain/probe.h"
#include "event/event.h"
#include "event/internal.h"
#include "experiment/events.h"
#include "host/kept_memory.h"
#include "measure/pin.h"
#include "monitor/kvm/kvm.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = 256 };

static struct measuring {
    struct clock clock;
    struct pin pin;
    struct image image;
    struct monitor_facts facts;
    struct kept_memory kept;
    struct placement placement; /* without memory: events have their own */
    struct runner *native, *kvm;
} setting;

static int setup(void **state)
{
    struct error error;
    (void)state;
    if (clock_calibrate(&setting.clock, &error) < 0 || pin_thread(&setting.pin, -1, &error) < 0 ||
        image_load(&setting.image, &error) < 0)
        return -1;
    domain_probe(&monitor_kvm, &setting.facts);
    const struct placement_config config = {.image = &setting.image,
        .clock = &setting.clock,
        .other_cpu = pin_other(&setting.pin),
        .cpu = setting.pin.cpu,
        .kept = &setting.kept};
    placement_open(&setting.placement, &config);
    const struct runner_config native = runner_here(&runner_native, &setting.placement, NULL, 0);
    const struct runner_config kvm = runner_here(&runner_kvm, &setting.placement, &setting.facts, 4096);
    return runner_open(&native, &setting.native, &error) < 0 || runner_open(&kvm, &setting.kvm, &error) < 0;
}

static int teardown(void **state)
{
    (void)state;
    runner_close(setting.native);
    runner_close(setting.kvm);
    placement_close(&setting.placement);
    kept_memory_release(&setting.kept);
    image_unload(&setting.image);
    pin_release(&setting.pin);
    return 0;
}

/* What was counted of a guest, or of this thread. */
struct counts {
    bool known;
    uint64_t exits, page_faults;
};

static struct counts counts_between(const struct counters *before, const struct counters *after)
{
    const struct counters counted = counters_between(before, after);
    struct counts counts = {.known = false};
    counts.known = counters_get(&counted, "exits", &counts.exits);
    counts.known = counters_get(&counted, "page_faults", &counts.page_faults) && counts.known;
    return counts;
}

static void need_kvm(void)
{
    if (!setting.facts.usable) {
        print_message("# skip: %s\n", setting.facts.reason);
        skip();
    }
}

static int try_open(const char *name, struct runner *runner, struct event_bench **bench, struct error *error)
{
    const struct event *event = event_find(name);
    assert_non_null(event);
    return event_open(event, event->sizes ? event->sizes[0] : 0, runner, bench, error);
}

static struct event_bench *open_or_fail(const char *name, struct runner *runner)
{
    struct event_bench *bench = NULL;
    struct error error;
    if (try_open(name, runner, &bench, &error) < 0)
        fail_msg("%s: %s", name, error.text);
    return bench;
}

static void run_or_fail(struct event_bench *bench, uint64_t count)
{
    struct event_run run = {0};
    struct error error;
    if (event_run(bench, count, &run, &error) < 0)
        fail_msg("%s: %s", bench->event->name, error.text);
    assert_int_equal(run.count, count);
}

static struct counts counts_of_run(struct event_bench *bench)
{
    const struct counters before = local_counters(bench->prepared.domain);
    run_or_fail(bench, COUNT);
    const struct counters after = local_counters(bench->prepared.domain);
    return counts_between(&before, &after);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Makes COUNT events in a guest, warm; what was counted meanwhile. Whatever else happens on a busy host only
 * adds: the least of a few runs counts. */
static struct counts counts_of(const char *name)
{
    enum { RUNS = 3 };
    struct event_bench *bench = open_or_fail(name, setting.kvm);
    run_or_fail(bench, COUNT);
    struct counts least = counts_of_run(bench);
    for (int i = 1; i < RUNS; i++) {
        struct counts counts = counts_of_run(bench);
        least = (struct counts){least.known && counts.known, smaller(least.exits, counts.exits),
            smaller(least.page_faults, counts.page_faults)};
    }
    event_close(bench);
    return least;
}

static void need_counters(const struct counts *counts)
{
    if (!counts->known) {
        print_message("# skip: this kernel's KVM has no binary statistics\n");
        skip();
    }
}

/* Interrupts of the host may add some; the way out at the end is one, preparing some more. */
enum { FEW = COUNT / 4 };

static void assert_one_exit_each(const char *name)
{
    struct counts counts = counts_of(name);
    need_counters(&counts);
    if (counts.exits < COUNT + 1 || counts.exits > COUNT + FEW)
        fail_msg("%s: %llu exits for %d events", name, (unsigned long long)counts.exits, COUNT);
}

static void assert_no_exits(const char *name)
{
    struct counts counts = counts_of(name);
    need_counters(&counts);
    if (counts.exits > FEW)
        fail_msg("%s: %llu exits for %d events", name, (unsigned long long)counts.exits, COUNT);
}

static void assert_exits(const char *name)
{
    struct counts counts = counts_of(name);
    need_counters(&counts);
    if (counts.exits < COUNT)
        fail_msg("%s: %llu exits for %d events", name, (unsigned long long)counts.exits, COUNT);
}

/* A guest's kernel runs by itself, as on hardware. */
static bool kernel_runs(void)
{
    return setting.facts.syscall_privilege == 0;
}

static void every_input_and_output_is_one_exit(void **state)
{
    static const char *const names[] = {
        "pio-user", "pio-kernel", "in", "mmio-user", "mmio-kernel", "mmio-read"};
    (void)state;
    need_kvm();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_one_exit_each(names[i]);
}

static void what_needs_no_monitor_is_no_exit(void **state)
{
    static const char *const names[] = {"call-return", "rdtsc", "write-page", "retouch-lines"};
    (void)state;
    need_kvm();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_no_exits(names[i]);
}

static void on_hardware_what_kvm_intercepts_is_one_exit_each(void **state)
{
    static const char *const names[] = {"cpuid", "cpuid-kernel", "hypercall", "msr-read"};
    (void)state;
    need_kvm();
    for (size_t i = 0; kernel_runs() && i < sizeof names / sizeof names[0]; i++)
        assert_one_exit_each(names[i]);
}

/* Where KVM emulates the guest's kernel, an exit is counted for nothing that it does. CPUID of a program is
 * the CPU's own affair there, or an exit each where the CPU lets KVM ask for a fault (Intel's CPUID
 * faulting): but not now one and now the other. */
static void where_the_kernel_is_emulated_what_it_does_is_no_exit(void **state)
{
    (void)state;
    need_kvm();
    if (kernel_runs())
        return;
    assert_no_exits("cpuid-kernel");
    assert_no_exits("msr-read");
    struct counts counts = counts_of("cpuid");
    need_counters(&counts);
    if (counts.exits > FEW)
        assert_in_range(counts.exits, COUNT + 1, COUNT + FEW);
}

/* With a local APIC in the monitor CR8 is the CPU's own affair, or the emulator's. */
static void a_write_of_cr8_is_no_exit(void **state)
{
    (void)state;
    need_kvm();
    assert_no_exits("cr8-write");
}

/* Found by counting, not by the name of who is behind /dev/kvm. */
static void where_the_monitor_is_not_entered_the_note_says_so(void **state)
{
    static const char *const names[] = {"cpuid", "cpuid-kernel", "msr-read", "cr8-write"};
    (void)state;
    need_kvm();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct event_bench *bench;
        struct error error;
        struct counts counts = counts_of(names[i]);
        need_counters(&counts);
        if (event_open(event_find(names[i]), 0, setting.kvm, &bench, &error) < 0)
            fail_msg("%s: %s", names[i], error.text);
        assert_int_equal(strstr(setting.kvm->note, "no exits of its own") != NULL, counts.exits < COUNT);
        event_close(bench);
    }
}

static void a_fault_of_the_guest_alone_leaves_it_only_with_shadow_paging(void **state)
{
    (void)state;
    need_kvm();
    static const char *const names[] = {"page-fault", "fault-guest"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setting.facts.technique == TECHNIQUE_NESTED)
            assert_no_exits(names[i]);
        else
            assert_exits(names[i]);
}

static void a_change_of_a_page_table_leaves_the_guest_only_with_shadow_paging(void **state)
{
    (void)state;
    need_kvm();
    static const char *const names[] = {"pte-change", "pte-change-touch"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setting.facts.technique == TECHNIQUE_SHADOW && kernel_runs())
            assert_exits(names[i]);
        else
            assert_no_exits(names[i]);
}

/* An exception and a change of the address space, before each lap. Under shadow paging the latter is an exit;
 * where KVM emulates the guest's kernel the exception is one already. */
static void a_change_of_the_address_space_leaves_the_guest_only_with_shadow_paging(void **state)
{
    (void)state;
    need_kvm();
    if (kernel_runs())
        assert_no_exits("stay-space");
    if (setting.facts.technique == TECHNIQUE_NESTED)
        assert_no_exits("switch-space");
    else
        assert_exits("switch-space");
}

static uint64_t cr3_of(const struct event_bench *bench)
{
    struct vcpu_system system = {.cr0 = 0};
    assert_int_equal(
        bench->prepared.domain->ops->get_system(bench->prepared.domain->first->vcpu, &system, NULL), 0);
    return system.page_tables.value;
}

/* One lap, one change; two, and it is the first again. With tags the second space has the tag 1. */
static void check_spaces(struct event_bench *bench, uint64_t tag)
{
    uint64_t first = bench->prepared.domain->tables.root.value;
    run_or_fail(bench, 1);
    uint64_t second = cr3_of(bench);
    assert_int_not_equal(second & ~UINT64_C(0xfff), first);
    assert_int_equal(second & 0xfff, tag);
    run_or_fail(bench, 1);
    assert_int_equal(cr3_of(bench), first);
    run_or_fail(bench, COUNT + 1);
    assert_int_equal(cr3_of(bench), second);
}

static void each_lap_is_in_the_other_address_space(void **state)
{
    (void)state;
    need_kvm();
    struct event_bench *bench = open_or_fail("switch-space", setting.kvm);
    check_spaces(bench, 0);
    event_close(bench);
}

static void with_tags_it_is_as_well_or_told_to_be_impossible(void **state)
{
    struct event_bench *bench;
    struct error error;
    (void)state;
    need_kvm();
    if (try_open("switch-space-pcid", setting.kvm, &bench, &error) < 0) {
        assert_int_equal(error.code, ENOTSUP);
        assert_non_null(strstr(error.text, "PCID"));
        print_message("%s\n", error.text);
        return;
    }
    check_spaces(bench, 1);
    event_close(bench);
    if (setting.facts.technique == TECHNIQUE_NESTED)
        assert_no_exits("switch-space-pcid");
}

static void a_system_call_of_the_guest_is_no_exit_or_told_to_be_impossible(void **state)
{
    struct event_bench *bench;
    struct error error;
    (void)state;
    need_kvm();
    if (kernel_runs()) {
        assert_no_exits("syscall");
        return;
    }
    assert_int_equal(event_open(event_find("syscall"), 0, setting.kvm, &bench, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "SYSCALL"));
}

static void a_page_that_the_host_lacks_is_a_fault_of_the_monitor(void **state)
{
    struct counts counts;
    (void)state;
    need_kvm();
    counts = counts_of("fault-host");
    need_counters(&counts);
    assert_in_range(counts.page_faults, COUNT, 2 * COUNT);
    counts = counts_of("write-page");
    assert_in_range(counts.page_faults, 0, FEW);
}

static void logging_makes_every_first_write_an_exit(void **state)
{
    struct counts counts;
    (void)state;
    need_kvm();
    counts = counts_of("dirty-log"); /* that each page was recorded is checked by the event itself */
    need_counters(&counts);
    if (kernel_runs())
        assert_in_range(counts.exits, COUNT, 2 * COUNT + FEW);
}

/* Whether an event that needs large pages at all levels could be made; if not, that is what it says. */
static bool could_be_large(const char *name, uint64_t count, struct counts *counts)
{
    struct event_bench *bench = NULL;
    struct counters before = {.count = 0}, after = {.count = 0};
    struct event_run run = {0};
    struct error error;
    int rc = try_open(name, setting.kvm, &bench, &error);
    if (rc == 0 && (rc = event_run(bench, count, &run, &error)) == 0) {
        before = local_counters(bench->prepared.domain);
        rc = event_run(bench, count, &run, &error);
        after = local_counters(bench->prepared.domain);
    }
    event_close(bench);
    if (rc < 0) {
        print_message("%s: %s\n", name, error.text);
        assert_true(strstr(error.text, "2M") || strstr(error.text, "2 MiB"));
        return false;
    }
    assert_int_equal(run.count, count);
    *counts = counts_between(&before, &after);
    return true;
}

/* Not one for each 4 KiB. */
static void a_large_page_that_the_host_lacks_is_a_single_fault_of_the_monitor(void **state)
{
    enum { LARGE = 4 };
    struct counts counts;
    (void)state;
    need_kvm();
    if (!could_be_large("fault-host-2m", LARGE, &counts))
        return;
    need_counters(&counts);
    assert_in_range(counts.page_faults, LARGE, 3 * LARGE);
}

static void logging_splits_large_pages(void **state)
{
    struct counts counts;
    (void)state;
    need_kvm();
    if (!could_be_large("dirty-log-2m", COUNT, &counts))
        return;
    need_counters(&counts);
    if (kernel_runs())
        assert_in_range(counts.exits, COUNT, 2 * COUNT + FEW);
}

/* The events insist on each interrupt themselves; with one CPU there is none to send some to. */
static void every_interrupt_is_handled(void **state)
{
    enum { INTERRUPTS = 32 }; /* an emulated machine takes long for each */
    static const char *const names[] = {"timer", "ipi", "halt-wake", "shootdown"};
    (void)state;
    need_kvm();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct event_bench *bench = NULL;
        struct event_run run = {0};
        struct error error;
        int rc = event_open(event_find(names[i]), 0, setting.kvm, &bench, &error);
        if (pin_other(&setting.pin) < 0 && i > 0) {
            assert_int_equal(rc, -ENOTSUP);
            assert_non_null(strstr(error.text, "two CPUs"));
            continue;
        }
        if (rc == 0)
            rc = event_run(bench, INTERRUPTS, &run, &error);
        if (rc < 0)
            fail_msg("%s: %s", names[i], error.text);
        uint64_t faults = 0, interrupts = 0;
        lab_handled(bench->lab, &faults, &interrupts);
        /* Timers that fire before they are waited for are set again. Seen with npt=0: one was counted twice.
         */
        assert_in_range(interrupts, INTERRUPTS, i == 0 ? 2 * INTERRUPTS + 10 : INTERRUPTS + 2);
        assert_int_equal(run.count, INTERRUPTS);
        event_close(bench);
    }
}

/* ---- busy hosts ---- */

static const double busy_seconds = 0.3;

/* A process that has a CPU for a while and leaves it to others for as long, in turns: on an emulated machine
 * whatever had only small slices of time between would get nowhere. */
static pid_t start_spinning(int cpu)
{
    pid_t child = fork();
    if (child == 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            if (fmod(clock_seconds(), 2 * busy_seconds) >= busy_seconds)
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_true(child > 0);
    return child;
}

/* In a process of its own, which gives way to others: an ordinary user could not take that back. */
static int run_giving_way(const char *name, struct error *error)
{
    enum { LEAST_URGENT = 19, AT_A_TIME = 4 };
    struct event_bench *bench = NULL;
    struct event_run run = {0};
    setpriority(PRIO_PROCESS, 0, LEAST_URGENT);
    int rc = try_open(name, setting.kvm, &bench, error);
    double until = clock_seconds() + 5 * busy_seconds;
    while (rc == 0 && clock_seconds() < until)
        rc = event_run(bench, AT_A_TIME, &run, error);
    event_close(bench);
    return rc < 0 || run.count != AT_A_TIME;
}

/* A virtual CPU that does not run for a while, because its CPU is another's, handles nothing meanwhile: that
 * is no loss. */
static void an_interrupt_for_a_virtual_cpu_that_waits_for_its_cpu_is_not_lost(void **state)
{
    enum { SPINNING = 2 };
    int cpu = pin_other(&setting.pin), status = 0;
    pid_t spinning[SPINNING];
    (void)state;
    need_kvm();
    for (int i = 0; cpu >= 0 && i < SPINNING; i++)
        spinning[i] = start_spinning(cpu);
    pid_t child = cpu < 0 ? -1 : fork();
    if (child == 0) {
        struct error error = {0};
        int failed = run_giving_way("ipi", &error);
        if (failed)
            fprintf(stderr, "# %s\n", error.text);
        _exit(failed);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    for (int i = 0; cpu >= 0 && i < SPINNING; i++) {
        kill(spinning[i], SIGKILL);
        waitpid(spinning[i], NULL, 0);
    }
    assert_int_equal(status, 0);
}

/* Nobody sets the timer that is waited for; the one who waits runs on, and that is told from its laps. */
static void an_interrupt_that_never_comes_is_lost(void **state)
{
    enum { PATIENCE_NS = 1000000, PATIENCES = 1000000 };
    struct event_run run;
    struct error error;
    (void)state;
    need_kvm();
    struct event_bench *bench = open_or_fail("timer", setting.kvm);
    struct workload_job *job = setting.image.job;
    job->first = LAB_INTERRUPTS.value;
    job->cursor[0] = (uint64_t)(PATIENCE_NS * setting.clock.ticks_per_ns);
    lab_handled(bench->lab, &job->cursor[2], &job->cursor[1]);
    job->cursor[4] = PATIENCES;
    if (event_call(bench, "event-timer-wait", 1, &run, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(job->bytes, 0);
    event_close(bench);
}

static unsigned count_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* A second virtual CPU that waits for ever in the monitor must not keep its domain from ending. */
static void a_halted_virtual_cpu_lets_its_domain_end(void **state)
{
    (void)state;
    need_kvm();
    unsigned threads = count_threads();
    for (unsigned i = 0; i < repeated(20) && pin_other(&setting.pin) >= 0; i++) {
        struct event_bench *bench;
        struct error error;
        if (event_open(event_find("halt-wake"), 0, setting.kvm, &bench, &error) < 0)
            fail_msg("%s", error.text);
        event_close(bench);
    }
    /* One that was joined is seen in /proc for a moment. */
    for (int ms = 0; count_threads() != threads && ms < 60000; ms++)
        usleep(1000);
    assert_int_equal(count_threads(), threads);
}

/* ---- natively ---- */

/* Page faults of a run, natively: of several the least, since whatever else happens only adds. */
static uint64_t native_faults_of(struct event_bench *bench)
{
    enum { RUNS = 3 };
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < RUNS; i++) {
        const struct counters before = local_counters(NULL);
        run_or_fail(bench, COUNT);
        const struct counters after = local_counters(NULL);
        least = smaller(least, counts_between(&before, &after).page_faults);
    }
    return least;
}

/* One fault a page is checked by each of these events itself: an event that is not what it says has no
 * figure. */
static void natively_each_touch_is_one_fault(void **state)
{
    static const char *const names[] = {
        "first-touch-4k", "first-touch-4k-fresh", "willneed", "fault-host", "page-fault"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct event_bench *bench = open_or_fail(names[i], setting.native);
        assert_in_range(native_faults_of(bench), COUNT, COUNT + 64); /* the image's, the kernel's */
        event_close(bench);
    }
}

/* ---- what is kept ---- */

/* Mappings of this process in what is kept. */
static unsigned count_mappings(const struct kept_area *area)
{
    unsigned count = 0;
    unsigned long start, end;
    char line[512];
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2)
            count +=
                end > (uintptr_t)area->reserved && start < (uintptr_t)area->reserved + area->reserved_bytes;
    fclose(file);
    return count;
}

/* -1: there are no mappings. */
static int in_a_child(const struct kept_area *area)
{
    unsigned char resident;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(mincore(area->reserved, 1, &resident) < 0 && errno == ENOMEM ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? -1 : 0;
}

/* Or fork-exit, which is measured beside them, would cost the more the more was touched before. */
static void pages_that_are_kept_are_nothing_that_fork_has_to_copy(void **state)
{
    enum { RUNS = 24, BEFORE_BETWEEN_BEHIND = 3 };
    (void)state;
    for (unsigned i = 0; i < repeated(RUNS); i++) {
        struct event_bench *bench = open_or_fail("first-touch-4k-fresh", setting.native);
        run_or_fail(bench, COUNT);
        run_or_fail(bench, 1);
        event_close(bench);
    }
    assert_true(setting.kept.count > 0);
    for (size_t i = 0; i < setting.kept.count; i++) {
        assert_in_range(count_mappings(&setting.kept.areas[i]), 1, BEFORE_BETWEEN_BEHIND);
        assert_int_equal(in_a_child(&setting.kept.areas[i]), -1);
    }
}

/* ---- a row that fails ---- */

static const struct result_cell *cell_of(const struct result *result, const char *name)
{
    size_t i = 0;
    while (i < result->cell_count && strcmp(cell_workload(&result->cells[i]), name) != 0)
        i++;
    assert_true(i < result->cell_count);
    return &result->cells[i];
}

/* From the second placement on nothing more can be kept. */
static void leave_no_room(void *context, double fraction, double seconds_left, const char *what)
{
    struct kept_memory *hold = context;
    (void)fraction;
    (void)seconds_left;
    if (strncmp(what, "placement 1 ", strlen("placement 1 ")) != 0 && hold->count)
        hold->areas[0].end = hold->areas[0].next;
}

static void a_row_that_fails_in_the_middle_has_no_figure_and_the_others_go_on(void **state)
{
    struct kept_memory hold = {.count = 0};
    struct placement placement = setting.placement;
    const struct runner_config native = runner_here(&runner_native, &placement, NULL, 0);
    (void)state;
    placement.config.kept = &hold;
    const struct event *events[] = {
        event_find("first-touch-4k"), event_find("first-touch-4k-fresh"), event_find("rdtsc")};
    struct events_experiment experiment = {.events = events,
        .event_count = 3,
        .runners = &native,
        .runner_count = 1,
        .schedule = {.sample_seconds = 0.001, .rounds = 2, .seconds = 1, .progress = {leave_no_room, &hold}}};
    struct result result = {0};
    struct error error;
    assert_int_equal(experiment_events(&experiment, &result, &error), 0);
    assert_true(result.complete);
    const struct result_cell *failed = cell_of(&result, "first-touch-4k-fresh");
    assert_non_null(strstr(failed->reason, "no room to keep"));
    assert_int_equal(failed->quality, QUALITY_MISSING);
    assert_int_equal(failed->sample_count, 0);
    assert_int_equal(failed->operations, 0);
    assert_true(cell_of(&result, "first-touch-4k")->placements >= PLACEMENTS_MIN);
    assert_true(cell_of(&result, "rdtsc")->placements >= PLACEMENTS_MIN);
    result_free(&result);
    kept_memory_release(&hold);
}

/* ---- the table ---- */

static void every_event_is_told_in_full(void **state)
{
    (void)state;
    for (size_t i = 0; event_at(i); i++) {
        const struct event *event = event_at(i);
        const char *const texts[] = {event->name, event->unit, event->summary, event->article, event->source,
            event->steps, event->advice};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            assert_true(texts[k] && texts[k][0]);
        assert_ptr_equal(event_find(event->name), event); /* no name twice */
        assert_true(event->group < EVENT_GROUPS);
    }
}

static void every_event_can_happen_somewhere_or_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; event_at(i); i++) {
        const struct event_way *ways[] = {&event_at(i)->native, &event_at(i)->guest};
        bool any = false;
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(!!ways[k]->impossible + (ways[k]->run || ways[k]->make || ways[k]->entry), 1);
            any = any || !ways[k]->impossible;
        }
        assert_true(any);
    }
}

static void what_an_event_is_held_against_has_its_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; event_at(i); i++) {
        const struct event *event = event_at(i);
        const struct event *against = event->against ? event_find(event->against) : event;
        assert_non_null(against);
        assert_true(against == event || !against->against);
        assert_ptr_equal(against->sizes, event->sizes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_told_in_full),
        cmocka_unit_test(every_event_can_happen_somewhere_or_says_why_not),
        cmocka_unit_test(what_an_event_is_held_against_has_its_sizes),
        cmocka_unit_test(natively_each_touch_is_one_fault),
        cmocka_unit_test(pages_that_are_kept_are_nothing_that_fork_has_to_copy),
        cmocka_unit_test(a_row_that_fails_in_the_middle_has_no_figure_and_the_others_go_on),
        cmocka_unit_test(every_input_and_output_is_one_exit),
        cmocka_unit_test(what_needs_no_monitor_is_no_exit),
        cmocka_unit_test(on_hardware_what_kvm_intercepts_is_one_exit_each),
        cmocka_unit_test(where_the_kernel_is_emulated_what_it_does_is_no_exit),
        cmocka_unit_test(a_write_of_cr8_is_no_exit),
        cmocka_unit_test(where_the_monitor_is_not_entered_the_note_says_so),
        cmocka_unit_test(a_fault_of_the_guest_alone_leaves_it_only_with_shadow_paging),
        cmocka_unit_test(a_change_of_a_page_table_leaves_the_guest_only_with_shadow_paging),
        cmocka_unit_test(a_change_of_the_address_space_leaves_the_guest_only_with_shadow_paging),
        cmocka_unit_test(each_lap_is_in_the_other_address_space),
        cmocka_unit_test(with_tags_it_is_as_well_or_told_to_be_impossible),
        cmocka_unit_test(a_system_call_of_the_guest_is_no_exit_or_told_to_be_impossible),
        cmocka_unit_test(a_page_that_the_host_lacks_is_a_fault_of_the_monitor),
        cmocka_unit_test(logging_makes_every_first_write_an_exit),
        cmocka_unit_test(a_large_page_that_the_host_lacks_is_a_single_fault_of_the_monitor),
        cmocka_unit_test(logging_splits_large_pages),
        cmocka_unit_test(every_interrupt_is_handled),
        cmocka_unit_test(an_interrupt_for_a_virtual_cpu_that_waits_for_its_cpu_is_not_lost),
        cmocka_unit_test(an_interrupt_that_never_comes_is_lost),
        cmocka_unit_test(a_halted_virtual_cpu_lets_its_domain_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
