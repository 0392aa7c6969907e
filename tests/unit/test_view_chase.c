/* report/views.h: right for any set of runners; a conclusion that is true of every result, no sentence
 * that the numbers do not support, and marks only where they say something. */
#include "read_document.h"
#include "report/views.h"
#include "result/figures.h"
#include "test_report_synthetic.h"

#include <math.h>

static const struct value *value_of(const struct table *table, size_t row, const char *key)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (!strcmp(table->columns[i].key, key))
            return &table->values[row * table->column_count + i];
    fail_msg("no column %s", key);
    return NULL;
}

/* ---- any result ---- */

/* Recipes that between them have every shape of result. */
static struct synthetic recipe_of(size_t number)
{
    struct synthetic recipe = synthetic_usual();
    recipe.step = 2;
    if (number == 1)
        recipe.monitors[1] = NULL;
    if (number == 2)
        recipe = (struct synthetic){.monitors = {"kvm"},
            .order_count = 1,
            .first_bytes = 4096,
            .last_bytes = 4096,
            .step = 1,
            .noise = 0.2,
            .placements = 3,
            .page_pairs = 1};
    if (number == 3) {
        recipe.monitors[2] = "paravirt";
        recipe.monitors[3] = "shadow";
        recipe.order_count = 5;
        recipe.page_pairs = 2;
    }
    if (number == 4)
        recipe.blemishes = true;
    if (number == 5)
        recipe.placements = 1;
    if (number == 6)
        recipe.noise = 0.5;
    if (number == 7) {
        recipe.step = 1;
        recipe.reaches = true;
    }
    return recipe;
}
enum { RECIPES = 8 };

static void the_whole_report_fits_eighty_columns_and_has_a_conclusion(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPES; i++) {
        struct synthetic recipe = recipe_of(i);
        struct result result;
        struct document document = {0};
        synthetic_result(&recipe, &result);
        view_chase(&result, &document);
        assert_int_equal(document.blocks[0].kind, BLOCK_CONCLUSION);
        for (int ascii = 0; ascii < 2; ascii++) {
            char *text =
                text_of(&document, "terminal", &(struct report_style){.utf8 = !ascii, .columns = 80});
            assert_inside(text, 80, ascii);
            assert_null(strstr(text, "nan"));
            assert_null(strstr(text, "inf"));
            free(text);
        }
        document_free(&document);
        result_free(&result);
    }
}

static void an_empty_result_is_reported_without_a_number(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    struct document document = {0};
    (void)state;
    recipe.order_count = 0;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "Nothing was measured.");
    assert_null(table_named(&document, "slowdown"));
    assert_null(chart_named(&document, "slowdown"));
    document_free(&document);
    result_free(&result);
}

static void a_hostile_brand_string_is_harmless(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    result.host.cpu.brand = fact_known("evil\033]0;title\007 CPU");
    result.host.guest_of = fact_known("\033[2J");
    view_chase(&result, &document);
    char *text = text_of(&document, "terminal", &usual_style);
    assert_null(strpbrk(text, "\033\007"));
    free(text);
    document_free(&document);
    result_free(&result);
}

/* ---- the conclusion ---- */

/* The medians say what the ratio says. */
static void agree(struct result *result, size_t comparison)
{
    const struct result_comparison *found = &result->comparisons[comparison];
    struct result_cell *cell = &result->cells[found->cell];
    double factor = found->ratio * result->cells[found->baseline].median / cell->median;
    if (isnan(factor))
        return;
    cell->median *= factor;
    cell->low *= factor;
    cell->high *= factor;
}

/* A document about native and a guest at 64 MiB, with that comparison. */
static void view_one(double ratio, double low, double high, struct document *document, struct result *result)
{
    struct synthetic recipe = synthetic_usual();
    recipe.first_bytes = recipe.last_bytes = 64 << 20;
    synthetic_result(&recipe, result);
    result->comparisons[0] = (struct result_comparison){
        .cell = 1, .baseline = 0, .ratio = ratio, .low = low, .high = high, .placements = 4};
    agree(result, 0);
    view_chase(result, document);
}

static void the_conclusion_says_what_the_interval_says(void **state)
{
    static const struct {
        double ratio, low, high;
        const char *has;
    } cases[] = {
        {1.012, 1.004, 1.02,
            "Memory access in a guest costs up to 1.2 % (0.4 to 2.0) more than native here, at 64 MiB."},
        {1.012, 0.999, 1.02, "Memory access in a guest costs nothing measurable here."},
        {1.012, 1.0, 1.02, "costs nothing measurable here."},
        {1.005, 1.004, 1.006, "costs next to nothing here: no significant difference reaches 1 %."},
        {0.95, 0.94, 0.96, "costs up to 5.0 % (4.0 to 6.0) less than native here, at 64 MiB."},
        {1.2, NAN, NAN, "This run cannot tell what memory access in a guest costs"},
        {1.2, 0.7, 1.9, "This run was too disturbed to tell what memory access in a guest costs: "},
        {NAN, NAN, NAN, "This run cannot tell what memory access in a guest costs"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct document document = {0};
        struct result result;
        view_one(cases[i].ratio, cases[i].low, cases[i].high, &document, &result);
        assert_says(&document, BLOCK_CONCLUSION, cases[i].has);
        document_free(&document);
        result_free(&result);
    }
}

static void give_interval(struct result *result, size_t comparison, double ratio, double half)
{
    struct result_comparison *found = &result->comparisons[comparison];
    found->ratio = ratio;
    found->low = ratio * (1 - half);
    found->high = ratio * (1 + half);
    agree(result, comparison);
}

/* Ten comparisons: of each nothing, then what spoil() makes of it. */
static void view_ten(void (*spoil)(struct result *result), struct document *document, struct result *result)
{
    struct synthetic recipe = recipe_of(0);
    synthetic_result(&recipe, result);
    assert_int_equal(result->comparison_count, 10);
    for (size_t i = 0; i < 10; i++)
        give_interval(result, i, 1, 0.02);
    spoil(result);
    view_chase(result, document);
}

static void by_chance(struct result *result)
{
    give_interval(result, 3, 1.03, 0.025);
}

static void slower_at_large_sizes(struct result *result)
{
    for (size_t i = 6; i < 10; i++)
        give_interval(result, i, 1 + 0.1 * (double)(i - 5), 0.02);
    give_interval(result, 2, 9, 0.95); /* larger, but not significant */
}

static void slower_and_faster(struct result *result)
{
    give_interval(result, 9, 1.5, 0.01);
    give_interval(result, 0, 0.8, 0.01);
}

static void most_unclear(struct result *result)
{
    for (size_t i = 0; i < 6; i++)
        give_interval(result, i, 1, 0.5);
}

static void most_unclear_but_one(struct result *result)
{
    most_unclear(result);
    give_interval(result, 9, 1.712, 0.04);
}

static void less_close(struct result *result)
{
    for (size_t i = 0; i < 6; i++)
        give_interval(result, i, 1, 0.06);
}

static void three_unclear(struct result *result)
{
    for (size_t i = 2; i < 5; i++)
        give_interval(result, i, 1, 0.5);
}

static void nothing(struct result *result)
{
    (void)result;
}

static void conclusions_are_of_all_comparisons(void **state)
{
    static const struct {
        void (*spoil)(struct result *result);
        const char *conclusion, *fact;
    } cases[] = {
        {nothing, "costs nothing measurable here.",
            "At 10 of 10 working sets guest and native agree within 3 %; no slowdown is significant."},
        {less_close, "costs nothing measurable here.",
            "At 4 of 10 working sets guest and native agree within 3 %, at 10 within 10 %; no slowdown"},
        {by_chance, "costs nothing measurable here.",
            "the largest significant slowdown is 3.0 % (0.4 to 5.6) at 256 KiB, no more than chance explains "
            "among 10."},
        {slower_at_large_sizes, "costs up to 40.0 % (37.2 to 42.8) more than native here, at 1 GiB.",
            "At 1 of 10 working sets, at 64 KiB, this run cannot tell: "},
        {slower_and_faster,
            "costs up to 50.0 % (48.5 to 51.5) more than native here, at 1 GiB, and up to 20.0 % (19.2 to "
            "20.8) less, at 4 KiB.",
            "At 8 of 10"},
        {most_unclear,
            "This run was too disturbed to tell what memory access in a guest costs: placements differ, as "
            "where caches are shared with neighbours. Run again, or longer: --time 170.",
            "At 6 of 10 working sets, between 4 KiB and 4 MiB, the interval reaches more than 10 % to a "
            "side; no slowdown is significant."},
        {most_unclear_but_one,
            "This run was too disturbed to tell what memory access in a guest costs: placements differ",
            "reaches more than 10 % to a side; the largest significant slowdown is 71.2 % (64.4 to 78.0) at "
            "1 GiB."},
        {three_unclear, "costs nothing measurable here.",
            "At 3 of 10 working sets, between 64 KiB and 1 MiB, this run cannot tell: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct document document = {0};
        struct result result;
        view_ten(cases[i].spoil, &document, &result);
        assert_says(&document, BLOCK_CONCLUSION, cases[i].conclusion);
        assert_says(&document, BLOCK_FACT, cases[i].fact);
        document_free(&document);
        result_free(&result);
    }
}

/* Formats write the document's stamp on its pictures. */
static void what_is_too_disturbed_says_so_on_the_pictures(void **state)
{
    struct document document = {0};
    struct result result;
    (void)state;
    view_ten(most_unclear, &document, &result);
    assert_string_equal(document.stamp, "too disturbed to tell");
    document_free(&document);
    result_free(&result);
    view_ten(three_unclear, &document, &result);
    assert_null(document.stamp);
    document_free(&document);
    result_free(&result);
}

static void what_is_to_blame_follows_from_the_samples(void **state)
{
    struct document document = {0};
    struct result result;
    (void)state;
    view_ten(three_unclear, &document, &result);
    assert_says(&document, BLOCK_FACT, "placements differ");
    assert_says(&document, BLOCK_FACT, "--time 170."); /* four times the 41.2 s */
    document_free(&document);
    for (size_t i = 0; i < result.cell_count; i++)
        for (size_t k = 0; k < result.cells[i].sample_count; k++)
            result.cells[i].samples[k].disturbed = DISTURBED_STEAL;
    view_chase(&result, &document);
    assert_says(&document, BLOCK_FACT, "other work takes this CPU");
    document_free(&document);
    result_free(&result);
}

/* What an unlucky placement once gave: medians of 2.03 and 2.16 ns, and a slowdown of 158 %. */
static void contradicting(struct result *result)
{
    for (size_t i = 4; i < 10; i++)
        result->comparisons[i] = (struct result_comparison){
            result->comparisons[i].cell, result->comparisons[i].baseline, 2.58, 2.11, 3.55, 0, 0, 0, 3, ""};
}

static void without_a_clean_pair(struct result *result)
{
    for (size_t i = 4; i < 10; i++)
        result->comparisons[i] = (struct result_comparison){result->comparisons[i].cell,
            result->comparisons[i].baseline, NAN, NAN, NAN, NAN, NAN, NAN, 0, ""};
}

static void a_ratio_that_contradicts_its_row_or_is_none_is_no_slowdown(void **state)
{
    static const struct {
        void (*spoil)(struct result *result);
        const char *why;
    } cases[] = {{contradicting, "its two medians contradict each other"},
        {without_a_clean_pair, "in every pair of samples one was disturbed"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct document document = {0};
        struct result result;
        view_ten(cases[i].spoil, &document, &result);
        const struct table *table = table_named(&document, "slowdown");
        assert_says(&document, BLOCK_CONCLUSION, "too disturbed to tell");
        assert_says(&document, BLOCK_FACT, cases[i].why);
        assert_true(isfinite(value_of(table, 3, "slowdown")->number));
        for (size_t row = 4; row < 10; row++) {
            assert_true(isnan(value_of(table, row, "slowdown")->number));
            assert_non_null(strstr(value_of(table, row, "slowdown")->why, cases[i].why));
        }
        char *csv = text_of(&document, "csv", &usual_style);
        assert_non_null(strstr(csv, cases[i].why));
        free(csv);
        document_free(&document);
        result_free(&result);
    }
}

/* As where a process takes half of the measured CPU from the first sample to the last. */
static void a_run_without_any_clean_pair_has_no_slowdown_and_says_why(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct document document = {0};
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < result.cell_count; i++)
        for (size_t k = 0; k < result.cells[i].sample_count; k++)
            result.cells[i].samples[k].disturbed = DISTURBED_PREEMPTED;
    for (size_t i = 0; i < result.comparison_count; i++) {
        struct result_comparison *found = &result.comparisons[i];
        assert_int_equal(
            figures_set_comparison(&result.cells[found->cell], &result.cells[found->baseline], found), 0);
        assert_true(found->placements == 0 && isnan(found->ratio) && isnan(found->more_ns));
    }
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "too disturbed to tell");
    assert_says(&document, BLOCK_CONCLUSION, "other work takes this CPU");
    assert_says(&document, BLOCK_FACT, "no slowdown is significant");
    assert_says(&document, BLOCK_SENTENCE, "nothing is known of half of the comparisons");
    assert_true(
        isnan(value_of(table_named(&document, "slowdown"), 0, "slowdown")->number)); /* and is there */
    char *text = text_of(&document, "terminal", &usual_style);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf "));
    free(text);
    document_free(&document);
    result_free(&result);
}

static void without_a_comparison_the_latencies_are_told(void **state)
{
    struct synthetic recipe = recipe_of(1);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    result.monitors[0] =
        (struct monitor_facts){.name = "kvm", .reason = "/dev/kvm is not there; load the kvm module"};
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "An access takes ");
    assert_says(&document, BLOCK_CONCLUSION, " ns at 1 GiB (native); nothing was compared.");
    assert_says(
        &document, BLOCK_FACT, "KVM cannot be used here: /dev/kvm is not there; load the kvm module.");
    assert_says(&document, BLOCK_FACT, "so what lies below it is in every figure");
    assert_says_not(&document, BLOCK_FACT, "Guest:");
    assert_null(chart_named(&document, "slowdown"));
    const struct table *table = table_named(&document, "slowdown");
    assert_float_equal(value_of(table, 0, "fastest")->number, result.cells[0].min, 1e-9);
    assert_true(table->columns[1].interval); /* its own, where nothing else can be read */
    document_free(&document);
    result_free(&result);
}

static void another_machine_is_called_by_its_name(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    static struct result_agent agent;
    (void)state;
    recipe.monitors[1] = "command:ssh other vcost agent";
    synthetic_result(&recipe, &result);
    for (size_t i = 1; i < result.cell_count; i += 2)
        strcpy(result.cells[i].label, "ssh other (kvm guest)");
    agent = (struct result_agent){.monitor = recipe.monitors[1],
        .facts = {.brand = fact_known("Other CPU"), .kernel = fact_known("6.1"), .is_guest = true}};
    result.agents = &agent;
    result.agent_count = 1;
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "Memory access on ssh other (kvm guest) costs");
    assert_says(&document, BLOCK_FACT, "working sets ssh other (kvm guest) and native agree");
    assert_says(&document, BLOCK_FACT,
        "command:ssh other vcost agent: Other CPU, Linux 6.1, a guest of an unknown hypervisor.");
    assert_string_equal(table_named(&document, "slowdown")->columns[2].head, "ssh other (kvm guest)");
    document_free(&document);
    result.agents = NULL;
    result.agent_count = 0;
    result_free(&result);
}

static void several_places_have_a_conclusion_each(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    recipe.monitors[2] = "paravirt";
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "Memory access in kvm (shadow, PVM) costs");
    assert_says(&document, BLOCK_CONCLUSION, "Memory access in paravirt costs");
    assert_says(&document, BLOCK_FACT, "paravirt and native agree within 3 %");
    document_free(&document);
    result_free(&result);
}

/* Page pairs and orders: it is told which one costs so much, and which pages are fastest. */
static void of_several_curves_it_is_told_which(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    recipe.page_pairs = 2;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < result.comparison_count; i++)
        give_interval(&result, i, result.comparisons[i].cell == result.cell_count - 1 ? 1.5 : 1, 0.02);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "more than native here, at 1 GiB (2M/2M).");
    assert_says(&document, BLOCK_FACT, "In 19 of 20 comparisons guest and native agree within");
    assert_says(&document, BLOCK_FACT, "Pages (guest/host) at 1 GiB: 4K/4K is fastest, ");
    document_free(&document);
    result_free(&result);
    recipe.page_pairs = 1;
    recipe.orders[1] = CHASE_PACKED;
    recipe.order_count = 2;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < result.comparison_count; i++)
        give_interval(&result, i, result.comparisons[i].cell == result.cell_count - 1 ? 1.5 : 1, 0.02);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "more than native here, at 1 GiB (packed).");
    assert_says_not(&document, BLOCK_FACT, "Pages (guest/host)");
    document_free(&document);
    result_free(&result);
}

static void what_is_incomplete_says_so(void **state)
{
    struct synthetic recipe = recipe_of(4);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, " (incomplete: stopped by the user).");
    assert_string_equal(document.stamp, "incomplete: stopped by the user");
    document_free(&document);
    for (size_t i = 0; i < result.cell_count; i++)
        result.cells[i].median = result.cells[i].low = result.cells[i].high = result.cells[i].min = NAN;
    result.comparison_count = 0;
    view_chase(&result, &document);
    assert_says(&document, BLOCK_CONCLUSION, "Nothing was measured (incomplete: stopped by the user).");
    assert_null(table_named(&document, "slowdown"));
    document_free(&document);
    result_free(&result);
}

static void what_kvm_does_is_told_with_what_it_means(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_says(
        &document, BLOCK_FACT, "Guest: KVM with shadow paging (PVM). CPU: AMD EPYC 7B13. Linux 6.18.5.");
    assert_says(
        &document, BLOCK_FACT, "This machine is itself a KVM guest, so what lies below it is in both sides.");
    assert_says(&document, BLOCK_FACT, "Shadow paging makes no walk longer");
    document_free(&document);
    result.host.is_guest = false;
    result.monitors[0].provider = fact_known("kvm_amd");
    result.monitors[0].technique = TECHNIQUE_NESTED;
    for (size_t i = 1; i < result.cell_count; i += 2)
        result.cells[i].technique = TECHNIQUE_NESTED;
    view_chase(&result, &document);
    assert_says(&document, BLOCK_FACT, "Guest: KVM with nested paging. CPU:");
    assert_says(&document, BLOCK_FACT, "Nested paging walks two page tables where the TLB misses");
    assert_says_not(&document, BLOCK_FACT, "itself a");
    document_free(&document);
    result_free(&result);
}

/* ---- the table ---- */

static void today_is_said_above_the_table(void **state)
{
    static const struct {
        double half;
        const char *sentence;
    } cases[] = {
        {0.011, "This machine is quiet today: half of the comparisons are known to within 1.1 %."},
        {0.05, "This machine is fairly quiet today: half of the comparisons are known to within 5.0 %."},
        {0.4, "This machine is disturbed today: half of the comparisons are known no better than to within "
              "40 %."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct synthetic recipe = recipe_of(0);
        struct result result;
        struct document document = {0};
        synthetic_result(&recipe, &result);
        for (size_t k = 0; k < result.comparison_count; k++)
            give_interval(&result, k, 1, cases[i].half);
        view_chase(&result, &document);
        assert_says(&document, BLOCK_SENTENCE, cases[i].sentence);
        document_free(&document);
        result_free(&result);
    }
}

static void the_comparison_is_marked_where_it_tells_nothing(void **state)
{
    struct document document = {0};
    struct result result;
    (void)state;
    view_ten(three_unclear, &document, &result);
    const struct table *table = table_named(&document, "slowdown");
    for (size_t row = 0; row < 10; row++) {
        const char *mark = value_of(table, row, "slowdown")->mark;
        assert_int_equal(mark && !strcmp(mark, "~"), row >= 2 && row < 5);
        assert_null(value_of(table, row, "ns")->mark);
    }
    assert_says(&document, BLOCK_NOTE, "~ tells nothing: its interval reaches more than 10 % to a side");
    document_free(&document);
    result_free(&result);
    view_ten(most_unclear, &document, &result); /* a mark on most rows says nothing */
    assert_null(value_of(table_named(&document, "slowdown"), 0, "slowdown")->mark);
    assert_says_not(&document, BLOCK_NOTE, "~");
    document_free(&document);
    result_free(&result);
}

static void marks_are_explained_only_if_they_are_used(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_says_not(&document, BLOCK_NOTE, "interrupted");
    document_free(&document);
    result_free(&result);
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_says(&document, BLOCK_NOTE, "! interrupted: measured less often than planned");
    assert_says(&document, BLOCK_FACT, "! kvm (shadow, PVM) at 16 KiB: 1 of 4 placements");
    assert_says(&document, BLOCK_FACT, "- kvm (shadow, PVM) at 1 GiB: stopped before its first sample");
    document_free(&document);
    result_free(&result);
}

static void working_sets_that_nothing_was_measured_at_have_no_row(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < 3; i++) { /* both cells of the first working set, one of the second */
        struct result_cell *cell = &result.cells[i];
        cell->median = cell->low = cell->high = cell->min = NAN;
        strcpy(cell->reason, "stopped by the user");
    }
    view_chase(&result, &document);
    const struct table *table = table_named(&document, "slowdown");
    assert_int_equal(table->rows, 9);
    assert_true(value_of(table, 0, "working_set")->number == 16384);
    assert_says(&document, BLOCK_FACT, "- native at 4 KiB, 16 KiB: stopped by the user");
    document_free(&document);
    result_free(&result);
}

static void figures_of_the_table_are_the_results(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    const struct table *table = table_named(&document, "slowdown");
    assert_int_equal(table->rows, 10);
    assert_true(value_of(table, 9, "working_set")->number == 1 << 30);
    assert_true(value_of(table, 9, "ns")->number == result.cells[18].median);
    assert_true(value_of(table, 9, "slowdown")->number == result.comparisons[9].ratio);
    assert_true(value_of(table, 9, "slowdown")->low == result.comparisons[9].low);
    assert_int_equal(value_of(table, 9, "slowdown")->tone, TONE_SLOWER);
    assert_string_equal(table->columns[1].head, "native");
    assert_string_equal(table->columns[2].head, "guest");
    document_free(&document);
    result_free(&result);
}

/* ---- details ---- */

static bool is_detail(const struct document *document, const char *part)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->blocks[i].text && strstr(document->blocks[i].text, part))
            return document->blocks[i].detail;
    fail_msg("nothing says %s", part);
    return false;
}

static void what_matters_to_the_method_is_a_detail(void **state)
{
    struct synthetic recipe = recipe_of(4);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    assert_true(is_detail(&document, "1 noisy, 1 interrupted, 1 without any sample of 20 cells."));
    assert_true(is_detail(&document, "more were disturbed and taken again"));
    assert_true(is_detail(&document, "most samples were disturbed (steal)"));
    assert_true(is_detail(&document, "kvm (shadow, PVM): of 9 comparisons "));
    assert_false(is_detail(&document, "stopped before its first sample"));
    document_free(&document);
    result_free(&result);
}

/* Rising with the cell: the last ones are named, the largest first. */
static void wrong_pages(struct result *result)
{
    result->cells[0].quality = result->cells[2].quality = QUALITY_NOISY;
    strcpy(result->cells[0].reason, "5 of 6 samples were disturbed");
    result->cells[2].pages.as_asked = false;
    strcpy(result->cells[2].reason, "not the pages that were asked for");
}

static void pages_that_were_not_obtained_are_no_detail(void **state)
{
    struct document document = {0};
    struct result result;
    (void)state;
    view_ten(wrong_pages, &document, &result);
    assert_true(is_detail(&document, "5 of 6 samples were disturbed"));
    assert_false(is_detail(&document, "not the pages that were asked for"));
    document_free(&document);
    result_free(&result);
}

static void five_of_each(struct result *result)
{
    for (size_t i = 0; i < 5; i++) {
        result->cells[i].modes = (struct modes){true, i == 0, 10, 11 + (double)i, 0.25};
        result->cells[i].trend_percent = 10 + (double)i;
    }
    result->cells[4].drift_percent = -14;
}

static void modes_and_drift_are_told_in_words(void **state)
{
    struct document document = {0};
    struct result result;
    (void)state;
    view_ten(nothing, &document, &result);
    assert_says_not(&document, BLOCK_SENTENCE, "two groups");
    assert_says_not(&document, BLOCK_SENTENCE, "rise or fall");
    document_free(&document);
    result_free(&result);
    view_ten(five_of_each, &document, &result);
    assert_says(&document, BLOCK_SENTENCE,
        "In 4 of 20 cells samples fall into two groups, so that their median stands for neither: native at "
        "64 "
        "KiB (10.0 ns, and 15.0 ns in 25 %); ");
    assert_says(&document, BLOCK_SENTENCE, "; and 1 more. Something comes and goes");
    assert_says(
        &document, BLOCK_SENTENCE, "native at 4 KiB (10.0 ns, and 11.0 ns in 25 %). There it matters");
    assert_says(&document, BLOCK_SENTENCE,
        "to its last: native at 64 KiB (+14.0 %); kvm (shadow, PVM) at 16 "
        "KiB (+13.0 %)");
    assert_says(&document, BLOCK_SENTENCE, "to the last: native at 64 KiB (-14.0 %). Ratios");
    assert_true(is_detail(&document, "two groups"));
    document_free(&document);
    result_free(&result);
}

/* ---- charts ---- */

static void charts_have_a_point_for_each_figure(void **state)
{
    struct synthetic recipe = recipe_of(4);
    struct result result;
    struct document document = {0};
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    const struct chart *slowdown = chart_named(&document, "slowdown"),
                       *latency = chart_named(&document, "latency");
    assert_int_equal(slowdown->series_count, 1);
    assert_int_equal(latency->series_count, 2);
    assert_true(latency->series[0].baseline && !latency->series[1].baseline);
    assert_true(slowdown->rule == 1);
    assert_true(slowdown->series[0].points[2].y == result.comparisons[2].ratio);
    assert_true(isnan(slowdown->series[0].points[9].y)); /* missing */
    assert_true(latency->series[1].points[0].high == result.cells[1].high);
    assert_non_null(strstr(slowdown->title, "native here is itself a KVM guest"));
    document_free(&document);
    result_free(&result);
}

static void reaches_are_marked_apart_from_reported_sizes(void **state)
{
    struct synthetic recipe = recipe_of(7);
    struct result result;
    struct document document = {0};
    size_t measured = 0, reported = 0;
    (void)state;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    const struct chart *chart = chart_named(&document, "latency");
    for (size_t i = 0; i < chart->mark_count; i++) {
        measured += chart->marks[i].kind == MARK_MEASURED;
        reported += chart->marks[i].kind == MARK_REPORTED;
    }
    assert_int_equal(measured, 3);
    assert_int_equal(reported, 3);
    assert_true(chart->marks[0].from == 32768 && chart->marks[0].to == 65536);
    assert_string_equal(chart->marks[0].label, "L1d");
    assert_string_equal(chart->marks[chart->mark_count - 1].label, "?");
    assert_int_equal(chart_named(&document, "slowdown")->mark_count, 0);
    assert_says(&document, BLOCK_SENTENCE,
        "Measured in native: L1d up to 32 KiB (CPUID says 32 KiB); L3 up to 4 MiB of the 32 MiB that CPUID "
        "says; a step after 256 MiB, from ");
    document_free(&document);
    result_free(&result);
}

static void without_reaches_none_is_claimed(void **state)
{
    struct document document = {0};
    struct result result;
    (void)state;
    view_ten(nothing, &document, &result);
    assert_says_not(&document, BLOCK_SENTENCE, "easured in");
    const struct chart *chart = chart_named(&document, "latency");
    assert_int_equal(chart->mark_count, 3);
    for (size_t i = 0; i < chart->mark_count; i++)
        assert_int_equal(chart->marks[i].kind, MARK_REPORTED);
    document_free(&document);
    result_free(&result);
}

/* ---- the table of cells, for files ---- */

static void every_cell_has_a_row_with_what_is_known(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    struct document document = {0};
    (void)state;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    result.cells[1].modes = (struct modes){true, true, 11.2, 19, 0.25};
    result.cells[1].drift_percent = -4;
    view_chase(&result, &document);
    const struct table *table = table_named(&document, "cells");
    assert_int_equal(table->readers, TABLE_FOR_FILES);
    assert_int_equal(table->rows, result.cell_count);
    assert_int_equal(table->column_count, 43);
    assert_string_equal(value_of(table, 1, "label")->text, "kvm (shadow, PVM)");
    assert_string_equal(value_of(table, 1, "baseline")->text, result.cells[0].id);
    assert_true(value_of(table, 1, "ratio")->number == result.comparisons[0].ratio);
    assert_true(isnan(value_of(table, 0, "ratio")->number));
    assert_string_equal(value_of(table, 1, "modes_of")->text, "placements");
    assert_true(value_of(table, 1, "modes_low")->number == 11.2);
    assert_true(value_of(table, 1, "modes_share_high")->number == 0.25);
    assert_true(value_of(table, 1, "drift_percent")->number == -4);
    assert_true(isnan(value_of(table, 1, "trend_percent")->number));
    assert_true(isnan(value_of(table, 0, "modes_high")->number));
    document_free(&document);
    result_free(&result);
}

static void what_is_not_known_is_empty_and_has_a_reason(void **state)
{
    static const char *const empty[] = {"median", "low", "high", "min", "ratio", "ratio_low", "ratio_high"};
    struct synthetic recipe = synthetic_usual();
    struct result result;
    struct document document = {0};
    (void)state;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    view_chase(&result, &document);
    const struct table *table = table_named(&document, "cells");
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_true(isnan(value_of(table, table->rows - 1, empty[i])->number));
    assert_string_equal(value_of(table, table->rows - 1, "reason")->text, "stopped before its first sample");
    assert_true(isnan(value_of(table, 0, "exits")->number));
    assert_true(isnan(value_of(table, 0, "guest_page_bytes")->number));
    assert_null(value_of(table, 0, "reason")->text);
    document_free(&document);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_report_fits_eighty_columns_and_has_a_conclusion),
        cmocka_unit_test(an_empty_result_is_reported_without_a_number),
        cmocka_unit_test(a_hostile_brand_string_is_harmless),
        cmocka_unit_test(the_conclusion_says_what_the_interval_says),
        cmocka_unit_test(conclusions_are_of_all_comparisons),
        cmocka_unit_test(what_is_too_disturbed_says_so_on_the_pictures),
        cmocka_unit_test(what_is_to_blame_follows_from_the_samples),
        cmocka_unit_test(a_ratio_that_contradicts_its_row_or_is_none_is_no_slowdown),
        cmocka_unit_test(a_run_without_any_clean_pair_has_no_slowdown_and_says_why),
        cmocka_unit_test(without_a_comparison_the_latencies_are_told),
        cmocka_unit_test(another_machine_is_called_by_its_name),
        cmocka_unit_test(several_places_have_a_conclusion_each),
        cmocka_unit_test(of_several_curves_it_is_told_which),
        cmocka_unit_test(what_is_incomplete_says_so),
        cmocka_unit_test(what_kvm_does_is_told_with_what_it_means),
        cmocka_unit_test(today_is_said_above_the_table),
        cmocka_unit_test(the_comparison_is_marked_where_it_tells_nothing),
        cmocka_unit_test(marks_are_explained_only_if_they_are_used),
        cmocka_unit_test(working_sets_that_nothing_was_measured_at_have_no_row),
        cmocka_unit_test(figures_of_the_table_are_the_results),
        cmocka_unit_test(what_matters_to_the_method_is_a_detail),
        cmocka_unit_test(pages_that_were_not_obtained_are_no_detail),
        cmocka_unit_test(modes_and_drift_are_told_in_words),
        cmocka_unit_test(charts_have_a_point_for_each_figure),
        cmocka_unit_test(reaches_are_marked_apart_from_reported_sizes),
        cmocka_unit_test(without_reaches_none_is_claimed),
        cmocka_unit_test(every_cell_has_a_row_with_what_is_known),
        cmocka_unit_test(what_is_not_known_is_empty_and_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
