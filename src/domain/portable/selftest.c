/* The linked kernel as a workload: three processes, again and again, each with memory of its own alone, so
 * that what they see does not depend on who runs when. */
#include "domain/portable/internal.h"

#include <string.h>

#define CALL(name) (STEP_CALL + (GUEST_CALL_##name - GUEST_CALL_FIRST))
enum {
    RW = GUEST_READ | GUEST_WRITE | GUEST_USER,
    RO = GUEST_READ | GUEST_USER,
    EVENTS = 512,
    TICK_NS = 2000000
};

static const struct guest_step steps[] = {
    /* one page at two places, with bits of their own */
    {CALL(MAP), 3, 1, RW}, {CALL(MAP), 9, 1, RO}, {STEP_WRITE, 3, 2, 4711}, {STEP_READ, 9, 2, 0},
    {STEP_WRITE, 9, 2, 1}, {CALL(BITS), 3, 0, 0}, {CALL(BITS), 9, 0, 0},
    /* rights, and the kernel's own accesses */
    {CALL(PROTECT), 3, 1, 0}, {STEP_READ, 3, 2, 0}, {CALL(PROTECT), 3, 1, RW}, {CALL(STORE), 3, 1, 5},
    {CALL(LOAD), 9, 1, 0}, {CALL(MOVE), 3, 5, 0}, {STEP_READ, 3, 1, 0}, {STEP_READ, 5, 1, 0},
    /* memory on demand */
    {CALL(DEMAND), 20, 16, RW}, {STEP_WRITE, 21, 3, 9}, {STEP_WRITE, 30, 3, 10}, {CALL(DROP), 20, 4, 0},
    {STEP_READ, 21, 3, 0}, {STEP_READ, 30, 3, 0}, {CALL(YIELD), 0, 0, 0},
    /* exceptions, and a tick with a value in every register */
    {STEP_RAISE, RAISE_DIVIDE, 0, 0}, {STEP_RAISE, RAISE_BREAKPOINT, 0, 0},
    {STEP_RAISE, RAISE_UNDEFINED, 0, 0}, {STEP_RAISE, RAISE_HALT, 0, 0}, {STEP_RAISE, RAISE_READ_CR3, 0, 0},
    {STEP_RAISE, RAISE_KERNEL_READ, 0, 0}, {STEP_SPIN, 1, 0, 0}, {CALL(UNMAP), 0, GUEST_WINDOW_PAGES, 0},
    {STEP_REPEAT, 30, 0, 0}, /* everything before it; how often is set below */
};
enum { STEPS = sizeof steps / sizeof steps[0] };
_Static_assert(STEPS == 31, "STEP_REPEAT names the number of those before it");

int portable_lay_out_selftest(struct portable *portable, const struct monitor_ops *monitor,
    const struct monitor_facts *facts, struct error *error)
{
    struct portable_plan *plan = &portable->plan;
    struct guest_step script[STEPS];
    struct guest_kernel_config config = {.monitor = monitor,
        .facts = facts,
        .bytes = plan->memory_bytes - PAGE_BYTES,
        .memory = &portable->memory,
        .tick_ns = TICK_NS,
        .fault_around = 1,
        .processes = 3,
        .events = EVENTS};
    memcpy(script, steps, sizeof steps);
    script[STEPS - 1].b = plan->work ? plan->work - 1 : UINT64_MAX;
    for (unsigned i = 0; i < config.processes; i++)
        config.job[i] = (struct guest_kernel_job){script, STEPS};
    int rc = guest_kernel_create(&config, &portable->kernel, error);
    if (rc < 0)
        return rc;
    portable->domain = guest_kernel_domain(portable->kernel);
    for (unsigned i = 0; i < config.processes; i++)
        plan->results[plan->result_count++] = guest_kernel_log_at(portable->kernel, i);
    return 0;
}
