/* Fidelity of a whole guest kernel: what its processes leave in their logs is what they must leave by a model
 * that knows no page tables, kernel or CPU. A case is a line of the table at the end. */
#include "experiment/verify_internal.h"

#include "base/size.h"
#include "experiment/naive_script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CALL(name) NAIVE_CALL(name)
#define RW (GUEST_READ | GUEST_WRITE | GUEST_USER)
#define RO (GUEST_READ | GUEST_USER)
#define RX (GUEST_READ | GUEST_EXECUTE | GUEST_USER)

/* Of all processes of a kernel. */
struct scripts {
    struct naive_script of[GUEST_KERNEL_PROCESSES];
    struct guest_event events[NAIVE_EVENTS];
};

/* ---- what processes do ---- */

static const struct guest_step tables[] = {
    /* an alias shows the same memory, and has its own bits */
    {CALL(MAP), 3, 1, RW},
    {CALL(MAP), 9, 1, RO},
    {STEP_WRITE, 3, 2, 4711},
    {STEP_READ, 9, 2, 0},
    {STEP_WRITE, 9, 2, 1},
    {CALL(BITS), 3, 0, 0},
    {CALL(BITS), 3, 0, 0},
    {STEP_READ, 3, 2, 0},
    {CALL(BITS), 3, 0, 0},
    {CALL(BITS), 9, 0, 0},
    /* what is protected, moved or gone is so at once */
    {CALL(MAP), 0, 0, RW},
    {STEP_WRITE, 0, 0, 0x11c3},
    {STEP_RUN, 0, 0, 0},
    {CALL(PROTECT), 0, 1, RX},
    {STEP_RUN, 0, 0, 0},
    {STEP_WRITE, 0, 0, 1},
    {CALL(PROTECT), 0, 1, 0},
    {STEP_READ, 0, 0, 0},
    {CALL(PROTECT), 0, 1, GUEST_READ | GUEST_WRITE},
    {STEP_READ, 0, 0, 0},
    {CALL(STORE), 0, 1, 5},
    {CALL(PROTECT), 0, 1, RO},
    {CALL(STORE), 0, 1, 6},
    {CALL(LOAD), 0, 1, 0},
    {CALL(MOVE), 0, 5, 0},
    {STEP_READ, 0, 1, 0},
    {STEP_READ, 5, 1, 0},
    {CALL(UNMAP), 0, 8, 0},
    {STEP_READ, 5, 1, 0},
    /* what comes anew is zeroed */
    {CALL(DEMAND), 20, 8, RW},
    {STEP_WRITE, 21, 3, 9},
    {CALL(DROP), 20, 4, 0},
    {STEP_READ, 21, 3, 0},
    {CALL(LOAD), 22, 0, 0},
    {CALL(UNMAP), 20, 8, 0},
    {STEP_READ, 21, 3, 0},
};

static void write_tables(struct scripts *scripts, uint64_t *dice)
{
    (void)dice;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        naive_script_add(&scripts->of[0], tables[i]);
}

static void write_exceptions(struct scripts *scripts, uint64_t *dice)
{
    (void)dice;
    for (unsigned i = 0; i < RAISE_COUNT; i++)
        if (i != RAISE_ALIGNMENT || scripts->of[0].checks_alignment)
            naive_script_add(&scripts->of[0], (struct guest_step){STEP_RAISE, i, 0, 0});
}

static void write_demand(struct scripts *scripts, uint64_t *dice)
{
    (void)dice;
    naive_script_add(&scripts->of[0], (struct guest_step){CALL(DEMAND), 0, 64, RW});
    for (unsigned i = 0; i < GUEST_WINDOW_PAGES; i++)
        naive_script_add(&scripts->of[0],
            (struct guest_step){i % 2 ? STEP_READ : STEP_WRITE, i * 5 % GUEST_WINDOW_PAGES, 1, i});
}

/* Each in turn writes its own word of a page that all have, and its own page at the same address. */
static void write_switches(struct scripts *scripts, uint64_t *dice)
{
    (void)dice;
    for (unsigned i = 0; i < 3; i++) {
        struct naive_script *script = &scripts->of[i];
        naive_script_add(script, (struct guest_step){CALL(MAP), 0, GUEST_OBJECTS - 1, RW});
        naive_script_add(script, (struct guest_step){CALL(MAP), 1, 0, RW});
        for (unsigned lap = 0; lap < 8; lap++) {
            naive_script_add(script, (struct guest_step){STEP_WRITE, 0, i, 100 * i + lap});
            naive_script_add(script, (struct guest_step){STEP_WRITE, 1, 0, 1000 * i + lap});
            naive_script_add(script, (struct guest_step){CALL(YIELD), 0, 0, 0});
            naive_script_add(script, (struct guest_step){STEP_READ, 0, i, 0});
            naive_script_add(script, (struct guest_step){STEP_READ, 1, 0, 0});
        }
    }
}

static void write_ticks(struct scripts *scripts, uint64_t *dice)
{
    (void)dice;
    for (unsigned i = 0; i < 3; i++)
        naive_script_add(&scripts->of[i], (struct guest_step){STEP_SPIN, 3, 0, 0});
}

static void write_anything(struct scripts *scripts, uint64_t *dice)
{
    for (unsigned i = 0; i < 3; i++) {
        naive_script_draw(&scripts->of[i], i, 300, dice);
        naive_script_add(&scripts->of[i], (struct guest_step){STEP_SPIN, 1, 0, 0});
    }
}

/* ---- running them ---- */

static void run(const struct guest_kernel_config *config, struct scripts *scripts, struct trial *trial)
{
    struct guest_kernel *kernel = NULL;
    struct error error;
    int rc = guest_kernel_create(config, &kernel, &error);
    if (rc == 0)
        rc = guest_kernel_run(kernel, &error);
    if (rc < 0)
        trial_fails(trial, "%.230s", error.text);
    for (unsigned i = 0; rc == 0 && trial->verdict == TRIAL_HELD && i < config->processes; i++) {
        uint64_t at = naive_script_differs(&scripts->of[i], kernel, i, scripts->events);
        if (at != UINT64_MAX)
            trial_fails(trial,
                "event %" PRIu64 " of process %u is not what it must be: 0x%" PRIx64 ", 0x%" PRIx64, at, i,
                scripts->events[at < NAIVE_EVENTS ? at : 0].a, scripts->events[at < NAIVE_EVENTS ? at : 0].b);
    }
    trial->seen = trial->verdict == TRIAL_HELD ? SEEN_SAME : SEEN_OTHER;
    guest_kernel_destroy(kernel);
}

static const struct kernel_case {
    const char *title;
    void (*write)(struct scripts *scripts, uint64_t *dice);
    unsigned processes, fault_around;
    const char *sync_write; /* only on this monitor, which emulates each store to a page table then */
} cases[] = {
    {"exceptions of each class", write_exceptions, 1, 1, NULL},
    {"page tables: aliases, remapping, protection, bits", write_tables, 1, 1, NULL},
    {"memory on demand", write_demand, 1, 1, NULL},
    {"memory on demand, 8 pages at a time", write_demand, 1, 8, NULL},
    {"address spaces and switches between them", write_switches, 3, 1, NULL},
    {"processes under a timer", write_ticks, 3, 1, NULL},
    {"anything at random, a page at a time", write_anything, 3, 1, NULL},
    {"anything at random, 4 pages at a time", write_anything, 3, 4, NULL},
    {"page tables, each store to them emulated", write_tables, 1, 1, "shadow"},
    {"anything at random, each store to tables emulated", write_anything, 3, 1, "shadow"},
};

static void begin(
    struct scripts *scripts, const struct kernel_case *from, struct ground *ground, uint64_t *dice)
{
    const struct program unaligned = {.number = INSTRUCTION_UNALIGNED},
                         stack = {.number = INSTRUCTION_READ_STACK, .rcx = UINT64_C(1) << 62};
    const struct ending alignment = ground_native(ground, &unaligned), far = ground_native(ground, &stack);
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        naive_script_begin(&scripts->of[i], from->fault_around, far.kind == ENDING_TRAP ? far.vector : 12,
            alignment.kind == ENDING_TRAP);
    from->write(scripts, dice);
    for (unsigned i = 0; i < from->processes; i++)
        naive_end(&scripts->of[i].naive);
}

static void try(struct ground *ground, const struct kernel_case *from, const struct monitor_facts *facts,
    struct scripts *scripts, uint64_t *dice, struct trial *trial)
{
    struct guest_kernel_config config = {.monitor = ground->monitor,
        .facts = facts,
        .bytes = 4 * MIB,
        .sync_write = from->sync_write || ground->sync_write,
        .fill = ground->fill,
        .spare = ground->spare,
        .tick_ns = 2000000,
        .fault_around = from->fault_around,
        .processes = from->processes,
        .events = NAIVE_EVENTS,
        .stop = ground->stop};
    begin(scripts, from, ground, dice);
    for (unsigned i = 0; i < GUEST_KERNEL_PROCESSES; i++)
        config.job[i] = (struct guest_kernel_job){scripts->of[i].step, scripts->of[i].count};
    run(&config, scripts, trial);
}

int verify_kernel(struct ground *ground, const struct monitor_facts *facts, uint64_t seed,
    struct trials *trials, struct error *error)
{
    struct scripts *scripts = calloc(1, sizeof *scripts);
    if (!scripts)
        return error_set(error, ENOMEM, "no memory for what a guest's processes do");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof cases / sizeof *cases; i++) {
        const char *only = cases[i].sync_write;
        if (only && strcmp(only, ground->monitor->name) != 0)
            continue;
        struct trial *trial = trials_add(trials, TRIAL_KERNEL, -1, cases[i].title);
        if (trial)
            try(ground, &cases[i], facts, scripts, &seed, trial);
        rc = trials_end(trials, ground->stop, error);
    }
    free(scripts);
    return rc;
}
