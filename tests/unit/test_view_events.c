/* report/views.h: what a price list says is true of every result, and nothing that
 * is not significant, or not known, is said as if it were. */
#include "read_document.h"
#include "event/event_kind.h"
#include "event/event.h"
#include "report/views.h"

#include <math.h>

enum { CELLS_MAX = 64 };

/* A price list that is made by hand. */
struct list {
    struct result result;
    struct result_cell cells[CELLS_MAX];
    struct result_comparison comparisons[CELLS_MAX];
};

static void start(struct list *list)
{
    memset(list, 0, sizeof *list);
    list->result = (struct result){.experiment = "events",
        .complete = true,
        .seconds = 7,
        .cells = list->cells,
        .comparisons = list->comparisons};
    list->result.monitors[0] = (struct monitor_facts){.name = "kvm", .usable = true};
    list->result.monitor_count = 1;
    strcpy(list->result.host.cpu.vendor, "AuthenticAMD");
}

/* A cell with an interval of `width` to both sides; NAN ns: missing, for that reason. Returns its index. */
static size_t add(
    struct list *list, const char *event, const char *monitor, double ns, double width, const char *reason)
{
    size_t index = list->result.cell_count++;
    struct result_cell *cell = &list->cells[index];
    bool native = !strcmp(monitor, "native");
    assert_true(index < CELLS_MAX);
    cell->cell.monitor = monitor;
    cell->cell.workload = event_named(event, 0, "thing");
    cell->technique = native ? TECHNIQUE_NONE : TECHNIQUE_NESTED;
    cell->median = cell->min = ns;
    cell->low = ns * (1 - width);
    cell->high = ns * (1 + width);
    cell->quality = isfinite(ns) ? QUALITY_GOOD : QUALITY_MISSING;
    cell->counters = (struct result_counters){.known = true};
    cell->operations = 1000;
    snprintf(cell->reason, sizeof cell->reason, "%s", reason);
    snprintf(cell->id, sizeof cell->id, "events/%s/%s", monitor, event);
    snprintf(cell->label, sizeof cell->label, "%s", monitor);
    return index;
}

/* What a cell takes more than another, in ns and relative. */
static void compare(struct list *list, size_t cell, size_t baseline, double more, double half)
{
    double base = list->cells[baseline].median;
    list->comparisons[list->result.comparison_count++] = (struct result_comparison){.cell = cell,
        .baseline = baseline,
        .ratio = 1 + more / base,
        .low = 1 + (more - half) / base,
        .high = 1 + (more + half) / base,
        .more_ns = more,
        .more_low_ns = more - half,
        .more_high_ns = more + half,
        .placements = 4};
}

/* The same event natively and in a guest. */
static void add_both(struct list *list, const char *event, double native, double more, double half)
{
    size_t baseline = add(list, event, "native", native, 0.01, "");
    compare(list, add(list, event, "kvm", native + more, 0.01, ""), baseline, more, half);
}

static void add_guest_only(struct list *list, const char *event, double ns)
{
    add(list, event, "native", NAN, 0, "a process has no devices of its own");
    list->cells[add(list, event, "kvm", ns, 0.02, "")].counters.exits = 1000;
}

/* Five that stay inside, the first `slower` of them slower by half. */
static void add_staying(struct list *list, size_t slower)
{
    static const char *const names[] = {"rdtsc", "call-return", "cpuid", "write-page", "syscall"};
    for (size_t i = 0; i < 5; i++)
        add_both(list, names[i], 100, i < slower ? 50 : 0.1, 1);
}

static void usual(struct list *list)
{
    start(list);
    add_guest_only(list, "pio-user", 25000);
    add_guest_only(list, "timer", 40000);
    add_both(list, "page-fault", 1200, 18000, 400);
    list->cells[list->result.cell_count - 1].counters.exits = 3000;
    add_staying(list, 0);
    size_t recycled = add(list, "first-touch-2m", "native", 130e3, 0.02, "");
    compare(list, add(list, "first-touch-2m-fresh", "native", 4.4e6, 0.02, ""), recycled, 4.27e6, 1e5);
    add(list, "first-touch-2m-fresh", "kvm", NAN, 0, "needs an operating system in the guest");
}

static char *in_format(const struct result *result, const char *format)
{
    struct document document = {0};
    view_events(result, &document);
    return written(&document, format, &wide_style);
}

/* The first line of the report. */
static void assert_concludes(const struct result *result, const char *conclusion)
{
    char *text = in_format(result, "terminal");
    text[strcspn(text, "\n")] = 0;
    assert_string_equal(text, conclusion);
    free(text);
}

/* ---- the conclusion ---- */

static void the_conclusion_can_be_repeated_to_a_colleague(void **state)
{
    struct list list;
    (void)state;
    usual(&list);
    assert_concludes(&list.result,
        "Leaving the guest costs 25.0 µs here, a page fault 18.0 µs more than native; "
        "what stays inside costs nothing measurable.");
}

static void what_stays_inside_is_judged_together(void **state)
{
    static const struct {
        size_t slower;
        const char *end;
    } cases[] = {{0, "; what stays inside costs nothing measurable."},
        {1, "; most of what stays inside costs nothing measurable."},
        {4, "; some of what stays inside costs more as well."}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list list;
        char expected[200];
        start(&list);
        add_guest_only(&list, "pio-user", 25000);
        add_staying(&list, cases[i].slower);
        snprintf(expected, sizeof expected, "Leaving the guest costs 25.0 µs here%s", cases[i].end);
        assert_concludes(&list.result, expected);
    }
}

static void of_a_disturbed_run_nothing_is_concluded(void **state)
{
    static const char conclusion[] =
        "This run was too disturbed to tell what operations cost in a guest: placements differ, as where "
        "caches are shared with neighbours. Run again, or longer: --time 60.";
    struct list list;
    struct document document = {0};
    (void)state;
    start(&list);
    add_staying(&list, 0);
    for (size_t i = 0; i < list.result.comparison_count; i++)
        list.comparisons[i].low = 0.6, list.comparisons[i].high = 1.5;
    assert_concludes(&list.result, conclusion);
    add_guest_only(&list, "pio-user", 25000); /* what is significant is a fact */
    assert_concludes(&list.result, conclusion);
    char *text = in_format(&list.result, "terminal");
    assert_has(text, "Most expensive relative to native: pio-user +25.0 µs.");
    free(text);
    view_events(&list.result, &document);
    assert_string_equal(document.stamp, "too disturbed to tell");
    document_free(&document);
    start(&list); /* what native cannot do needs no comparison */
    add_guest_only(&list, "pio-user", 25000);
    add_guest_only(&list, "mmio-user", 26000);
    add_both(&list, "fault-host-2m", 170e3, 1e3, 40e3);
    assert_concludes(&list.result, "Leaving the guest costs 25.0 µs here.");
}

static void what_stays_inside_may_be_disturbed_alone(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_guest_only(&list, "pio-user", 25000);
    add_staying(&list, 0);
    for (size_t i = 0; i < list.result.comparison_count; i++)
        list.comparisons[i].low = 0.6, list.comparisons[i].high = 1.5;
    for (size_t i = 0; i < 6; i++) {
        add_both(&list, "exec", 500e3, 90e3, 1e3);
        list.cells[list.result.cell_count - 1].cell.workload =
            list.cells[list.result.cell_count - 2].cell.workload = event_named("exec", 4096 << i, "thing");
        list.cells[list.result.cell_count - 1].counters.exits = 3000;
    }
    assert_concludes(&list.result,
        "Leaving the guest costs 25.0 µs here; whether what stays inside costs anything this run cannot "
        "tell.");
}

/* ---- a guest's kernel ---- */

static struct result_cell *add_linked(
    struct list *list, const char *event, const char *monitor, uint64_t bytes, double ns)
{
    struct result_cell *cell = &list->cells[add(list, event, monitor, ns, 0.01, "")];
    cell->cell.workload = event_named(event, bytes, "page");
    cell->technique = !strcmp(monitor, "paravirt") ? TECHNIQUE_DIRECT : TECHNIQUE_SHADOW;
    cell->counters.exits = 3000;
    return cell;
}

/* One page, and 512 at once, on four; KVM's kernel is emulated, and dearer than all. */
static void add_batches(struct list *list)
{
    static struct result_metric metrics[] = {{"transport", "ns", 18900, 18800, 19000, NULL},
        {"work", "ns", 48900, 48000, 49000, NULL}, {"hypercalls", "count", 2, 2, 2, NULL},
        {"null_trap", "ns", 8690, 8600, 8700, NULL}, {"null_fault", "ns", 8950, 8900, 9000, NULL}};
    static struct result_metric emulated[] = {{"transport", "ns", NAN, NAN, NAN, "it is not told apart"},
        {"emulation", "ns", 126000, 125000, 127000, NULL}, {"instruction", "ns", 587, 586, 588, NULL}};
    static const double ns[][2] = {{1450, 1120}, {67800, 680}, {109000, 1550}, {201000, 64000}};
    static const char *const monitors[] = {"native", "paravirt", "shadow", "kvm"};
    list->result.monitors[0].syscall_privilege = 3;
    for (size_t i = 0; i < 8; i++) {
        size_t of = i / 2;
        struct result_cell *cell =
            add_linked(list, "kernel-touch-fresh", monitors[of], i % 2 ? 2 << 20 : 4096, ns[of][i % 2]);
        cell->metrics = of == 3 ? emulated : of == 0 ? NULL : metrics;
        cell->metric_count = of == 3 ? 3 : of == 0 ? 0 : 5;
        if (of)
            compare(list, list->result.cell_count - 1, i % 2, ns[of][i % 2] - ns[0][i % 2], 100);
    }
}

static void the_headline_is_the_techniques_not_an_emulators(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_batches(&list);
    assert_concludes(&list.result,
        "A fresh page costs 67.8 µs by itself and 680 ns among 512 with paravirt, 109 "
        "µs and 1.55 µs with shadow, 1.45 µs and 1.12 µs natively.");
    char *text = in_format(&list.result, "terminal");
    assert_has(text, "Most expensive relative to native: kernel-touch-fresh/4K (shadow)");
    assert_has(text, "kvm emulates its guest's kernel here, 587 ns an instruction");
    assert_has(
        text, "To paravirt and back for nothing (the transport): a trap 8.69 µs, a page fault 8.95 µs.");
    free(text);
    list.result.monitors[0].syscall_privilege = 0; /* as on hardware: KVM's rows are its own */
    text = in_format(&list.result, "terminal");
    assert_has(text, "with shadow, 201 µs and 64.0 µs with kvm, 1.45 µs");
    assert_has(text, "Most expensive relative to native: kernel-touch-fresh/4K (kvm)");
    assert_has_not(text, "emulates its guest's kernel");
    free(text);
}

static void transport_and_work_stand_in_a_table_and_batches_in_a_picture(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_batches(&list);
    char *html = in_format(&list.result, "html"), *svg = in_format(&list.result, "svg");
    assert_has(html, "the way to the monitor, and the work there");
    assert_has(html, "18.9 µs");
    assert_has(html, "it is not told apart");
    assert_has(svg, "Cost of a fresh page by how many");
    assert_has(svg, "paravirt, a hypercall for each batch");
    assert_has(svg, "shadow, lazy");
    assert_has(svg, "kvm, its kernel emulated");
    assert_has_not(svg, "each store emulated");
    free(html);
    free(svg);
    add_linked(&list, "kernel-touch-written", "shadow", 4096, 109000);
    add_linked(&list, "kernel-touch-written", "shadow", 2 << 20, 20000);
    svg = in_format(&list.result, "svg");
    assert_has(svg, "shadow, each store emulated");
    free(svg);
}

static void a_few_operations_stand_for_themselves_alone(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_both(&list, "rdtsc", 20, 0.1, 1);
    assert_concludes(
        &list.result, "No operation that was measured costs significantly more in the guest here.");
    start(&list);
    add_both(&list, "rdtsc", 20, 15, 1);
    assert_concludes(
        &list.result, "The most expensive operation here is rdtsc: 15 ns more in the guest than natively.");
}

static void only_what_is_told_apart_from_the_next_comes_first(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_both(&list, "fork-exit", 200e3, 90e3, 20e3);
    add_both(&list, "exec", 500e3, 80e3, 5e3);
    assert_concludes(&list.result,
        "One of the most expensive operations here is fork-exit: 90 µs more in the guest than natively.");
    start(&list);
    add_both(&list, "fork-exit", 200e3, 90e3, 2e3);
    add_both(&list, "exec", 500e3, 80e3, 5e3);
    assert_concludes(&list.result,
        "The most expensive operation here is fork-exit: 90 µs more in the guest than natively.");
    start(&list); /* what may cost nothing is in front of it, and may cost more */
    add_both(&list, "exec", 500e3, 90e3, 100e3);
    add_both(&list, "rdtsc", 20, 15, 1);
    add_both(&list, "syscall", 100, 0.1, 1);
    assert_concludes(&list.result,
        "One of the most expensive operations here is rdtsc: 15 ns more in the guest than natively.");
}

/* Two pairs whose extra is 168 us, and medians of 1.15 and 35.7 us beside it. */
static void a_difference_that_contradicts_its_row_is_not_told(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_both(&list, "page-fault", 1150, 34550, 400);
    add_both(&list, "exec", 500e3, 20e3, 1e3);
    add_both(&list, "syscall", 100, 0.1, 1);
    for (int wide = 0; wide < 2; wide++) {
        struct result_comparison *found = &list.comparisons[0];
        *found = (struct result_comparison){
            found->cell, found->baseline, 147, 60, 400, 168e3, wide ? 20e3 : 90e3, 300e3, 2, ""};
        assert_concludes(&list.result,
            "The most expensive operation here is exec: 20 µs more in the guest than natively.");
        char *text = in_format(&list.result, "terminal");
        assert_has_not(text, "168 ");
        assert_has(text, "1.15 µs");
        assert_has(text, "35.7 µs");
        assert_has(text, "Not to be compared:");
        assert_has(text, "page-fault: too disturbed");
        free(text);
    }
}

static void a_run_without_a_guest_claims_nothing_of_one(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    list.result.monitors[0].usable = false;
    strcpy(list.result.monitors[0].reason, "there is no /dev/kvm");
    add(&list, "page-fault", "native", 1200, 0.01, "");
    add(&list, "syscall", "native", 140, 0.01, "");
    assert_concludes(
        &list.result, "2 operations were measured natively; what a guest adds was not measured.");
    char *text = in_format(&list.result, "terminal");
    assert_has(text, "KVM cannot be used here: there is no /dev/kvm.");
    assert_has(text, "A page fault: 1.20 µs natively.");
    assert_has_not(text, "in the guest");
    assert_has_not(text, "What to do");
    free(text);
}

static void what_was_stopped_says_so_first(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    list.result.complete = false;
    strcpy(list.result.incomplete_reason, "stopped by the user");
    add(&list, "page-fault", "native", NAN, 0, "stopped before its first sample");
    add(&list, "page-fault", "kvm", NAN, 0, "stopped before its first sample");
    assert_concludes(&list.result, "No operation was measured (incomplete: stopped by the user).");
    char *text = in_format(&list.result, "terminal");
    assert_has(text, "page-fault: stopped before its first sample");
    free(text);
}

/* ---- the facts ---- */

static void only_what_is_significant_is_called_expensive(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_guest_only(&list, "pio-user", 25000);
    add_both(&list, "exec", 500e3, 90e3, 100e3); /* more, but with zero in its interval */
    char *text = in_format(&list.result, "terminal");
    assert_has(text, "Most expensive relative to native: pio-user +25.0 µs.");
    assert_has(
        text, "Of 1 operation that both can do, 1 show no significant difference, 0 cost more, 0 less.");
    char *same = strstr(text, "No significant difference from native");
    assert_non_null(same);
    strstr(same, "\n\nThe most")[0] = 0;
    assert_has(same, "\nexec ");
    assert_has_not(same, "\npio-user ");
    free(text);
}

static void memory_is_told_fresh_and_recycled(void **state)
{
    struct list list;
    (void)state;
    usual(&list);
    char *text = in_format(&list.result, "terminal");
    assert_has(text,
        "A page fault: 19.2 µs in the guest, 1.20 µs natively. First touch of a 2 MiB page natively: "
        "130 µs, of a fresh one 4.40 ms.");
    assert_has(
        text, "What to do: fewer exits (batch I/O, poll instead of sleep), touch memory once and keep it.");
    free(text);
    list.comparisons[list.result.comparison_count - 1].more_low_ns = -1; /* not significant any more */
    text = in_format(&list.result, "terminal");
    assert_has(text, "First touch of a 2 MiB page natively: 130 µs, fresh or not.");
    free(text);
}

static void a_cold_tlb_is_told_at_the_size_where_it_shows_most(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    for (int i = 0; i < 2; i++) {
        size_t warm = add(&list, "retouch-pages", "kvm", i ? 90 : 1000, 0.01, "");
        size_t cold = add(&list, "retouch-pages-exit", "kvm", i ? 1000 : 1500, 0.01, "");
        uint64_t bytes = i ? 256 << 10 : 4 << 20;
        list.cells[warm].cell.workload = event_named("retouch-pages", bytes, "thing");
        list.cells[cold].cell.workload = event_named("retouch-pages-exit", bytes, "thing");
        compare(&list, cold, warm, i ? 910 : 500, 10);
    }
    char *text = in_format(&list.result, "terminal");
    assert_has(text,
        "After an exit, touching 64 warm pages takes 1.00 µs instead of 90.0 ns: TLB and caches are cold.");
    free(text);
}

static void no_sentence_has_a_figure_that_is_not_known(void **state)
{
    (void)state;
    for (size_t without = 0; without < 20; without++) { /* each cell alone, then all */
        struct list list;
        struct document document = {0};
        usual(&list);
        for (size_t i = 0; i < list.result.cell_count; i++)
            if (i == without || without == 19)
                list.cells[i].median = list.cells[i].low = list.cells[i].high = NAN;
        for (size_t i = 0; i < list.result.comparison_count; i++) {
            struct result_comparison *found = &list.comparisons[i];
            if (isnan(list.cells[found->cell].median) || isnan(list.cells[found->baseline].median))
                found->ratio = found->low = found->high = found->more_ns = found->more_low_ns =
                    found->more_high_ns = NAN;
        }
        view_events(&list.result, &document);
        for (size_t i = 0; i < document.count; i++) {
            const char *text = document.blocks[i].text;
            if (text &&
                (strstr(text, "nan") || strstr(text, "inf") || strstr(text, " - ") || strstr(text, "  ")))
                fail_msg("%s", text);
        }
        document_free(&document);
    }
}

/* ---- tables, picture, notes ---- */

static void an_event_of_another_version_is_told_from_the_file(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add(&list, "tomorrow \033[1m|", "native", NAN, 0, "there is none natively");
    add(&list, "tomorrow \033[1m|", "kvm", 2000, 0.02, "");
    strcpy(list.cells[1].note, "as the file says");
    struct document document = {0};
    view_events(&list.result, &document);
    const struct report_style style = {.utf8 = true, .verbose = true};
    char *text = written(&document, "terminal", &style);
    assert_has(text, "tomorrow  [1m|  thing ");
    assert_has(text, "+2.00 µs");
    assert_has(text, "tomorrow  [1m|: as the file says");
    assert_has(text, "tomorrow  [1m|: there is none natively");
    free(text);
    list.result.complete = false; /* then native may only have been left out */
    text = in_format(&list.result, "terminal");
    assert_has_not(text, "+2.00 µs");
    assert_has(text, "2.00 µs");
    free(text);
}

static void a_guest_of_each_monitor_has_a_row(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    size_t native = add(&list, "rdtsc", "native", 20, 0.01, "");
    compare(&list, add(&list, "rdtsc", "kvm", 21, 0.01, ""), native, 1, 0.1);
    compare(&list, add(&list, "rdtsc", "paravirt", 25, 0.01, ""), native, 5, 0.1);
    size_t fault = add(&list, "page-fault", "native", 900, 0.01, "");
    compare(&list, add(&list, "page-fault", "paravirt", 5000, 0.01, ""), fault, 4100, 10);
    char *text = in_format(&list.result, "terminal");
    assert_has(text, "in paravirt"); /* the sentences say whose figure it is, too */
    assert_has(text, "\nrdtsc (paravirt) ");
    assert_has(text, "\nrdtsc (kvm) ");
    assert_has(text, "Of 3 operations that both can do");
    free(text);
}

/* The same event natively, and on a machine that is no guest as far as is known. */
static void add_there(struct list *list, const char *event, double native, double more)
{
    size_t baseline = add(list, event, "native", native, 0.01, "");
    size_t there = add(list, event, "command:ssh db7", native + more, 0.01, "");
    list->cells[there].technique = TECHNIQUE_NONE;
    snprintf(list->cells[there].label, sizeof list->cells[there].label, "ssh db7");
    compare(list, there, baseline, more, 10);
}

static void another_machine_is_no_guest_of_this_one(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_there(&list, "page-fault", 1200, 400);
    add_there(&list, "fork-exit", 200e3, 20e3);
    assert_concludes(&list.result, "A page fault there costs 400 ns more than native.");
    char *text = in_format(&list.result, "markdown");
    assert_has(text, "| event | for each | native | ssh db7 | over native | 95 % interval |");
    assert_has(text, "A page fault: 1.60 µs there, 1.20 µs natively.");
    assert_has(text, "| fork-exit | process | 200 µs | 220 µs |");
    assert_null(strstr(text, "guest"));
    assert_null(strstr(text, "exits"));
    free(text);
}

static void native_stands_beside_who_can_do_the_same(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    add_there(&list, "fork-exit", 200e3, 20e3);
    add(&list, "fork-exit", "kvm", NAN, 0, "needs an operating system in the guest");
    char *text = in_format(&list.result, "markdown");
    assert_has(text, "| fork-exit (ssh db7) | process | 200 µs | 220 µs |");
    assert_null(strstr(text, "fork-exit (kvm)"));
    assert_has(text, "needs an operating system in the guest");
    free(text);
}

static void every_event_stands_in_a_table_and_its_remarks_once(void **state)
{
    struct list list;
    (void)state;
    usual(&list);
    char *text = in_format(&list.result, "markdown");
    for (size_t i = 0; i < list.result.cell_count; i++) {
        char row[80];
        snprintf(row, sizeof row, "\n| %s |", cell_workload(&list.cells[i]));
        assert_has(text, row);
    }
    assert_has(text, "timer, pio-user: a process has no devices of its own");
    free(text);
}

static void the_picture_shows_the_most_expensive_with_their_intervals(void **state)
{
    struct list list;
    struct document document = {0};
    (void)state;
    usual(&list);
    view_events(&list.result, &document);
    const struct chart *chart = chart_named(&document, "prices");
    assert_int_equal(chart->kind, CHART_BARS);
    assert_int_equal(chart->y.scale, SCALE_LOG);
    assert_int_equal(chart->category_count, 3);
    assert_string_equal(chart->categories[0], "timer");
    assert_string_equal(chart->categories[2], "page-fault");
    assert_int_equal(chart->series_count, 2);
    assert_true(chart->series[0].baseline && !chart->series[1].baseline);
    assert_true(isnan(chart->series[0].points[0].y) && chart->series[0].points[2].y == 1200);
    assert_true(chart->series[1].points[0].low < 40000 && chart->series[1].points[0].high > 40000);
    document_free(&document);
}

static void what_is_interrupted_is_marked_and_explained(void **state)
{
    struct list list;
    (void)state;
    usual(&list);
    char *text = in_format(&list.result, "terminal");
    assert_has_not(text, "!");
    free(text);
    list.cells[1].quality = QUALITY_INTERRUPTED;
    text = in_format(&list.result, "terminal");
    assert_has(text, "\npio-user  !");
    assert_has(text, "! interrupted: measured less often than planned");
    free(text);
}

static void the_report_stays_inside_the_width_in_any_codeset(void **state)
{
    struct list list;
    (void)state;
    usual(&list);
    for (unsigned columns = 60; columns <= 120; columns += 20)
        for (int ascii = 0; ascii < 2; ascii++) {
            const struct report_style style = {.utf8 = !ascii, .columns = columns, .verbose = true};
            struct document document = {0};
            view_events(&list.result, &document);
            char *text = written(&document, "terminal", &style), *rest;
            for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                if (text_columns(line) > columns)
                    fail_msg("%u columns, but: %s", columns, line);
            free(text);
        }
}

static void an_empty_result_is_a_report_too(void **state)
{
    struct list list;
    (void)state;
    start(&list);
    assert_concludes(&list.result, "No operation was measured.");
}

/* ---- explanations ---- */

static void every_event_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; event_at(i); i++) {
        struct document document = {0};
        view_explain(event_at(i), &document);
        char *text = written(&document, "terminal", &wide_style);
        assert_has(text, event_at(i)->name);
        assert_has(text, event_at(i)->steps);
        assert_has(text, "\nHow it is measured\n");
        assert_has(text, "Natively: ");
        free(text);
    }
}

static void published_figures_stand_under_their_source(void **state)
{
    struct document document = {0};
    (void)state;
    view_published(event_find("divide-by-zero"), &document);
    char *text = written(&document, "terminal", &wide_style);
    assert_has(text, "Published by others, on machines of their time\n");
    assert_has(text, "hardware VMM (without nested paging)):\n  divide by zero: 889, 3223, 1014\n");
    assert_has(text, "KVM nested, PVM nested):\n  exception: 1.66, 1.67, 9.20, 2.21\n");
    assert_has_not(text, "CPUID");
    free(text);
    view_published(event_find("mlock"), &document);
    assert_int_equal(document.count, 0);
    document_free(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_conclusion_can_be_repeated_to_a_colleague),
        cmocka_unit_test(what_stays_inside_is_judged_together),
        cmocka_unit_test(of_a_disturbed_run_nothing_is_concluded),
        cmocka_unit_test(what_stays_inside_may_be_disturbed_alone),
        cmocka_unit_test(a_few_operations_stand_for_themselves_alone),
        cmocka_unit_test(only_what_is_told_apart_from_the_next_comes_first),
        cmocka_unit_test(a_difference_that_contradicts_its_row_is_not_told),
        cmocka_unit_test(a_run_without_a_guest_claims_nothing_of_one),
        cmocka_unit_test(what_was_stopped_says_so_first),
        cmocka_unit_test(only_what_is_significant_is_called_expensive),
        cmocka_unit_test(memory_is_told_fresh_and_recycled),
        cmocka_unit_test(a_cold_tlb_is_told_at_the_size_where_it_shows_most),
        cmocka_unit_test(no_sentence_has_a_figure_that_is_not_known),
        cmocka_unit_test(an_event_of_another_version_is_told_from_the_file),
        cmocka_unit_test(a_guest_of_each_monitor_has_a_row),
        cmocka_unit_test(another_machine_is_no_guest_of_this_one),
        cmocka_unit_test(native_stands_beside_who_can_do_the_same),
        cmocka_unit_test(every_event_stands_in_a_table_and_its_remarks_once),
        cmocka_unit_test(the_picture_shows_the_most_expensive_with_their_intervals),
        cmocka_unit_test(what_is_interrupted_is_marked_and_explained),
        cmocka_unit_test(the_report_stays_inside_the_width_in_any_codeset),
        cmocka_unit_test(an_empty_result_is_a_report_too),
        cmocka_unit_test(the_headline_is_the_techniques_not_an_emulators),
        cmocka_unit_test(transport_and_work_stand_in_a_table_and_batches_in_a_picture),
        cmocka_unit_test(every_event_is_explained),
        cmocka_unit_test(published_figures_stand_under_their_source),
    };
    return cmocka_run_group_tests_name("view_events", tests, NULL, NULL);
}
