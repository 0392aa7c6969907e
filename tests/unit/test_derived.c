/* Whatever is concluded from cells is null, with a reason that names the cell, if one of them did not get
 * what was asked for: each cell of a made-up inspection in turn, comparisons, steps, pictures, metrics. */
#include "read_document.h"
#include "test_report_synthetic.h"

#include "base/size.h"
#include "event/event_kind.h"
#include "experiment/inspect_internal.h"
#include "experiment/internal.h"
#include "experiment/reaches.h"
#include "report/openmetrics.h"
#include "report/views.h"
#include "result/curves.h"

#include <math.h>
#include <stdio.h>

enum { PLACEMENTS = 4, ROUNDS = 2 };

#define LINES(count) ((count) * (4 * KIB))

/* Of a machine whose clock is slow, and whose large pages are whole. */
static const struct row {
    const char *event; /* NULL: a chase */
    enum chase_order order;
    uint64_t bytes, page_bytes;
    double ns;
} rows[] = {
    {NULL, CHASE_LINE_PER_PAGE, LINES(4096), 4 * KIB, 40},
    {NULL, CHASE_LINE_PER_PAGE, LINES(4096), 2 * MIB, 20},
    {NULL, CHASE_SCATTERED, LINES(4096), 2 * MIB, 8},
    {NULL, CHASE_LINE_PER_PAGE, LINES(8192), 4 * KIB, 60},
    {NULL, CHASE_LINE_PER_PAGE, LINES(8192), 2 * MIB, 30},
    {NULL, CHASE_SCATTERED, LINES(8192), 2 * MIB, 10},
    {NULL, CHASE_RANDOM, 64 * MIB, 2 * MIB, 100},
    {.event = "cpuid", .ns = 1500},
    {.event = "rdtsc", .ns = 20},
    {.event = "clock-vdso", .ns = 900},
    {.event = "clock-syscall", .ns = 950},
    {.event = "first-touch-4k", .ns = 1000},
    {.event = "first-touch-4k-fresh", .ns = 3000},
    {.event = "first-touch-2m", .ns = 50000},
    {.event = "first-touch-2m-fresh", .ns = 150000},
    {.event = "populate-write", .ns = 300},
    {.event = "fork-exit", .ns = 100000},
};
enum { CELLS = sizeof rows / sizeof *rows };

/* What rests on a cell of `rows`. */
static const struct {
    size_t cell;
    const char *finding, *key; /* NULL: a remedy of that name */
} derived[] = {
    {0, NULL, "large-pages"},
    {1, NULL, "large-pages"},
    {3, "walk-cost", "4K"},
    {4, "walk-cost", "2M"},
    {5, "walk-cost", "4K"},
    {5, "walk-cost", "2M"},
    {6, "memory-latency", ""},
    {7, "cpuid", ""},
    {7, "cpuid-exit", ""},
    {8, "rdtsc", ""},
    {8, "rdtsc-exit", ""},
    {8, NULL, "clock"},
    {9, "clock-vdso", ""},
    {9, "clock-slow", ""},
    {9, NULL, "clock"}, /* by way of clock-slow */
    {10, "clock-syscall", ""},
    {10, "clock-slow", ""},
    {10, NULL, "clock"},
    {11, "first-touch", "4K recycled"},
    {11, NULL, "keep-small"},
    {11, NULL, "prefault"},
    {12, "first-touch", "4K fresh"},
    {12, NULL, "keep-small"},
    {13, "first-touch", "2M recycled"},
    {13, NULL, "keep-large"},
    {14, "first-touch", "2M fresh"},
    {14, NULL, "keep-large"},
    {15, "prefault", ""},
    {15, NULL, "prefault"},
    {16, "fork-exit", ""},
};
enum { DERIVED = sizeof derived / sizeof *derived };

static void make_cell(struct result_cell *cell, const struct row *row)
{
    *cell = (struct result_cell){.cell = {.monitor = "native", .host_page_bytes = row->page_bytes},
        .technique = TECHNIQUE_NONE,
        .pages = {.host_share_2m = row->page_bytes > 4 * KIB, .as_asked = true, .proof = "smaps"}};
    cell->cell.workload = row->event ? event_workload(event_find(row->event), 0)
                                     : chase_workload(&(struct chase_shape){.working_set_bytes = row->bytes,
                                           .element_bytes = CHASE_LINE_BYTES,
                                           .order = row->order,
                                           .chains = 1});
    cell_id(&cell->cell, cell->id);
    for (unsigned i = 0; i < PLACEMENTS * ROUNDS; i++)
        assert_int_equal(
            figures_add_sample(cell,
                &(struct result_sample){
                    .ns = row->ns * (1 + 0.001 * (i % 3)), .round = i % ROUNDS, .placement = i / ROUNDS}),
            0);
}

/* Chases got other pages, events were disturbed throughout. */
static void fail_cell(struct result_cell *cell)
{
    if (cell_chase(cell))
        cell->pages.as_asked = false;
    for (size_t i = 0; !cell_chase(cell) && i < cell->sample_count; i++)
        cell->samples[i].disturbed = DISTURBED_STEAL;
}

/* `failed` CELLS: none. */
static void conclude(size_t failed, struct result *result)
{
    static struct setting setting;
    static const struct inspect_plan plan = {.curve_seconds = 1, .cache_seconds = 1, .price_seconds = 1};
    const struct inspect_experiment experiment = {.setting = &setting, .depth = INSPECT_FULL};
    struct inspection inspection = {.experiment = &experiment, .plan = &plan, .result = result};
    struct error error;
    *result = (struct result){.experiment = "inspect",
        .complete = true,
        .cells = calloc(CELLS, sizeof *result->cells),
        .cell_count = CELLS,
        .tsc_ghz = 2.5,
        .host = {.is_guest = true,
            .thp = fact_known("madvise"),
            .guest_of = fact_known("kvm"),
            .clock.source = fact_known("hpet")}};
    snprintf(result->started, sizeof result->started, "2026-11-24T06:00:00Z");
    result->host.cpu.features = strdup("");
    for (size_t i = 0; i < CELLS; i++) {
        make_cell(&result->cells[i], &rows[i]);
        if (i == failed)
            fail_cell(&result->cells[i]);
        assert_int_equal(analyse_cell(&result->cells[i], PLACEMENTS, "", &error), 0);
    }
    assert_int_equal(inspect_conclude(&inspection, &error), 0);
}

static const struct remedy *remedy_named(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->findings.remedy_count; i++)
        if (!strcmp(result->findings.remedies[i].name, name))
            return &result->findings.remedies[i];
    return NULL;
}

static bool is_there(const struct result *result, size_t which)
{
    const struct finding *finding = NULL;
    if (!derived[which].finding)
        return remedy_named(result, derived[which].key);
    finding = findings_find(&result->findings, derived[which].finding, derived[which].key);
    assert_non_null(finding);
    return finding_has_number(finding);
}

/* Of a remedy: the finding in its place, or of the judgement that it rests on. */
static const struct finding *null_finding(const struct result *result, size_t which)
{
    if (derived[which].finding)
        return findings_find(&result->findings, derived[which].finding, derived[which].key);
    const struct finding *untold = findings_find(&result->findings, "remedy-cost", derived[which].key);
    return untold ? untold : findings_find(&result->findings, "clock-slow", NULL);
}

static bool rests_on(size_t which, size_t cell)
{
    for (size_t i = 0; i < DERIVED; i++)
        if (derived[i].cell == cell && !strcmp(derived[i].key, derived[which].key) &&
            (!derived[i].finding == !derived[which].finding) &&
            (!derived[i].finding || !strcmp(derived[i].finding, derived[which].finding)))
            return true;
    return false;
}

static void all_is_concluded_where_nothing_failed(void **state)
{
    struct result result;
    (void)state;
    conclude(CELLS, &result);
    for (size_t i = 0; i < DERIVED; i++)
        if (!is_there(&result, i))
            fail_msg("%s %s is missing", derived[i].finding ? derived[i].finding : "remedy", derived[i].key);
    assert_null(findings_find(&result.findings, "remedy-cost", NULL));
    result_free(&result);
}

static void what_rests_on_a_failed_cell_is_null_and_names_it(void **state)
{
    (void)state;
    for (size_t cell = 0; cell < CELLS; cell++) {
        struct result result;
        conclude(cell, &result);
        for (size_t i = 0; i < DERIVED; i++) {
            bool rests = rests_on(i, cell);
            const char *kind = derived[i].finding ? derived[i].finding : "remedy";
            if (is_there(&result, i) == rests)
                fail_msg("%s %s is%s told, and %s failed", kind, derived[i].key, rests ? "" : " not",
                    result.cells[cell].id);
            const struct finding *finding = rests ? null_finding(&result, i) : NULL;
            if (finding && !strstr(finding->value.text, result.cells[cell].id))
                fail_msg("%s %s: \"%s\" does not name %s", kind, derived[i].key, finding->value.text,
                    result.cells[cell].id);
        }
        result_free(&result);
    }
}

static void metrics_have_nothing_of_a_failed_cell(void **state)
{
    struct result result;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    (void)state;
    conclude(5, &result);
    assert_int_equal(openmetrics_write(&result, stream, NULL), 0);
    fclose(stream);
    assert_has_not(text, "vcost_walk_cost");
    assert_has(text, "vcost_memory_latency_seconds 1");
    free(text);
    result_free(&result);
}

/* ---- remedies that are none ---- */

static struct result with_clock(const char *source, double vdso, double syscall, double rdtsc)
{
    struct result result;
    struct row own[CELLS];
    static struct setting setting;
    static const struct inspect_plan plan = {.curve_seconds = 1, .cache_seconds = 1, .price_seconds = 1};
    const struct inspect_experiment experiment = {.setting = &setting, .depth = INSPECT_FULL};
    struct inspection inspection = {.experiment = &experiment, .plan = &plan, .result = &result};
    memcpy(own, rows, sizeof own);
    own[8].ns = rdtsc;
    own[9].ns = vdso;
    own[10].ns = syscall;
    result = (struct result){.experiment = "inspect",
        .cells = calloc(CELLS, sizeof *result.cells),
        .cell_count = CELLS,
        .host.clock.source = fact_known("%s", source)};
    result.host.cpu.features = strdup("");
    for (size_t i = 0; i < CELLS; i++) {
        make_cell(&result.cells[i], &own[i]);
        assert_int_equal(analyse_cell(&result.cells[i], PLACEMENTS, "", NULL), 0);
    }
    assert_int_equal(inspect_conclude(&inspection, NULL), 0);
    return result;
}

static void a_clock_that_is_read_without_the_kernel_needs_no_remedy(void **state)
{
    static const struct {
        const char *source;
        double vdso, syscall, rdtsc;
        bool remedy;
    } clocks[] = {
        {"tsc", 45.9, 200, 40.9, false},   /* 5 ns more: it is so already */
        {"kvm-clock", 60, 200, 20, false}, /* the vDSO reads it */
        {"tsc", 900, 950, 20, false},      /* by system call, but for want of another source */
        {"hpet", 900, 950, 20, true}, {"hpet", 22, 22, 20, false}, /* a gain of 2 ns */
    };
    (void)state;
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct result result =
            with_clock(clocks[i].source, clocks[i].vdso, clocks[i].syscall, clocks[i].rdtsc);
        if ((remedy_named(&result, "clock") != NULL) != clocks[i].remedy)
            fail_msg("clock %zu (%s)", i, clocks[i].source);
        result_free(&result);
    }
}

/* ---- comparisons, pictures, sentences ---- */

static struct result chase_with_a_failed_guest(size_t *failed)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    synthetic_result(&recipe, &result);
    *failed = result.comparisons[result.comparison_count - 1].cell;
    result.cells[*failed].pages.as_asked = false;
    snprintf(result.cells[*failed].reason, sizeof result.cells[*failed].reason,
        "not the pages that were asked for: smaps");
    for (size_t i = 0; i < result.comparison_count; i++)
        comparison_withhold(&result.comparisons[i], result.cells);
    return result;
}

static void a_comparison_of_other_pages_is_null_and_names_the_cell(void **state)
{
    struct result result = {.cells = calloc(2, sizeof *result.cells), .cell_count = 2};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make_cell(&result.cells[i], &rows[i]);
        result.cells[i].pages.as_asked = i == 0;
        assert_int_equal(analyse_cell(&result.cells[i], PLACEMENTS, "", NULL), 0);
    }
    for (int paired = 0; paired < 2; paired++) {
        assert_int_equal(analyse_comparison(&result, 0, 1, paired, NULL), 0);
        const struct result_comparison *made = &result.comparisons[paired];
        assert_true(isnan(made->ratio) && isnan(made->low) && isnan(made->high) && isnan(made->more_ns) &&
                    isnan(made->more_low_ns) && isnan(made->more_high_ns));
        assert_has(comparison_reason(made), result.cells[1].id);
    }
    result_free(&result);
}

static void views_show_other_pages_in_a_table_alone(void **state)
{
    size_t failed;
    struct result result = chase_with_a_failed_guest(&failed);
    struct document document = {0};
    (void)state;
    view_chase(&result, &document);
    const struct chart *slowdown = chart_named(&document, "slowdown"),
                       *latency = chart_named(&document, "latency");
    const struct chart_series *guest = &latency->series[1];
    assert_true(isnan(guest->points[guest->count - 1].y) && !isnan(guest->points[0].y));
    assert_true(isnan(slowdown->series[0].points[guest->count - 1].y));
    char *text = text_of(&document, "terminal", &wide_style);
    assert_has(text, "not the pages that were asked for");
    free(text);
    document_free(&document);
    result_free(&result);
}

static void a_result_of_other_pages_alone_says_so(void **state)
{
    size_t failed;
    struct result result = chase_with_a_failed_guest(&failed);
    struct document document = {0};
    (void)state;
    for (size_t i = 0; i < result.cell_count; i++)
        result.cells[i].pages.as_asked = false;
    for (size_t i = 0; i < result.comparison_count; i++)
        comparison_withhold(&result.comparisons[i], result.cells);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "cannot tell what memory access in a guest costs: chase/");
    document_free(&document);
    result.comparison_count = 0;
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "Nothing that was measured tells how long an access takes: not");
    document_free(&document);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_concluded_where_nothing_failed),
        cmocka_unit_test(what_rests_on_a_failed_cell_is_null_and_names_it),
        cmocka_unit_test(metrics_have_nothing_of_a_failed_cell),
        cmocka_unit_test(a_clock_that_is_read_without_the_kernel_needs_no_remedy),
        cmocka_unit_test(a_comparison_of_other_pages_is_null_and_names_the_cell),
        cmocka_unit_test(views_show_other_pages_in_a_table_alone),
        cmocka_unit_test(a_result_of_other_pages_alone_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
