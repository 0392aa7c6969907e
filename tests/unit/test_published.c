/* The presets against what is published: curves of latencies (tests/latency/), the reach of TLBs,
 * and the shapes of the article's figure 2. With --all also beyond 32 MiB;
 * with --markdown it prints the table of doc/machines.md, too. */
#include "cmocka_all.h"

#include "base/pool.h"
#include "model/model.h"
#include "workload/chase.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FROM (UINT64_C(0x10) << 32)
static const uint64_t small_page = 4096, large_page = 2 << 20;

#define MIB (UINT64_C(1) << 20)

static bool markdown;
static uint64_t largest = 32 * MIB; /* working set that is tried */

/* ---- a preset that is run ---- */

struct run {
    struct pool pool;
    struct machine machine;
    struct model *model;
};

static void path_of(const char *folder, const char *name, char *path, size_t size)
{
    const char *root = getenv("VCOST_SOURCE_ROOT");
    snprintf(path, size, "%s/%s/%s.json", root ? root : ".", folder, name);
}

static void read_preset(const char *name, struct run *run)
{
    char path[512];
    struct error error;
    *run = (struct run){.model = NULL};
    path_of("share/machines", name, path, sizeof path);
    if (machine_find(path, &run->pool, &run->machine, &error) < 0)
        fail_msg("%s", error.text);
}

/* Frames are taken in order, as by a machine that has just been started: the logs show no conflicts by
 * chance. */
static int open_run(const char *name, enum model_technique technique, uint64_t guest_page, uint64_t host_page,
    uint64_t bytes, struct run *run)
{
    struct error error;
    read_preset(name, run);
    const struct model_config config = {.machine = &run->machine,
        .technique = technique,
        .guest_page = guest_page,
        .host_page = host_page,
        .guest_frames = {.order = FRAMES_IN_ORDER, .seed = 1},
        .host_frames = {.order = FRAMES_IN_ORDER, .seed = 2},
        .bytes_max = bytes + large_page,
        .seed = 3};
    int rc = model_open(&config, &run->model, &error);
    if (rc < 0)
        return rc;
    bytes = (bytes + guest_page - 1) / guest_page * guest_page;
    if (model_map(run->model, GVA(FROM), bytes, NULL, &error) < 0)
        fail_msg("%s: %s", name, error.text);
    return 0;
}

static void close_run(struct run *run)
{
    model_close(run->model);
    pool_free(&run->pool);
}

static struct chase_layout layout_of(enum chase_order order, uint64_t bytes, uint32_t element)
{
    const struct chase_shape shape = {
        .working_set_bytes = bytes, .element_bytes = element, .order = order, .chains = 1};
    struct error error;
    if (chase_check(&shape, &error) < 0)
        fail_msg("%s", error.text);
    return chase_layout_make(&shape, 5);
}

/* Goes once round to warm up and once to measure, at least 2^14 accesses each. */
static const struct account *chase(struct run *run, const struct chase_layout *layout)
{
    const uint64_t least = 1 << 14;
    uint64_t count = layout->elements < least ? least : layout->elements;
    for (uint64_t i = 0; i < count; i++)
        model_access(run->model, GVA(FROM + chase_layout_offset(layout, i)), ACCESS_READ);
    model_begin(run->model);
    for (uint64_t i = 0; i < count; i++)
        model_access(run->model, GVA(FROM + chase_layout_offset(layout, count + i)), ACCESS_READ);
    return model_account(run->model);
}

static double cycles(const char *name, enum model_technique technique, uint64_t guest_page,
    uint64_t host_page, uint64_t bytes, uint32_t element)
{
    struct run run;
    struct chase_layout layout = layout_of(CHASE_RANDOM, bytes, element);
    if (open_run(name, technique, guest_page, host_page, bytes, &run) < 0) {
        close_run(&run);
        return NAN;
    }
    const struct account *account = chase(&run, &layout);
    double found = (double)account->cycles / (double)account->accesses;
    close_run(&run);
    return found;
}

/* ---- curves ---- */

/* How far a preset may be from its curve; doc/machines.md says these. The last two are curves of desktop
 * parts, of which few points are left that no figure was read from, most of them at the edge of L2. */
static const struct tolerance {
    const char *name;
    double median, p90;
} curves[] = {
    {"core2-merom", 0.10, 0.35},
    {"nehalem", 0.10, 0.35},
    {"barcelona", 0.10, 0.35},
    {"skylake-sp", 0.10, 0.35},
    {"zen2-rome", 0.10, 0.35},
    {"zen3-milan", 0.20, 0.50},
    {"zen4-genoa", 0.15, 0.35},
};

enum { POINTS_MOST = 64 };
struct errors {
    double of[POINTS_MOST];
    size_t count;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that a share of them does not exceed. */
static double quantile(struct errors *errors, double share)
{
    if (errors->count == 0)
        return NAN;
    qsort(errors->of, errors->count, sizeof *errors->of, by_size);
    size_t at = (size_t)ceil(share * (double)errors->count);
    return errors->of[at ? at - 1 : 0];
}

static bool is_among(const json_t *list, json_int_t number)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_integer_value(json_array_get(list, i)) == number)
            return true;
    return false;
}

/* Points beyond the first cache that no figure of the preset was read from. */
static void compare_curve(const char *name, const json_t *curve, struct errors *errors)
{
    uint32_t element = (uint32_t)json_integer_value(json_object_get(curve, "element_bytes"));
    const json_t *points = json_object_get(curve, "points"), *known = json_object_get(curve, "read_from");
    double first = json_number_value(json_array_get(json_array_get(points, 0), 1));
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        json_int_t bytes = json_integer_value(json_array_get(point, 0));
        double measured = json_number_value(json_array_get(point, 1));
        if (measured <= first || (uint64_t)bytes > largest)
            continue;
        double modelled = cycles(name, MODEL_NATIVE, small_page, small_page, (uint64_t)bytes, element);
        bool read_from = is_among(known, bytes);
        if (getenv("VCOST_TEST_POINTS"))
            print_message("# %s %u %lld: %.0f, modelled %.1f (%+.0f %%)%s\n", name, element, (long long)bytes,
                measured, modelled, 100 * (modelled / measured - 1), read_from ? " read from it" : "");
        if (!read_from && errors->count < POINTS_MOST)
            errors->of[errors->count++] = fabs(modelled / measured - 1);
    }
}

static void curves_agree_within_the_tolerance(void **unused)
{
    (void)unused;
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        char path[512];
        json_error_t wrong;
        struct errors errors = {.count = 0};
        path_of("tests/latency", curves[i].name, path, sizeof path);
        json_t *root = json_load_file(path, 0, &wrong);
        assert_non_null(root);
        const json_t *list = json_object_get(root, "curves");
        for (size_t c = 0; c < json_array_size(list); c++)
            compare_curve(curves[i].name, json_array_get(list, c), &errors);
        double median = quantile(&errors, 0.5), p90 = quantile(&errors, 0.9), worst = quantile(&errors, 1);
        if (markdown)
            print_message("| `%s` | %s | %zu | %.1f %% | %.0f %% | %.0f %% | %s |\n", curves[i].name,
                json_string_value(json_object_get(root, "source")), errors.count, 100 * median, 100 * p90,
                100 * worst, json_string_value(json_object_get(root, "left_out")));
        if (!(median <= curves[i].median && p90 <= curves[i].p90)) {
            print_message("# %s: median %.3f, p90 %.3f\n", curves[i].name, median, p90);
            failed++;
        }
        json_decref(root);
    }
    assert_int_equal(failed, 0);
}

/* ---- the reach of TLBs ---- */

static const char *const presets[] = {"barcelona", "core2-merom", "icelake-sp", "nehalem", "neoverse-n1",
    "neoverse-v2", "sapphire-rapids", "skylake-sp", "zen2-rome", "zen3-milan", "zen4-genoa", "zen5-turin"};
enum { PRESETS = sizeof presets / sizeof *presets };

/* Entries of the TLB of a level for data and pages of 4 KiB; 0: there is none. */
static uint64_t entries_of(const char *name, unsigned level)
{
    struct run run;
    uint64_t entries = 0;
    read_preset(name, &run);
    for (size_t i = 0; i < run.machine.tlb_count; i++) {
        const struct machine_tlb *tlb = &run.machine.tlbs[i];
        bool small = false;
        for (size_t k = 0; k < tlb->page_count; k++)
            small |= tlb->pages[k] == small_page;
        if (tlb->level == level && tlb->use != USE_INSTRUCTIONS && small)
            entries = tlb->shape.entries;
    }
    close_run(&run);
    return entries;
}

struct shares {
    double hits[2], walks;
};

/* One line in each of so many pages. */
static struct shares touch_pages(const char *name, uint64_t pages)
{
    struct run run;
    struct chase_layout layout = layout_of(CHASE_LINE_PER_PAGE, pages * small_page, CHASE_LINE_BYTES);
    assert_int_equal(open_run(name, MODEL_NATIVE, small_page, small_page, pages * small_page, &run), 0);
    const struct account *account = chase(&run, &layout);
    double all = (double)account->accesses;
    struct shares shares = {{(double)account->tlb_hits[0] / all, (double)account->tlb_hits[1] / all},
        (double)account->walks / all};
    close_run(&run);
    return shares;
}

static void tlbs_reach_as_far_as_their_entries_and_no_further(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PRESETS; i++) {
        uint64_t first = entries_of(presets[i], 1), second = entries_of(presets[i], 2);
        struct shares shares = touch_pages(presets[i], first);
        if (shares.hits[0] < 1)
            fail_msg("%s: of %" PRIu64 " pages only %.3f are in level 1", presets[i], first, shares.hits[0]);
        shares = touch_pages(presets[i], 2 * first);
        if (shares.hits[0] > 0 || shares.hits[1] < 1)
            fail_msg("%s: of twice its pages level 1 has %.3f, level 2 %.3f", presets[i], shares.hits[0],
                shares.hits[1]);
        shares = touch_pages(presets[i], second);
        if (shares.hits[1] < 1)
            fail_msg("%s: of %" PRIu64 " pages only %.3f are in level 2", presets[i], second, shares.hits[1]);
        shares = touch_pages(presets[i], 2 * second);
        if (shares.walks < 1)
            fail_msg("%s: of twice its pages level 2 still has %.3f", presets[i], shares.hits[1]);
    }
}

/* ---- the article's figure 2 ---- */

static uint64_t nested_most(void)
{
    return largest < 128 * MIB ? 2 * largest : 256 * MIB;
}

static double slowdown(
    const char *name, enum model_technique technique, uint64_t guest_page, uint64_t host_page, uint64_t bytes)
{
    double native = cycles(name, MODEL_NATIVE, guest_page, guest_page, bytes, CHASE_LINE_BYTES);
    return cycles(name, technique, guest_page, host_page, bytes, CHASE_LINE_BYTES) / native - 1;
}

/* AMD: nothing while translations fit, then more and more, of the order of the article's 38 %. */
static void nested_paging_on_barcelona_rises_with_the_working_set(void **unused)
{
    (void)unused;
    double before = 0;
    for (uint64_t bytes = 128 << 10; bytes <= nested_most(); bytes *= 2) {
        double found = slowdown("barcelona", MODEL_NESTED, small_page, small_page, bytes);
        print_message("# barcelona nested %" PRIu64 " KiB: %+.1f %%\n", bytes >> 10, 100 * found);
        if (bytes <= 128 << 10)
            assert_true(fabs(found) < 0.01);
        assert_true(found > before - 0.02);
        before = found;
    }
    assert_true(before > 0.05 && before < 1);
    if (largest > 32 * MIB)
        assert_true(before > 0.20);
}

static void large_pages_take_most_of_it_away(void **unused)
{
    (void)unused;
    double small = slowdown("barcelona", MODEL_NESTED, small_page, small_page, nested_most());
    double host = slowdown("barcelona", MODEL_NESTED, small_page, large_page, nested_most());
    double both = slowdown("barcelona", MODEL_NESTED, large_page, large_page, nested_most());
    print_message("# barcelona nested, largest: %+.1f %%, host 2M %+.1f %%, both %+.1f %%\n", 100 * small,
        100 * host, 100 * both);
    assert_true(host < small);
    assert_true(both < 0.5 * small);
}

/* Intel had no nested paging, and shadow paging walks as many entries as native: what it costs are events. */
static void merom_has_no_nested_paging_and_walks_shadow_tables_like_its_own(void **unused)
{
    (void)unused;
    struct run run;
    assert_int_equal(open_run("core2-merom", MODEL_NESTED, small_page, small_page, MIB, &run), -ENOTSUP);
    close_run(&run);
    for (uint64_t bytes = MIB; bytes <= 64 * MIB; bytes *= 4) {
        double found = slowdown("core2-merom", MODEL_SHADOW, small_page, small_page, bytes);
        if (fabs(found) > 0.03)
            fail_msg("%" PRIu64 " KiB: %+.3f", bytes >> 10, found);
    }
}

int main(int argc, char **argv)
{
    markdown = argc > 1 && strcmp(argv[1], "--markdown") == 0;
    if (argc > 1) /* --markdown or --all */
        largest = 256 * MIB;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_agree_within_the_tolerance),
        cmocka_unit_test(tlbs_reach_as_far_as_their_entries_and_no_further),
        cmocka_unit_test(nested_paging_on_barcelona_rises_with_the_working_set),
        cmocka_unit_test(large_pages_take_most_of_it_away),
        cmocka_unit_test(merom_has_no_nested_paging_and_walks_shadow_tables_like_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
