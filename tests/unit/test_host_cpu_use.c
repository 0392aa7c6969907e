/* host/cpu_use.h with a made-up /proc: which CPU is the idlest, and who takes the others. */
#include "test_host_tree.h"

#include "host/cpu_use.h"

#include <math.h>

/* Ticks of one CPU: user, idle, steal. */
static void tree_stat(size_t cpus, const unsigned ticks[][3])
{
    char text[4096] = "cpu  1 2 3 4 5 6 7 8 9 10\n";
    for (size_t i = 0; i < cpus; i++)
        (void)sprintf(
            text + strlen(text), "cpu%zu %u 0 0 %u 0 0 0 %u 0 0\n", i, ticks[i][0], ticks[i][1], ticks[i][2]);
    strcat(text, "intr 12345 0 0\nctxt 1\n");
    tree_file("/proc/stat", text);
}

static void tree_process(unsigned pid, const char *name, unsigned ticks, unsigned cpu)
{
    char path[64], text[512];
    (void)sprintf(path, "/proc/%u/stat", pid);
    (void)sprintf(text,
        "%u (%s) R 1 1 1 0 -1 0 0 0 0 0 %u %u 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0\n", pid,
        name, ticks / 2, ticks - ticks / 2, cpu);
    text[strcspn(text, "\n")] = '\0';
    tree_file(path, text);
}

static cpu_set_t set_of(unsigned long mask)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < 64; i++)
        if (mask >> i & 1)
            CPU_SET(i, &set);
    return set;
}

static void the_idlest_that_may_be_used_is_found(void **state)
{
    const cpu_set_t all = set_of(0xf), first = set_of(0x3), busiest = set_of(0x4), none = set_of(0);
    (void)state;
    tree_stat(4, (const unsigned[][3]){{0, 100, 0}, {0, 100, 0}, {0, 100, 0}, {0, 100, 0}});
    struct cpu_look *look = cpu_look_begin();
    tree_stat(4, (const unsigned[][3]){{10, 110, 0}, {1, 119, 0}, {20, 100, 0}, {0, 112, 8}});
    cpu_look_end(look);
    assert_int_equal(cpu_look_idlest(look, &all, sizeof all), 1); /* what a hypervisor takes is not idle */
    assert_int_equal(cpu_look_idlest(look, &first, sizeof first), 1);
    assert_int_equal(cpu_look_idlest(look, &busiest, sizeof busiest), 2);
    assert_int_equal(cpu_look_idlest(look, &none, sizeof none), -1);
    assert_true(fabs(cpu_look_at(look, 0).busy - 0.5) < 1e-9);
    assert_true(fabs(cpu_look_at(look, 3).steal - 0.4) < 1e-9 && cpu_look_at(look, 3).busy == 0);
    assert_true(fabs(cpu_look_at_others(look, 1).busy - 0.5) < 1e-9);
    cpu_look_free(look);
}

static void of_those_that_are_as_idle_it_is_the_last(void **state)
{
    const cpu_set_t all = set_of(0xf), but_last = set_of(0x7);
    (void)state;
    tree_stat(4, (const unsigned[][3]){{0, 100, 0}, {0, 100, 0}, {0, 100, 0}, {0, 100, 0}});
    struct cpu_look *look = cpu_look_begin();
    tree_stat(4, (const unsigned[][3]){{0, 120, 0}, {1, 119, 0}, {1, 119, 0}, {1, 119, 0}});
    cpu_look_end(look);
    assert_int_equal(cpu_look_idlest(look, &all, sizeof all), 3);
    assert_int_equal(cpu_look_idlest(look, &but_last, sizeof but_last), 2);
    cpu_look_free(look);
}

static void who_takes_a_cpu_is_named(void **state)
{
    (void)state;
    tree_stat(2, (const unsigned[][3]){{0, 100, 0}, {0, 100, 0}});
    tree_process(100, "idle thing", 50, 0);
    tree_process(101, "a (b) c", 500, 1);
    tree_process(102, "small\x1b[1m", 50, 1);
    struct cpu_look *look = cpu_look_begin();
    tree_stat(2, (const unsigned[][3]){{0, 120, 0}, {20, 100, 0}});
    tree_process(101, "a (b) c", 515, 1);
    tree_process(102, "small\x1b[1m", 55, 1);
    tree_process(103, "new", 12, 1);
    cpu_look_end(look);
    assert_string_equal(cpu_look_at(look, 1).who, "a (b) c, process 101");
    assert_string_equal(cpu_look_at_others(look, 0).who, "a (b) c, process 101");
    assert_string_equal(cpu_look_at(look, 0).who, ""); /* where nothing was taken nobody is blamed */
    cpu_look_free(look);
}

static void nothing_is_known_where_nothing_is_told(void **state)
{
    const cpu_set_t all = set_of(0xf);
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 1)
            tree_garbage("/proc/stat", 10000);
        if (kind == 2)
            tree_file(
                "/proc/stat", "cpu0 1 2\ncpu99999999999999999999 1 2 3 4 5 6 7 8\ncpu9000 1 2 3 4 5 6 7 8\n");
        struct cpu_look *look = cpu_look_begin();
        cpu_look_end(look);
        assert_int_equal(cpu_look_idlest(look, &all, sizeof all), -1);
        assert_false(cpu_look_at(look, 0).known || cpu_look_at_others(look, 0).known);
        assert_false(cpu_look_at(look, 70000).known);
        cpu_look_free(look);
    }
}

#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(the_idlest_that_may_be_used_is_found),
        TREE_TEST(of_those_that_are_as_idle_it_is_the_last),
        TREE_TEST(who_takes_a_cpu_is_named),
        TREE_TEST(nothing_is_known_where_nothing_is_told),
    };
    return cmocka_run_group_tests_name("host_cpu_use", tests, NULL, NULL);
}
