/* What processes wrote down of what they touched becomes counts for each reading, region and column; what was
 * not written to its end is none. And what a CPU's TLBs hold of it. */
#include "experiment/run_heat.h"

#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };
#define INTERVAL UINT64_C(1000)
#define BEGAN UINT64_C(1000000)

static struct heat_log *log_of(void)
{
    struct heat_log *log = calloc(1, sizeof *log + ROOM * sizeof *log->entries);
    assert_non_null(log);
    log->interval_ns = INTERVAL;
    log->room = ROOM;
    return log;
}

static struct heat_entry *add(struct heat_log *log, enum heat_kind kind, uint32_t process, uint32_t harvest)
{
    struct heat_entry *entry = &log->entries[log->used++];
    *entry = (struct heat_entry){.kind = kind, .process = process, .harvest = harvest};
    if (kind == HEAT_PROCESS) {
        entry->from_ns = entry->to_ns = BEGAN;
        strcpy(entry->name, process ? "child" : "parent");
    }
    if (kind == HEAT_HARVEST) {
        entry->from_ns = BEGAN + harvest * INTERVAL;
        entry->to_ns = entry->from_ns + INTERVAL;
    }
    return entry;
}

/* So many pages of a region, from its first on. */
static void touch(struct heat_log *log, enum heat_kind kind, uint32_t process, uint32_t harvest,
    uint64_t region, unsigned pages)
{
    struct heat_entry *entry = add(log, kind, process, harvest);
    entry->region = region;
    for (unsigned i = 0; i < pages; i++)
        entry->pages[i / 64] |= UINT64_C(1) << i % 64;
}

static struct ran_heat read_log(struct heat_log *log, struct pool *pool)
{
    struct ran_heat heat = {.known = false};
    struct error error;
    assert_int_equal(run_heat_read(log, pool, &heat, &error), 0);
    assert_true(heat.known);
    free(log);
    return heat;
}

static void pages_are_counted_reading_by_reading(void **state)
{
    struct pool pool = {0};
    struct heat_log *log = log_of();
    (void)state;
    add(log, HEAT_PROCESS, 0, 0);
    touch(log, HEAT_DATA, 0, 0, 5, 16);
    touch(log, HEAT_CODE, 0, 0, 5, 3);
    add(log, HEAT_HARVEST, 0, 0);
    touch(log, HEAT_DATA, 0, 1, 5, 512);
    touch(log, HEAT_DATA, 0, 1, 6, 88);
    add(log, HEAT_HARVEST, 0, 1);
    add(log, HEAT_HARVEST, 0, 2);      /* it slept */
    touch(log, HEAT_DATA, 0, 3, 7, 9); /* and was killed before this reading was done */
    add(log, HEAT_NOTHING, 0, 3);
    struct ran_heat heat = read_log(log, &pool);
    const struct heat_process *process = &heat.processes[0];
    assert_int_equal(heat.process_count, 1);
    assert_string_equal(process->name, "parent");
    assert_int_equal(process->step_count, 3);
    assert_int_equal(process->steps[1].pages[HEAT_OF_DATA], 600);
    assert_int_equal(process->steps[1].regions[HEAT_OF_DATA], 2);
    assert_int_equal(process->steps[2].pages[HEAT_OF_DATA], 0);
    assert_int_equal(process->pages[HEAT_OF_DATA].most, 600);
    assert_int_equal(process->pages[HEAT_OF_DATA].ever, 600);
    assert_true(process->pages[HEAT_OF_DATA].median == 16);
    assert_int_equal(process->pages[HEAT_OF_INSTRUCTIONS].ever, 3);
    assert_int_equal(heat.columns, 3);
    assert_string_equal(process->touched[0].address, "0xa00000");
    assert_int_equal(process->touched[0].touched[0], 16);
    assert_int_equal(process->touched[0].touched[1], 512);
    assert_int_equal(process->touched[0].touched[2], 0);
    assert_int_equal(process->touched[0].pages, 512);
    assert_int_equal(process->touched[1].side, HEAT_OF_INSTRUCTIONS);
    pool_free(&pool);
}

/* Pages of several readings in one column are pages of any of them, not their sum. */
static void many_readings_share_columns(void **state)
{
    enum { READINGS = 200 };
    struct pool pool = {0};
    struct heat_log *log = log_of();
    (void)state;
    add(log, HEAT_PROCESS, 0, 0);
    for (unsigned i = 0; i < READINGS; i++) {
        touch(log, HEAT_DATA, 0, i, 1, 10 + i % 2);
        add(log, HEAT_HARVEST, 0, i);
    }
    struct ran_heat heat = read_log(log, &pool);
    assert_true(heat.column_ns == 3 * (double)INTERVAL && heat.columns == 67);
    for (size_t i = 0; i < 66; i++)
        assert_int_equal(heat.processes[0].touched[0].touched[i], 11);
    assert_true(heat.processes[0].pages[HEAT_OF_DATA].median == 10.5);
    pool_free(&pool);
}

static void who_touched_most_comes_first_and_a_full_log_says_so(void **state)
{
    struct pool pool = {0};
    struct heat_log *log = log_of();
    (void)state;
    for (uint32_t process = 0; process < 2; process++) {
        add(log, HEAT_PROCESS, process, 0);
        touch(log, HEAT_DATA, process, 0, 3, process ? 40 : 4);
        add(log, HEAT_HARVEST, process, 0);
    }
    log->room = log->used;
    log->used++;
    struct ran_heat heat = read_log(log, &pool);
    assert_int_equal(heat.process_count, 2);
    assert_string_equal(heat.processes[0].name, "child");
    assert_non_null(heat.reason);
    pool_free(&pool);
}

/* A shell's children come first, and what it is about may come last. */
static void of_many_processes_those_are_told_that_touched_most(void **state)
{
    enum { PROCESSES = 100, KEPT = 64 };
    struct pool pool = {0};
    struct heat_log *log = log_of();
    (void)state;
    for (uint32_t process = 0; process < PROCESSES; process++) {
        add(log, HEAT_PROCESS, process, 0);
        touch(log, HEAT_DATA, process, 0, 3, 1 + process);
        touch(log, HEAT_DATA, process, 1, 3, 1 + process); /* the same ones again */
        add(log, HEAT_HARVEST, process, 0);
        add(log, HEAT_HARVEST, process, 1);
    }
    struct ran_heat heat = read_log(log, &pool);
    assert_int_equal(heat.process_count, KEPT);
    for (size_t i = 0; i < KEPT; i++)
        assert_int_equal(heat.processes[i].pages[HEAT_OF_DATA].ever, PROCESSES - i);
    assert_non_null(heat.reason);
    pool_free(&pool);
}

static void tlbs_hold_what_cpuid_says(void **state)
{
    struct host host = {.tlb_source = {.known = true},
        .tlb_count = 4,
        .tlbs = {{1, "data", 4096, 64, 0}, {1, "instruction", 4096, 32, 0}, {2, "unified", 4096, 1024, 8},
            {2, "data", 4096, 512, 8}}};
    struct heat_process process = {.pages = {{.median = 100, .most = 200}, {.median = 5, .most = 6}}};
    struct ran_heat heat = {.processes = &process, .process_count = 1};
    (void)state;
    heat_set_reach(&host, &heat);
    assert_int_equal(process.reach_count, HEAT_REACHES);
    assert_int_equal(process.reach[0].level1, 64);
    assert_int_equal(process.reach[0].level2, 1536);
    assert_int_equal(process.reach[0].most, 200);
    assert_null(process.reach[0].reason);
    assert_int_equal(process.reach[1].level1, 0); /* of 2 MiB pages nothing is told */
    assert_non_null(process.reach[1].reason);
    assert_int_equal(process.reach[2].level1, 32);
    assert_int_equal(process.reach[2].level2, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_counted_reading_by_reading),
        cmocka_unit_test(many_readings_share_columns),
        cmocka_unit_test(who_touched_most_comes_first_and_a_full_log_says_so),
        cmocka_unit_test(of_many_processes_those_are_told_that_touched_most),
        cmocka_unit_test(tlbs_hold_what_cpuid_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
