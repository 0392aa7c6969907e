/* The linked kernel on each monitor of this machine that runs it: what its processes see of page tables,
 * exceptions and ticks is what naive_process.c says, which knows none of them. Also run in tests/nested under
 * a real kvm_amd. */
#include "chosen_monitor.h"

#include "base/random.h"
#include "base/size.h"
#include "domain/guest_kernel.h"
#include "domain/probe.h"
#include "experiment/naive_script.h"
#include "host/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 300, TICK_NS = 2000000 };
#define CALL(name) NAIVE_CALL(name)
#define RW (GUEST_READ | GUEST_WRITE | GUEST_USER)
#define RO (GUEST_READ | GUEST_USER)
#define RX (GUEST_READ | GUEST_EXECUTE | GUEST_USER)

static struct monitor_facts facts;
static uint64_t tick_ns = TICK_NS;
static bool sync_write; /* of shadow: each store to a page table is emulated */
static struct naive_script jobs[GUEST_KERNEL_PROCESSES];
static struct guest_event events[NAIVE_EVENTS];

static void need_monitor(void)
{
    if (facts.usable)
        return;
    print_message("# skip: %s: %s\n", chosen->name, facts.reason);
    skip();
}

/* ---- what this CPU itself does ---- */

/* An emulated one may check no alignment, and may have one exception for all addresses that are not
 * canonical.
 */
static unsigned vectors[RAISE_COUNT]; /* of those that depend on it; 0: none */

static void touch(enum guest_raise how)
{
    if (how == RAISE_ALIGNMENT)
        __asm__ volatile(
            "subq $128, %%rsp\n\tpushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\tmovq 1(%%rsp), %%rax\n\t"
            "pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp"
            :
            :
            : "rax", "memory", "cc");
    else
        __asm__ volatile("pushq %%rbp\n\tmovq %0, %%rbp\n\tmovq (%%rbp), %%rax\n\tpopq %%rbp"
                         :
                         : "r"(UINT64_C(1) << 63)
                         : "rax", "memory");
}

/* The signal that it takes this process, or 0. */
static int native_signal(enum guest_raise how)
{
    const struct rlimit no_core = {0, 0};
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        touch(how);
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void look_at_cpu(void)
{
    vectors[RAISE_STACK] = native_signal(RAISE_STACK) == SIGBUS ? 12 : 13;
    vectors[RAISE_ALIGNMENT] = native_signal(RAISE_ALIGNMENT) == SIGBUS ? 17 : 0;
}

static bool is_raised_here(unsigned how)
{
    return how != RAISE_ALIGNMENT || vectors[how];
}

/* ---- scripts ---- */

static void begin(unsigned fault_around)
{
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        naive_script_begin(&jobs[i], fault_around, vectors[RAISE_STACK], vectors[RAISE_ALIGNMENT]);
}

static void add_step(struct naive_script *job, struct guest_step step)
{
    assert_true(job->count < NAIVE_STEPS);
    naive_script_add(job, step);
}

static void add_steps(struct naive_script *job, const struct guest_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_step(job, steps[i]);
}

/* ---- running them ---- */

static void run(struct guest_kernel_config *config, struct guest_kernel **kernel)
{
    struct error error = {0};
    config->monitor = chosen;
    config->facts = &facts;
    config->sync_write = sync_write;
    config->bytes = config->bytes ? config->bytes : 4 * MIB;
    config->tick_ns = tick_ns;
    config->fault_around = jobs[0].naive.fault_around;
    config->events = config->events ? config->events : NAIVE_EVENTS;
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        config->job[i] = (struct guest_kernel_job){jobs[i].step, jobs[i].count};
    if (guest_kernel_create(config, kernel, &error) < 0)
        fail_msg("%s", error.text);
    alarm(SECONDS_MAX);
    int rc = guest_kernel_run(*kernel, &error);
    alarm(0);
    if (rc < 0)
        fail_msg("%s", error.text);
}

static uint64_t first_difference(const struct guest_kernel *kernel, unsigned process)
{
    return naive_script_differs(&jobs[process], kernel, process, events);
}

static void must_agree(const struct guest_kernel *kernel, unsigned process)
{
    uint64_t at = first_difference(kernel, process);
    const struct naive_process *naive = &jobs[process].naive;
    if (at == UINT64_MAX)
        return;
    uint32_t step = naive->event[at].step;
    fail_msg("process %u, event %" PRIu64 " of %zu, step %u (%u: %u, 0x%" PRIx64 ", 0x%" PRIx64
             "): kind %u, 0x%" PRIx64 ", 0x%" PRIx64 " in the guest, expected step %u kind %u, 0x%" PRIx64
             ", 0x%" PRIx64,
        process, at, naive->count, events[at].step, jobs[process].step[step].what, jobs[process].step[step].a,
        jobs[process].step[step].b, jobs[process].step[step].c, events[at].what, events[at].a, events[at].b,
        step, naive->event[at].what, naive->event[at].a, naive->event[at].b);
}

/* Lets the first so many begin; the status at the end. */
static struct guest_kernel_status run_and_compare(unsigned processes)
{
    struct guest_kernel_config config = {.processes = processes};
    struct guest_kernel *kernel = NULL;
    for (unsigned i = 0; i < processes; i++)
        naive_end(&jobs[i].naive);
    run(&config, &kernel);
    struct guest_kernel_status status = guest_kernel_status(kernel);
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        must_agree(kernel, i);
    guest_kernel_destroy(kernel);
    assert_in_range(status.ended, processes, UINT64_MAX);
    return status;
}

/* ---- exceptions ---- */

static void each_class_of_exception_reaches_the_process(void **state)
{
    (void)state;
    need_monitor();
    begin(1);
    for (unsigned i = 0; i < RAISE_COUNT; i++)
        if (is_raised_here(i))
            add_step(&jobs[0], (struct guest_step){STEP_RAISE, i, 0, 0});
    struct guest_kernel_status status = run_and_compare(1);
    assert_int_equal(status.exceptions, jobs[0].count);
}

/* ---- page tables ---- */

static void memory_on_demand_comes_as_many_pages_at_a_time_as_the_hint_says(void **state)
{
    (void)state;
    need_monitor();
    for (unsigned around = 1; around <= 16; around *= 4) {
        begin(around);
        add_step(&jobs[0], (struct guest_step){CALL(DEMAND), 0, 32, RW});
        for (unsigned i = 0; i < 32; i++)
            add_step(&jobs[0], (struct guest_step){i % 2 ? STEP_READ : STEP_WRITE, i, 1, i});
        struct guest_kernel_status status = run_and_compare(1);
        assert_int_equal(status.filled, 32);
        assert_int_equal(status.faults, 32 / around);
    }
}

static void an_alias_shows_the_same_memory_and_has_its_own_bits(void **state)
{
    static const struct guest_step steps[] = {
        {CALL(MAP), 3, 1, RW},
        {CALL(MAP), 9, 1, RO},
        {STEP_WRITE, 3, 2, 4711},
        {STEP_READ, 9, 2, 0},
        {STEP_WRITE, 9, 2, 1}, /* through the read-only one: fault */
        {CALL(BITS), 3, 0, 0},
        {CALL(BITS), 3, 0, 0},
        {STEP_READ, 3, 2, 0},
        {CALL(BITS), 3, 0, 0},
        {CALL(BITS), 9, 0, 0},
    };
    (void)state;
    need_monitor();
    begin(1);
    add_steps(&jobs[0], steps, sizeof steps / sizeof steps[0]);
    run_and_compare(1);
}

static void what_is_moved_protected_or_gone_is_so_at_once(void **state)
{
    static const struct guest_step steps[] = {
        {CALL(MAP), 0, 0, RW},
        {STEP_WRITE, 0, 0, 0x11c3},
        {STEP_RUN, 0, 0, 0},
        {CALL(PROTECT), 0, 1, RX},
        {STEP_RUN, 0, 0, 0},
        {STEP_WRITE, 0, 0, 1},
        {CALL(PROTECT), 0, 1, 0},
        {STEP_READ, 0, 0, 0},
        {CALL(BITS), 0, 0, 0},
        {CALL(PROTECT), 0, 1, GUEST_READ | GUEST_WRITE},
        {STEP_READ, 0, 0, 0},
        {CALL(LOAD), 0, 0, 0},
        {CALL(STORE), 0, 1, 5},
        {CALL(PROTECT), 0, 1, RO},
        {CALL(STORE), 0, 1, 6},
        {STEP_READ, 0, 1, 0},
        {CALL(MOVE), 0, 5, 0},
        {STEP_READ, 0, 1, 0},
        {STEP_READ, 5, 1, 0},
        {CALL(MAP), 0, 1, RW},
        {STEP_READ, 0, 1, 0},
        {CALL(UNMAP), 0, 8, 0},
        {STEP_READ, 5, 1, 0},
        {STEP_READ, 0, 1, 0},
    };
    (void)state;
    need_monitor();
    begin(1);
    add_steps(&jobs[0], steps, sizeof steps / sizeof steps[0]);
    run_and_compare(1);
}

static void what_comes_anew_is_zeroed(void **state)
{
    static const struct guest_step steps[] = {
        {CALL(DEMAND), 0, 4, RW},
        {STEP_WRITE, 1, 3, 9},
        {CALL(DROP), 0, 4, 0},
        {STEP_READ, 1, 3, 0},
        {CALL(LOAD), 2, 0, 0},
        {CALL(UNMAP), 0, 4, 0},
        {CALL(DEMAND), 2, 1, RW},
        {STEP_READ, 2, 3, 0},
        {STEP_READ, 1, 3, 0},
    };
    (void)state;
    need_monitor();
    begin(2);
    add_steps(&jobs[0], steps, sizeof steps / sizeof steps[0]);
    run_and_compare(1);
}

/* ---- processes ---- */

static void a_tick_takes_the_cpu_away_and_no_register_changes(void **state)
{
    (void)state;
    need_monitor();
    begin(1);
    for (unsigned i = 0; i < 3; i++)
        add_step(&jobs[i], (struct guest_step){STEP_SPIN, 4, 0, 0});
    struct guest_kernel_status status = run_and_compare(3);
    assert_true(status.preemptions >= 6);
    assert_true(status.ticks >= 12);
}

static void who_waits_goes_on_at_a_tick_and_the_cpu_halts_until_then(void **state)
{
    (void)state;
    need_monitor();
    begin(1);
    for (unsigned i = 0; i < 5; i++)
        add_step(&jobs[0], (struct guest_step){CALL(WAIT), 0, 0, 0});
    struct guest_kernel_status status = run_and_compare(1);
    assert_true(status.ticks >= 5);
    assert_int_equal(status.preemptions, 0);
}

/* Each in turn writes its own word of the page that all have, and its own page at the same address. */
static void processes_share_what_is_shared_and_nothing_else(void **state)
{
    (void)state;
    need_monitor();
    begin(1);
    for (unsigned i = 0; i < 3; i++) {
        add_step(&jobs[i], (struct guest_step){CALL(MAP), 0, GUEST_OBJECTS - 1, RW});
        add_step(&jobs[i], (struct guest_step){CALL(MAP), 1, 0, RW});
        for (unsigned lap = 0; lap < 4; lap++) {
            add_step(&jobs[i], (struct guest_step){STEP_WRITE, 0, i, 100 * i + lap});
            add_step(&jobs[i], (struct guest_step){STEP_WRITE, 1, 0, 1000 * i + lap});
            add_step(&jobs[i], (struct guest_step){CALL(YIELD), 0, 0, 0});
            add_step(&jobs[i], (struct guest_step){STEP_READ, 0, i, 0});
            add_step(&jobs[i], (struct guest_step){STEP_READ, 1, 0, 0});
        }
    }
    struct guest_kernel_status status = run_and_compare(3);
    assert_true(status.switches >= 12);
}

/* Its pages, frames and page tables are others' afterwards, and zeroed. */
static void a_process_that_begins_again_finds_nothing_of_before(void **state)
{
    enum { LIVES = 5 };
    (void)state;
    need_monitor();
    begin(4);
    add_step(&jobs[1], (struct guest_step){CALL(DEMAND), 0, 8, RW});
    add_step(&jobs[1], (struct guest_step){CALL(MAP), 20, 0, RW});
    for (unsigned page = 0; page <= 20; page += 4) {
        add_step(&jobs[1], (struct guest_step){STEP_READ, page, 0, 0});
        add_step(&jobs[1], (struct guest_step){STEP_WRITE, page, 0, 0x1234});
    }
    naive_end(&jobs[1].naive);
    for (unsigned life = 0; life < LIVES; life++) {
        add_step(&jobs[0], (struct guest_step){CALL(SPAWN), 1, 0, 0});
        add_step(&jobs[0], (struct guest_step){CALL(JOIN), 1, 0, 0});
        if (life > 0) {
            naive_again(&jobs[1].naive);
            for (size_t i = 0; i < jobs[1].count; i++)
                naive_step(&jobs[1].naive, &jobs[1].step[i]);
            naive_end(&jobs[1].naive);
        }
    }
    assert_int_equal(run_and_compare(1).ended, LIVES + 1);
}

/* ---- at random ---- */

static void random_scripts_leave_what_naive_processes_leave(void **state)
{
    (void)state;
    need_monitor();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        uint64_t dice = seed;
        begin(1u << seed);
        for (unsigned i = 0; i < 3; i++) {
            naive_script_draw(&jobs[i], i, 300, &dice);
            add_step(&jobs[i], (struct guest_step){STEP_SPIN, 1, 0, 0});
        }
        run_and_compare(3);
    }
}

/* ---- the same everywhere ---- */

/* FNV-1a over all that a log has. An emulated CPU has one exception for all addresses that are not canonical.
 */
static uint64_t digest(const struct guest_event *log, uint64_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < count; i++) {
        bool stack = log[i].what == EVENT_EXCEPTION && log[i].a >> 32 == 12;
        const uint64_t words[] = {log[i].what, log[i].step, log[i].a + ((uint64_t)stack << 32), log[i].b};
        for (size_t k = 0; k < sizeof words; k++)
            hash = (hash ^ ((const uint8_t *)words)[k]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Told, so that whoever runs this on several monitors and machines can hold them against each other. */
static void what_depends_on_no_cpu_leaves_logs_that_are_told(void **state)
{
    struct guest_kernel_config config = {.processes = 3};
    struct guest_kernel *kernel = NULL;
    uint64_t dice = 1966;
    (void)state;
    need_monitor();
    begin(4);
    for (unsigned i = 0; i < config.processes; i++) {
        jobs[i].checks_alignment = false;
        naive_script_draw(&jobs[i], i, NAIVE_STEPS - 1, &dice);
        add_step(&jobs[i], (struct guest_step){STEP_SPIN, 1, 0, 0});
        naive_end(&jobs[i].naive);
    }
    run(&config, &kernel);
    for (unsigned i = 0; i < config.processes; i++) {
        must_agree(kernel, i);
        uint64_t count = guest_kernel_events(kernel, i, events, NAIVE_EVENTS);
        print_message(
            "# log of process %u: %" PRIu64 " events, 0x%" PRIx64 "\n", i, count, digest(events, count));
    }
    guest_kernel_destroy(kernel);
}

/* ---- what is counted ---- */

enum { AROUND = 8, FEW = 16, MANY = 48 };

/* Of a process that writes to so many pages that come on demand, without a tick. */
static struct counters counters_of(unsigned pages)
{
    struct guest_kernel_config config = {.processes = 1};
    struct guest_kernel *kernel = NULL;
    struct counters counters;
    begin(AROUND);
    add_step(&jobs[0], (struct guest_step){CALL(DEMAND), 0, MANY, RW});
    for (unsigned i = 0; i < pages; i++)
        add_step(&jobs[0], (struct guest_step){STEP_WRITE, i, 0, 1});
    naive_end(&jobs[0].naive);
    tick_ns = 0;
    run(&config, &kernel);
    tick_ns = TICK_NS;
    must_agree(kernel, 0);
    guest_kernel_counters(kernel, &counters);
    guest_kernel_destroy(kernel);
    return counters;
}

/* What MANY - FEW pages more take: one true fault for AROUND pages, and to see the first write to each page a
 * hidden one. */
static void each_page_more_is_counted_once(void **state)
{
    enum { MORE = MANY - FEW };
    static const struct {
        const char *monitor;
        int write; /* sync_write; -1: both */
        const char *counter;
        uint64_t more;
    } wants[] = {
        {"paravirt", -1, "page_faults_true", MORE / AROUND}, {"paravirt", -1, "page_faults_fixed", MORE},
        {"paravirt", -1, "hypercalls", MORE / AROUND * 2}, /* UPDATE and RETURN */
        {"shadow", -1, "page_faults_true", MORE / AROUND}, {"shadow", 1, "table_stores", MORE},
        {"shadow", 0, "table_stores", MORE / AROUND}, /* that make the table writable */
    };
    (void)state;
    need_monitor();
    const struct counters few = counters_of(FEW), many = counters_of(MANY);
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        uint64_t before = 0, after = 0;
        if (strcmp(wants[i].monitor, chosen->name) || wants[i].write == !sync_write)
            continue;
        assert_true(counters_get(&few, wants[i].counter, &before));
        assert_true(counters_get(&many, wants[i].counter, &after));
        if (after - before != wants[i].more)
            fail_msg(
                "%s: %" PRIu64 " more, expected %" PRIu64, wants[i].counter, after - before, wants[i].more);
    }
}

/* ---- the comparison itself, and the edges ---- */

static void one_step_more_or_another_hint_would_be_noticed(void **state)
{
    struct guest_kernel_config config = {.processes = 1};
    struct guest_kernel *kernel = NULL;
    (void)state;
    need_monitor();
    begin(2);
    add_step(&jobs[0], (struct guest_step){CALL(DEMAND), 0, 8, RW});
    add_step(&jobs[0], (struct guest_step){STEP_WRITE, 3, 0, 1});
    naive_end(&jobs[0].naive);
    jobs[0].naive.fault_around = 4;
    run(&config, &kernel);
    assert_int_equal(first_difference(kernel, 0), 1); /* 4 pages where 2 were expected */
    guest_kernel_destroy(kernel);
}

static void a_full_log_keeps_the_last_events(void **state)
{
    struct guest_kernel_config config = {.processes = 1, .events = 10};
    struct guest_kernel *kernel = NULL;
    (void)state;
    need_monitor();
    begin(1);
    for (unsigned i = 0; i < 30; i++)
        add_step(&jobs[0], (struct guest_step){STEP_READ, i, 0, 0});
    naive_end(&jobs[0].naive);
    run(&config, &kernel);
    assert_int_equal(guest_kernel_events(kernel, 0, events, 10), jobs[0].naive.count);
    for (size_t i = 0; i < 10; i++)
        assert_memory_equal(&events[i], &jobs[0].naive.event[jobs[0].naive.count - 10 + i], sizeof events[i]);
    guest_kernel_destroy(kernel);
}

/* ---- a large page ---- */

static bool host_has_large_pages(void)
{
    const struct memory_request request = {
        .bytes = 2 * MIB, .page_bytes = 2 * MIB, .source = MEMORY_COLLAPSE, .shared = chosen->elsewhere};
    struct memory memory;
    struct error error;
    if (memory_map_request(&memory, &request, &error) < 0)
        return false;
    bool has = memory_populate(&memory, true, NULL, NULL, &error) == 0 &&
               memory_check_obtained(&memory, 0, memory.bytes, &error) == 0;
    memory_unmap(&memory);
    return has;
}

/* The next event of that kind, from *at on. */
static uint64_t next_event(uint32_t what, uint64_t *at, uint64_t count)
{
    while (*at < count && events[*at].what != what)
        ++*at;
    if (*at == count)
        fail_msg("there is no such event as %" PRIu32, what);
    return events[(*at)++].a;
}

static void a_large_page_is_memory_that_all_processes_share(void **state)
{
    enum { IN = 700, LAST = GUEST_WINDOW_PAGES + GUEST_LARGE_PAGES - 1, MISSING = 4, READ_ONLY = 7 };
    static const struct guest_step first[] = {{STEP_READ, IN, 0, 0}, {CALL(LARGE), RW, 0, 0},
        {CALL(LARGE), RW, 0, 0}, {STEP_WRITE, IN, 3, 77}, {STEP_READ, IN, 3, 0}, {STEP_READ, LAST, 511, 0},
        {CALL(SPAWN), 1, 0, 0}, {CALL(JOIN), 1, 0, 0}, {STEP_READ, IN, 3, 0}};
    static const struct guest_step second[] = {
        {CALL(LARGE), RO, 0, 0}, {STEP_READ, IN, 3, 0}, {STEP_WRITE, IN, 3, 1}};
    struct guest_kernel_config config = {.monitor = chosen,
        .facts = &facts,
        .bytes = 4 * MIB,
        .sync_write = sync_write,
        .large = true,
        .fault_around = 1,
        .processes = 1,
        .events = NAIVE_EVENTS,
        .job = {{first, sizeof first / sizeof first[0]}, {second, sizeof second / sizeof second[0]}}};
    struct guest_kernel *kernel;
    struct error error = {0};
    (void)state;
    need_monitor();
    if (!host_has_large_pages()) {
        print_message("# skip: this host makes no large page of small ones\n");
        skip();
    }
    if (guest_kernel_create(&config, &kernel, &error) < 0 || guest_kernel_run(kernel, &error) < 0)
        fail_msg("%s", error.text);
    uint64_t count = guest_kernel_events(kernel, 0, events, NAIVE_EVENTS), at = 0;
    assert_int_equal(next_event(EVENT_EXCEPTION, &at, count), 14ull << 32 | MISSING);
    assert_int_equal(next_event(EVENT_ANSWER, &at, count), 0);
    assert_int_equal(next_event(EVENT_ANSWER, &at, count), -EEXIST);
    assert_int_equal(next_event(EVENT_VALUE, &at, count), 77);
    assert_int_equal(next_event(EVENT_VALUE, &at, count), 0);
    assert_int_equal(next_event(EVENT_VALUE, &at, count), 77);
    count = guest_kernel_events(kernel, 1, events, NAIVE_EVENTS), at = 0;
    assert_int_equal(next_event(EVENT_VALUE, &at, count), 77);
    assert_int_equal(next_event(EVENT_EXCEPTION, &at, count), 14ull << 32 | READ_ONLY);
    assert_int_equal(guest_kernel_status(kernel).faults, 2);
    assert_int_equal(guest_kernel_status(kernel).filled, 2 * GUEST_LARGE_PAGES);
    guest_kernel_destroy(kernel);
    config.large = false;
    if (guest_kernel_create(&config, &kernel, &error) < 0 || guest_kernel_run(kernel, &error) < 0)
        fail_msg("%s", error.text);
    count = guest_kernel_events(kernel, 0, events, NAIVE_EVENTS), at = 0;
    assert_int_equal(next_event(EVENT_ANSWER, &at, count), -EINVAL);
    guest_kernel_destroy(kernel);
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct guest_step step = {CALL(YIELD), 0, 0, 0};
    const struct guest_kernel_config good = {.monitor = chosen,
        .facts = &facts,
        .bytes = MIB,
        .fault_around = 1,
        .processes = 1,
        .events = 10,
        .job[0] = {&step, 1}};
    struct guest_kernel_config config = good;
    struct guest_kernel *kernel = NULL;
    struct error error;
    (void)state;
    need_monitor();
    config.bytes = 128 * KIB;
    assert_int_equal(guest_kernel_create(&config, &kernel, &error), -ENOMEM);
    config = good;
    config.processes = 2;
    assert_int_equal(guest_kernel_create(&config, &kernel, &error), -EINVAL);
    config = good;
    config.fault_around = 3;
    assert_int_equal(guest_kernel_create(&config, &kernel, &error), -EINVAL);
    config = good;
    config.events = 0;
    assert_int_equal(guest_kernel_create(&config, &kernel, &error), -EINVAL);
    assert_null(kernel);
}

/* With as little memory as it can be made with there are a few pages for processes. */
static void a_kernel_that_gives_up_says_why(void **state)
{
    static const struct guest_step steps[] = {
        {CALL(DEMAND), 0, GUEST_WINDOW_PAGES, RW}, {STEP_READ, 0, 0, 0}};
    struct guest_kernel_config config = {.monitor = chosen,
        .facts = &facts,
        .bytes = 256 * KIB,
        .tick_ns = 2000000,
        .fault_around = GUEST_WINDOW_PAGES,
        .processes = 1,
        .events = 10,
        .job[0] = {steps, sizeof steps / sizeof steps[0]}};
    struct guest_kernel *kernel = NULL;
    struct error error = {0};
    (void)state;
    need_monitor();
    while (guest_kernel_create(&config, &kernel, &error) < 0 && config.bytes < MIB)
        config.bytes += 32 * KIB;
    assert_non_null(kernel);
    assert_int_equal(guest_kernel_run(kernel, &error), -EPROTO);
    assert_non_null(strstr(error.text, "want of memory"));
    assert_int_equal(guest_kernel_status(kernel).panic, GUEST_PANIC_FRAMES);
    guest_kernel_destroy(kernel);
}

/* The monitor, and perhaps "write": struct vm_config's sync_write. */
int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_of_exception_reaches_the_process),
        cmocka_unit_test(memory_on_demand_comes_as_many_pages_at_a_time_as_the_hint_says),
        cmocka_unit_test(an_alias_shows_the_same_memory_and_has_its_own_bits),
        cmocka_unit_test(what_is_moved_protected_or_gone_is_so_at_once),
        cmocka_unit_test(what_comes_anew_is_zeroed),
        cmocka_unit_test(a_tick_takes_the_cpu_away_and_no_register_changes),
        cmocka_unit_test(who_waits_goes_on_at_a_tick_and_the_cpu_halts_until_then),
        cmocka_unit_test(processes_share_what_is_shared_and_nothing_else),
        cmocka_unit_test(a_process_that_begins_again_finds_nothing_of_before),
        cmocka_unit_test(random_scripts_leave_what_naive_processes_leave),
        cmocka_unit_test(what_depends_on_no_cpu_leaves_logs_that_are_told),
        cmocka_unit_test(each_page_more_is_counted_once),
        cmocka_unit_test(one_step_more_or_another_hint_would_be_noticed),
        cmocka_unit_test(a_full_log_keeps_the_last_events),
        cmocka_unit_test(a_large_page_is_memory_that_all_processes_share),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_kernel_that_gives_up_says_why),
    };
    choose_monitor(argc, argv);
    sync_write = argc > 2 && !strcmp(argv[2], "write");
    domain_probe(chosen, &facts);
    look_at_cpu();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
