/* Remedies as files, and what is made of them: conditions and command lines. */
#include "test_host_tree.h"

#include "abi/pages_report.h"
#include "record/record.h"
#include "remedy/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pool pool;
static const struct executable dynamic = {.dynamic = true}, fixed = {.dynamic = false},
                               privileged = {.dynamic = true, .privileged = true};

static struct surroundings surroundings(const struct executable *executable)
{
    struct surroundings here = {.library = "/lib/vcost/libvcost-pages.so",
        .why_no_library = "",
        .report = "/tmp/report",
        .executable = executable,
        .idlest = 3,
        .peak_bytes = 10 << 20};
    CPU_SET(2, &here.cpus);
    CPU_SET(3, &here.cpus);
    here.near = here.cpus;
    return here;
}

static struct recipe preset(const char *name)
{
    struct recipe recipe = {.name = NULL};
    struct error error;
    for (size_t i = 0; recipe_preset(i).name; i++)
        if (!strcmp(recipe_preset(i).name, name))
            assert_int_equal(
                recipe_parse(recipe_preset(i).text, recipe_preset(i).bytes, name, &pool, &recipe, &error), 0);
    assert_non_null(recipe.name);
    return recipe;
}

static void every_file_is_read_and_called_by_its_name(void **state)
{
    size_t count = 0;
    (void)state;
    for (; recipe_preset(count).name; count++) {
        const struct recipe recipe = preset(recipe_preset(count).name);
        assert_string_equal(recipe.name, recipe_preset(count).name);
        assert_true(!recipe.stand_in[0] || preset(recipe.stand_in).name != NULL);
    }
    assert_true(count > 15);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"[]", "its schema is not"},
        {"{\"schema\": \"vcost.remedy/2\"}", "its schema is not"},
        {"{\"schema\": \"vcost.remedy/1\"}", "name"},
        {"{\"schema\": \"vcost.remedy/1\", \"name\": \"Big\", \"title\": \"t\", \"article\": \"a\", "
         "\"costs\": \"c\", \"kind\": "
         "\"k\", \"cpus\": \"one\", \"proof\": \"none\"}",
            "should be of a-z"},
        {"{\"schema\": \"vcost.remedy/1\", \"name\": \"a\", \"title\": \"t\", \"article\": \"a\", \"costs\": "
         "\"c\", \"kind\": "
         "\"k\", \"proof\": \"none\"}",
            "either be applied"},
        {"{\"schema\": \"vcost.remedy/1\", \"name\": \"a\", \"title\": \"t\", \"article\": \"a\", \"costs\": "
         "\"c\", \"kind\": "
         "\"k\", \"proof\": \"none\", \"cpus\": \"two\"}",
            "cpus"},
        {"{\"schema\": \"vcost.remedy/1\", \"name\": \"a\", \"title\": \"t\", \"article\": \"a\", \"costs\": "
         "\"c\", \"kind\": "
         "\"k\", \"proof\": \"none\", \"preload\": \"/tmp/x.so\"}",
            "without its folder"},
        {"{\"schema\": \"vcost.remedy/1\", \"name\": \"a\", \"title\": \"t\", \"article\": \"a\", \"costs\": "
         "\"c\", \"kind\": "
         "\"k\", \"proof\": \"none\", \"preload\": \"pages\"}",
            "go together"},
        {"{\"schema\": \"vcost.remedy/1\", \"name\": \"a\", \"title\": \"t\", \"article\": \"a\", \"costs\": "
         "\"c\", \"kind\": "
         "\"k\", \"proof\": \"none\", \"cpus\": \"one\", \"shell\": \"rm\"}",
            "shell"},
        {"{", "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct recipe recipe = {.name = "untouched"};
        struct error error = {.code = 0};
        assert_int_equal(
            recipe_parse(wrong[i].text, strlen(wrong[i].text), "x.json", &pool, &recipe, &error), -EINVAL);
        assert_non_null(strstr(error.text, "x.json"));
        if (!strstr(error.text, wrong[i].says))
            fail_msg("%s: %s", wrong[i].text, error.text);
        assert_string_equal(recipe.name, "untouched");
    }
}

static const char *line(const char *first, const char *second)
{
    static const char *const words[] = {"./prog", "it's", "", "a b", NULL};
    const struct surroundings here = surroundings(&dynamic);
    const struct recipe one = preset(first), other = second ? preset(second) : one;
    const struct recipe *both[] = {&one, &other};
    return recipe_command_line(both, second ? 2 : 1, &here, words, &pool);
}

static void the_command_line_does_the_same(void **state)
{
    (void)state;
    unsetenv("GLIBC_TUNABLES");
    unsetenv("LD_PRELOAD");
    assert_string_equal(
        line("malloc-large-pages", NULL), "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 ./prog 'it'\\''s' '' 'a b'");
    assert_string_equal(line("one-cpu", NULL), "taskset -c 3 ./prog 'it'\\''s' '' 'a b'");
    assert_string_equal(line("large-pages", "prefault"),
        "GLIBC_TUNABLES=glibc.malloc.hugetlb=1 LD_PRELOAD=/lib/vcost/libvcost-pages.so "
        "VCOST_PAGES=large,populate,heap=14680064 ./prog 'it'\\''s' '' 'a b'");
    assert_string_equal(
        line("numa-near", NULL), "numactl --cpunodebind=0 --membind=0 ./prog 'it'\\''s' '' 'a b'");
    assert_string_equal(line("fewer-threads", NULL),
        "OMP_NUM_THREADS=1 GOMAXPROCS=1 OPENBLAS_NUM_THREADS=1 ./prog 'it'\\''s' '' 'a b'");
}

static void what_the_user_has_set_stays(void **state)
{
    (void)state;
    setenv("GLIBC_TUNABLES", "glibc.malloc.check=0", 1);
    setenv("LD_PRELOAD", "libown.so", 1);
    const char *text = line("large-pages", NULL);
    unsetenv("GLIBC_TUNABLES");
    unsetenv("LD_PRELOAD");
    assert_non_null(strstr(text, "GLIBC_TUNABLES=glibc.malloc.check=0:glibc.malloc.hugetlb=1 "));
    assert_non_null(strstr(text, "LD_PRELOAD=libown.so:/lib/vcost/libvcost-pages.so "));
}

/* What is run is what is told, and the file to count in besides. */
static void conditions_are_those_of_the_line(void **state)
{
    struct conditions conditions = {.variable_count = 0};
    const struct surroundings here = surroundings(&dynamic);
    const struct recipe large = preset("large-pages"), one = preset("one-cpu");
    (void)state;
    recipe_apply(&large, &here, &pool, &conditions);
    recipe_apply(&one, &here, &pool, &conditions);
    assert_int_equal(conditions.variable_count, 4);
    assert_string_equal(conditions.variables[3].name, PAGES_REPORT_VARIABLE);
    assert_true(conditions.bound && CPU_COUNT(&conditions.cpus) == 1 && CPU_ISSET(3, &conditions.cpus));
}

static void what_cannot_be_tried_says_why(void **state)
{
    const struct surroundings static_one = surroundings(&fixed), mighty = surroundings(&privileged);
    struct surroundings alone = surroundings(&dynamic), bare = alone;
    const struct recipe large = preset("large-pages"), jemalloc = preset("jemalloc"),
                        host = preset("host-large-pages"), one = preset("one-cpu"),
                        own = {.name = "own",
                            .preload = "libnowhere.so.9",
                            .package = "a package",
                            .operator= "" };
    struct error error;
    (void)state;
    assert_int_equal(recipe_check(&large, &static_one, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "static"));
    assert_int_equal(recipe_check(&jemalloc, &mighty, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "set-user-id"));
    assert_int_equal(recipe_check(&host, &alone, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "operator"));
    assert_int_equal(recipe_check(&one, &alone, &error), 0);
    CPU_CLR(2, &alone.cpus);
    assert_int_equal(recipe_check(&one, &alone, &error), -ENOTSUP);
    assert_int_equal(recipe_check(&own, &bare, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "not installed"));
    bare.library = "";
    bare.why_no_library = "it is nowhere";
    const struct recipe text = preset("text-large-pages");
    assert_int_equal(recipe_check(&text, &bare, &error), -ENOTSUP);
    assert_string_equal(error.text, "it is nowhere");
}

/* GLIBC_TUNABLES reaches a static program that has glibc in it, and none that is set-user-id. */
static void settings_of_glibc_need_no_dynamic_linker(void **state)
{
    const struct surroundings static_one = surroundings(&fixed), mighty = surroundings(&privileged);
    const struct recipe keep = preset("malloc-keep"), arena = preset("one-arena");
    struct error error;
    (void)state;
    assert_int_equal(recipe_check(&keep, &static_one, &error), 0);
    assert_int_equal(recipe_check(&arena, &static_one, &error), 0);
    assert_int_equal(recipe_check(&keep, &mighty, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "set-user-id"));
}

static void root_is_asked_for_what_is_not_there_yet(void **state)
{
    static const struct {
        const char *mode, *says;
    } modes[] = {{"always [madvise] never", "root sets"}, {"[always] madvise never", "already"},
        {"always madvise [never]", "are off"}};
    const struct surroundings here = surroundings(&fixed);
    const struct recipe system = preset("system-large-pages"), large = preset("malloc-large-pages");
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        tree_file("/sys/kernel/mm/transparent_hugepage/enabled", modes[i].mode);
        assert_int_equal(recipe_check(&system, &here, &error), -ENOTSUP);
        assert_non_null(strstr(error.text, modes[i].says));
        assert_int_equal(recipe_check(&large, &here, &error), i == 2 ? -ENOTSUP : 0);
    }
}

static void fill_pool(unsigned pages)
{
    char count[16];
    (void)snprintf(count, sizeof count, "%u\n", pages);
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", count);
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", count);
}

/* Nor does one whose use is not known yet, as in a list. */
static void nothing_comes_from_an_empty_pool(void **state)
{
    struct surroundings here = surroundings(&dynamic);
    const struct recipe pool_of_pages = preset("malloc-hugetlb");
    struct error error;
    (void)state;
    tree_file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    for (here.peak_bytes = 0; here.peak_bytes <= 10 << 20; here.peak_bytes += 10 << 20) {
        fill_pool(0);
        assert_int_equal(recipe_check(&pool_of_pages, &here, &error), -ENOTSUP);
        fill_pool(5);
        assert_int_equal(recipe_check(&pool_of_pages, &here, &error), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_file_is_read_and_called_by_its_name),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(the_command_line_does_the_same), cmocka_unit_test(what_the_user_has_set_stays),
        cmocka_unit_test(conditions_are_those_of_the_line), cmocka_unit_test(what_cannot_be_tried_says_why),
        cmocka_unit_test(settings_of_glibc_need_no_dynamic_linker),
        cmocka_unit_test_setup_teardown(root_is_asked_for_what_is_not_there_yet, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(nothing_comes_from_an_empty_pool, tree_setup, tree_teardown)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pool_free(&pool);
    return failed;
}
