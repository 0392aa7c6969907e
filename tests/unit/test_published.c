/* The presets against what is published: curves of latencies (share/latencies/), the reach of TLBs,
 * and the shapes of the article's figure 2; with --all these beyond 64 MiB, too. */
#include "cmocka_all.h"

#include "base/pool.h"
#include "experiment/model_published.h"
#include "model/latencies.h"
#include "model/model.h"
#include "workload/chase.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FROM (UINT64_C(0x10) << 32)
static const uint64_t small_page = 4096, large_page = 2 << 20;

#define MIB (UINT64_C(1) << 20)

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
    {"barcelona", 0.10, 0.35},
    {"core2-merom", 0.10, 0.35},
    {"nehalem", 0.10, 0.35},
    {"skylake-sp", 0.10, 0.35},
    {"zen2-rome", 0.10, 0.35},
    {"zen3-milan", 0.20, 0.50},
    {"zen4-genoa", 0.15, 0.35},
};
enum { CURVES = sizeof curves / sizeof *curves };

static void curves_agree_within_the_tolerance(void **unused)
{
    (void)unused;
    const struct progress silent = {.tell = NULL};
    struct validation found = {.holds = false};
    struct pool pool = {.newest = NULL};
    struct error error;
    if (model_published(NULL, NULL, &silent, &pool, &found, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(found.published_count, CURVES);
    for (size_t i = 0; i < CURVES; i++) {
        const struct published *row = &found.published[i];
        assert_string_equal(row->machine, curves[i].name);
        print_message("# %s: %zu points, median %.3f, nine of ten within %.3f\n", row->machine, row->points,
            row->median, row->ninth);
        assert_true(row->points >= 7);
        assert_true(row->median > 0 && row->median <= curves[i].median);
        assert_true(row->ninth >= row->median && row->ninth <= curves[i].p90);
        assert_true(row->agrees == (row->median <= 0.15 && row->ninth <= 0.35));
    }
    pool_free(&pool);
}

/* Each point that a figure was read from is one of the curve's. */
static void what_was_read_from_a_curve_is_in_it(void **unused)
{
    (void)unused;
    struct pool pool = {.newest = NULL};
    for (size_t i = 0; latencies_preset(i).name; i++) {
        struct latencies latencies;
        struct error error;
        if (latencies_read(i, &pool, &latencies, &error) < 0)
            fail_msg("%s", error.text);
        for (size_t c = 0; c < latencies.curve_count; c++) {
            const struct latency_curve *curve = &latencies.curves[c];
            size_t there = 0;
            for (size_t k = 0; k < curve->read_count; k++)
                for (size_t n = 0; n < curve->count; n++)
                    there += curve->working_set_bytes[n] == curve->read_from[k];
            assert_int_equal(there, curve->read_count);
        }
    }
    pool_free(&pool);
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
    if (argc > 1 && strcmp(argv[1], "--all") == 0)
        largest = 256 * MIB;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_agree_within_the_tolerance),
        cmocka_unit_test(what_was_read_from_a_curve_is_in_it),
        cmocka_unit_test(tlbs_reach_as_far_as_their_entries_and_no_further),
        cmocka_unit_test(nested_paging_on_barcelona_rises_with_the_working_set),
        cmocka_unit_test(large_pages_take_most_of_it_away),
        cmocka_unit_test(merom_has_no_nested_paging_and_walks_shadow_tables_like_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
