/* model/machine: a file that says something impossible is refused by one sentence that names the place. */
#include "cmocka_all.h"

#include "model/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A preset's text with the first `from` behind `after` replaced. */
static char *changed(const char *after, const char *from, const char *to)
{
    const char *text = NULL;
    for (size_t i = 0; machine_preset(i).name; i++)
        if (!strcmp(machine_preset(i).name, "barcelona"))
            text = machine_preset(i).text;
    assert_non_null(text);
    const char *begin = strstr(text, after), *at = begin ? strstr(begin, from) : NULL;
    char *made = NULL;
    assert_non_null(at);
    assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return made;
}

static const struct {
    const char *after, *from, *to, *told;
} defects[] = {
    {"", "\"levels\": 4", "\"levels\": 3", "levels"},
    {"", "\"ghz\": 2.607", "\"ghz\": 0", "ghz"},
    {"", "\"ghz\": 2.607", "\"ghz\": 2.607, \"colour\": 1", "colour is not known"},
    {"", "4096, 2097152, 1073741824", "4096, 8192", "pages"},
    {"\"caches\"", "\"ways\": 2", "\"ways\": 0", "caches[0].ways"},
    {"\"caches\"", "\"ways\": 2", "\"ways\": 3", "caches[0].bytes"},
    {"\"caches\"", "\"bytes\": 65536", "\"bytes\": 65537", "caches[0].bytes"},
    {"\"caches\"", "\"bytes\": 65536", "\"bytes\": 98304", "caches[0].bytes"},
    {"\"caches\"", "\"bytes\": 65536", "\"bytes\": -1", "caches[0].bytes"},
    {"\"caches\"", "\"lru\"", "\"mru\"", "caches[0].replacement"},
    {"\"caches\"", "\"level\": 2", "\"level\": 3", "caches"},
    {"\"caches\"", "\"index\": \"assumed\",", "", "caches[0].index has no source"},
    {"\"caches\"", "\"index\": \"assumed\",", "\"index\": \"\",", "caches[0].sources.index"},
    {"\"caches\"", "\"index\": \"assumed\",", "\"index\": \"assumed\", \"inDex\": \"a\",",
        "caches[0].sources"},
    {"\"tlbs\"", "\"entries\": 48", "\"entries\": 47", "tlbs[0].ways"},
    {"\"tlbs\"", "\"entries\": 512", "\"entries\": 511", "tlbs[1].entries"},
    {"\"tlbs\"", "\"level\": 2", "\"level\": 1", "tlbs"},
    {"\"walker\"", "\"cycles\": 19", "\"cycles\": 1e9", "walker.cycles"},
    {"\"walk_caches\"", "[2, 3, 4]", "[1]", "walk_caches[0].levels"},
    {"\"nested\"", "\"levels\": 4", "\"levels\": 6", "nested.levels"},
    {"\"prefetchers\"", "\"fills\": 1", "\"fills\": 4", "prefetchers has one of cache level 4"},
    {"\"prefetchers\"", "\"misses\": 0", "\"misses\": 4", "prefetchers has one of cache level 4"},
    {"\"costs\"", "\"exit\": 1200", "\"exit\": null", "costs.exit"},
    {"", "vcost.machine/1", "vcost.machine/2", "schema"},
};

static void what_cannot_be_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
        struct pool pool = {.newest = NULL};
        struct machine machine;
        struct error error = {.text = ""};
        char *text = changed(defects[i].after, defects[i].from, defects[i].to);
        int rc = machine_parse(text, strlen(text), "m.json", &pool, &machine, &error);
        if (rc != -EINVAL || strncmp(error.text, "m.json is no vcost machine: ", 28) != 0 ||
            !strstr(error.text, defects[i].told))
            fail_msg("%s -> %s: %d, %s", defects[i].from, defects[i].to, rc, error.text);
        free(text);
        pool_free(&pool);
    }
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "[]", "{", "{}", "null", "{\"schema\": 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pool pool = {.newest = NULL};
        struct machine machine;
        struct error error;
        assert_int_equal(machine_parse(texts[i], strlen(texts[i]), "m", &pool, &machine, &error), -EINVAL);
        pool_free(&pool);
    }
}

static void a_name_that_is_unknown_is_answered_with_those_there_are(void **state)
{
    (void)state;
    struct pool pool = {.newest = NULL};
    struct machine machine;
    struct error error;
    assert_int_equal(machine_find("pdp11", &pool, &machine, &error), -ENXIO);
    assert_non_null(strstr(error.text, "barcelona"));
    assert_non_null(strstr(error.text, "zen5-turin"));
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_is_refused_with_its_place),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_name_that_is_unknown_is_answered_with_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
