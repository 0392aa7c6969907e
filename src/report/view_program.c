/* What `vcost run` found, for people: what it costs the program, whether it does the same, and what it left
 * the guest for. */
#include "report/format.h"
#include "report/view_parts.h"
#include "report/view_program.h"
#include "report/views.h"
#include "runner/program_kind.h"

#include <math.h>
#include <string.h>

bool view_is_guest(const struct result_cell *cell)
{
    return cell->cell.workload.kind == &workload_run && cell->technique != TECHNIQUE_NONE;
}

const struct result_cell *view_next_guest(
    const struct result *result, const struct result_cell *cell, const char *program)
{
    const struct result_cell *end = result->cells + result->cell_count;
    for (cell = cell ? cell + 1 : result->cells; cell < end; cell++)
        if (view_is_guest(cell) && (!program || !strcmp(cell_workload(cell), program)))
            return cell;
    return NULL;
}

const struct result_comparison *view_comparison_of(
    const struct result *result, const struct result_cell *guest)
{
    for (size_t i = 0; i < result->comparison_count; i++)
        if (&result->cells[result->comparisons[i].cell] == guest)
            return &result->comparisons[i];
    return NULL;
}

const struct result_cell *view_native_of(const struct result *result, const struct result_cell *guest)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (cell->cell.workload.kind == &workload_run && cell->technique == TECHNIQUE_NONE &&
            cell->cell.host_page_bytes == guest->cell.host_page_bytes &&
            !strcmp(cell_workload(cell), cell_workload(guest)))
            return cell;
    }
    return NULL;
}

static const char *page_text(uint64_t bytes, struct document *doc)
{
    return bytes ? document_text(doc, "%s", format_size_short(bytes).text) : "auto";
}

/* "4K/2M": the guest's pages and the host's; NULL: none were asked for. */
static const char *pages_text(const struct result_cell *cell, struct document *doc)
{
    if (!cell->cell.guest_page_bytes && !cell->cell.host_page_bytes)
        return NULL;
    return document_text(doc, "%s/%s",
        view_is_guest(cell) ? page_text(cell->cell.guest_page_bytes, doc) : "-",
        page_text(cell->cell.host_page_bytes, doc));
}

const struct result_metric *view_metric_of(const struct result_cell *cell, const char *name)
{
    for (size_t i = 0; i < cell->metric_count; i++)
        if (!strcmp(cell->metrics[i].name, name))
            return &cell->metrics[i];
    return NULL;
}

/* ---- what a person can repeat ---- */

/* An interval a third as wide takes about so many. */
static size_t more_runs(const struct result_cell *guest)
{
    enum { LEAST = 20, FACTOR = 4, MOST = 1000 };
    size_t runs = FACTOR * guest->sample_count;
    return runs < LEAST ? LEAST : runs > MOST ? MOST : runs;
}

static const char *times_text(double ratio, struct document *doc)
{
    return document_text(doc, ratio < 1000 ? "%.3g" : "%.0f", ratio);
}

/* Of two or three runs an interval may reach beyond all that means something. */
const char *view_takes_text(const struct result_comparison *comparison, struct document *doc)
{
    const double ratio = comparison->ratio, low = comparison->low, high = comparison->high;
    const double least = ratio > 0.02 ? 0.01 : ratio / 10, most = ratio < 50 ? 100 : 10 * ratio;
    const char *takes = document_text(doc, "takes %s times as long as natively", times_text(ratio, doc));
    if (!isfinite(low))
        return takes;
    return document_text(doc, "%s (%s%s … %s%s)", takes, low < least ? "under " : "",
        times_text(fmax(low, least), doc), high > most ? "over " : "", times_text(fmin(high, most), doc));
}

/* What CPU time tells where the clock tells nothing: "172 ms more CPU time than natively (129 ms … 214 ms)";
 * NULL: nothing. */
static const char *cpu_text(const struct ran_account *account, struct document *doc)
{
    const struct ran_sum *cpu = &account->cpu;
    if (!account->known || !(cpu->low_ns > 0 || cpu->high_ns < 0))
        return NULL;
    bool more = cpu->low_ns > 0;
    return document_text(doc, "%s %s CPU time than natively (%s … %s)",
        format_figure(UNIT_NS, fabs(cpu->difference_ns), 0).text, more ? "more" : "less",
        format_figure(UNIT_NS, more ? cpu->low_ns : -cpu->high_ns, 0).text,
        format_figure(UNIT_NS, more ? cpu->high_ns : -cpu->low_ns, 0).text);
}

/* The clock cannot tell a difference: what can be told besides, and how to learn more. `with` is " with 4K/4K
 * pages" or "", `takes` "takes 1.2 times as long as natively (0.9 … 1.5)". */
static void conclude_unclear(const struct result_cell *guest, const char *with, const char *takes,
    const char *incomplete, struct document *doc)
{
    const struct ran_account *account = &guest->ran.account;
    const char *name = cell_workload(guest), *cpu = cpu_text(account, doc);
    if (cpu)
        document_say(doc, BLOCK_CONCLUSION,
            "In a guest%s %s takes %s%s. By the clock no difference can be told: it %s.", with, name, cpu,
            incomplete, takes);
    else
        document_say(doc, BLOCK_CONCLUSION, "No difference can be told by the clock%s: in a guest%s %s %s%s.",
            account->known ? ", nor in CPU time" : "", with, name, takes, incomplete);
    view_add(doc, " More runs tell more: --runs %zu.", more_runs(guest));
}

static void conclude(const struct result *result, const struct result_cell *guest, struct document *doc)
{
    const char *name = cell_workload(guest), *incomplete = view_run_incomplete(result, doc),
               *pages = pages_text(guest, doc);
    const char *with = pages ? document_text(doc, " with %s pages", pages) : "";
    const struct result_comparison *comparison = view_comparison_of(result, guest);
    if (!comparison || !isfinite(comparison->ratio)) {
        const char *why = comparison ? comparison_reason(comparison) : cell_reason(guest);
        document_say(doc, BLOCK_CONCLUSION, "What virtualization costs %s%s could not be measured: %s.", name,
            with, why ? why : "there are too few runs");
        return;
    }
    const char *takes = view_takes_text(comparison, doc);
    if (comparison->low <= 1 && comparison->high >= 1)
        conclude_unclear(guest, with, takes, incomplete, doc);
    else
        document_say(doc, BLOCK_CONCLUSION, "In a guest%s %s %s%s.", with, name, takes, incomplete);
}

static const char *end_of(const struct result_cell *cell, struct document *doc)
{
    if (cell->ran.signal)
        return document_text(doc, "killed by signal %u", (unsigned)cell->ran.signal);
    return document_text(doc, "exit status %u", (unsigned)cell->ran.exit_status);
}

static void say_fidelity(
    const struct result_cell *native, const struct result_cell *guest, struct document *doc)
{
    if (guest->ran.fidelity == FIDELITY_SAME)
        document_say(doc, BLOCK_FACT, "It does the same in the guest (%s): %s.",
            guest->ran.compared ? guest->ran.compared : "exit status, stdout", end_of(guest, doc));
    if (guest->ran.fidelity == FIDELITY_DIFFERENT)
        document_say(doc, BLOCK_WARNING,
            "It does NOT do the same in the guest (%s differs: %s; natively %s): do not trust the times.",
            guest->ran.differs ? guest->ran.differs : "something", end_of(guest, doc), end_of(native, doc));
    if (guest->ran.fidelity == FIDELITY_NOT_COMPARABLE)
        document_say(doc, BLOCK_FACT,
            "Whether it does the same in the guest cannot be told: two native runs differ from each other. "
            "It ended with %s.",
            end_of(guest, doc));
}

static void say_refused(const struct result_cell *guest, struct document *doc)
{
    for (size_t i = 0; i < guest->ran.call_count; i++) {
        const struct ran_call *call = &guest->ran.calls[i];
        if (call->refused)
            document_say(doc, BLOCK_WARNING, "It asked for %s, which a domain refuses: %s.", call->name,
                call->refused);
    }
}

static void say_exits(const struct result *result, const struct result_cell *guest, struct document *doc)
{
    const uint64_t exits = guest->counters.exits;
    uint64_t calls = 0;
    if (!guest->counters.known || !exits)
        return;
    for (size_t i = 0; i < guest->ran.call_count; i++)
        calls += guest->ran.calls[i].count;
    document_say(doc, BLOCK_FACT, "In the last run it left the guest %s times, %s for system calls.",
        format_count(exits).text,
        calls == exits ? "all of them" : document_text(doc, "%s of them", format_count(calls).text));
    const struct result_comparison *comparison = view_comparison_of(result, guest);
    if (comparison && comparison->low > 1 && comparison->more_low_ns > 0)
        document_say(doc, BLOCK_FACT, "A run takes %s longer than natively.",
            format_figure(UNIT_NS, comparison->more_ns, 0).text);
}

static void say_faults(const struct result_cell *guest, struct document *doc)
{
    const struct ran_account *account = &guest->ran.account;
    double handled = 0;
    for (size_t i = 0; i < account->line_count; i++)
        if (!strcmp(account->lines[i].name, ran_causes[CAUSE_HANDLED_FAULTS].name))
            handled = account->lines[i].count;
    if (guest->ran.faults == RAN_FAULTS_DEMAND)
        document_say(doc, BLOCK_FACT,
            "Guest faults on demand: its tables got a page at the first touch, by %s page faults that the "
            "guest's own kernel handled.",
            format_count((uint64_t)round(handled)).text);
    if (guest->ran.faults == RAN_FAULTS_EAGER && guest->sample_count)
        document_say(doc, BLOCK_FACT, "Guest faults eager: its tables got pages as memory was mapped.");
}

static void say_pages(const struct result_cell *cell, struct document *doc)
{
    const char *pages = pages_text(cell, doc);
    if (pages && !cell->pages.as_asked)
        document_say(doc, BLOCK_WARNING, "Not all pages are as asked for, %s with %s: %s.", cell->label,
            pages, cell->pages.proof);
}

/* ---- tables ---- */

static void add_times(const struct result *result, struct document *doc)
{
    enum { WHERE, WALL, OTHERS, EXITS = 5, RUNS, PAGES, IN_GUEST, ON_HOST };
    static const struct column columns[] = {{.key = "where", .head = "", .unit = UNIT_TEXT},
        {.key = "wall", .unit = UNIT_NS, .interval = true}, {.key = "user", .unit = UNIT_NS},
        {.key = "system", .unit = UNIT_NS}, {.key = "memory", .unit = UNIT_BYTES},
        {.key = "exits", .unit = UNIT_COUNT, .drop = 1}, {.key = "runs", .unit = UNIT_COUNT, .drop = 2},
        {.key = "pages", .unit = UNIT_TEXT},
        {.key = "guest_share_2m", .head = "2M in guest", .unit = UNIT_SHARE},
        {.key = "host_share_2m", .head = "on host", .unit = UNIT_SHARE}};
    static const char *const names[] = {"user", "system", "peak_memory"};
    bool several = view_is_several(result);
    struct table *table =
        document_table(doc, "program", NULL, columns, sizeof columns / sizeof *columns, result->cell_count);
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        table_text(table, i, WHERE,
            several ? document_text(doc, "%s, %s", cell_workload(cell), cell->label) : cell->label);
        table_interval(table, i, WALL, cell->median, cell->low, cell->high);
        for (unsigned j = 0; j < sizeof names / sizeof *names; j++) {
            const struct result_metric *metric = view_metric_of(cell, names[j]);
            table_number(table, i, OTHERS + j, metric ? metric->value : NAN);
        }
        bool guest = cell->technique != TECHNIQUE_NONE && cell->counters.known;
        table_number(table, i, EXITS, guest ? (double)cell->counters.exits : NAN);
        table_number(table, i, RUNS, (double)cell->sample_count);
        if (!pages_text(cell, doc))
            continue;
        table_text(table, i, PAGES, pages_text(cell, doc));
        table_number(table, i, IN_GUEST, view_is_guest(cell) ? cell->pages.guest_share_2m : NAN);
        table_number(table, i, ON_HOST, cell->pages.host_share_2m);
    }
    view_drop_empty(table);
}

/* ---- one guest ---- */

/* Two virtual CPUs on two CPUs that others want, too, measure these others. */
static void say_busy(const struct result_cell *native, const struct result_cell *guest, struct document *doc)
{
    const double much = 0.1;
    const struct result_metric *of_native = view_metric_of(native, "kept"),
                               *of_guest = view_metric_of(guest, "kept");
    if (!of_native || !of_guest ||
        !(of_native->value > much * native->median || of_guest->value > much * guest->median))
        return;
    document_say(doc, BLOCK_FACT,
        "Others want its CPUs: its first thread waited %s for one natively and %s in the guest. CPU time "
        "tells more than the clock here.",
        format_figure(UNIT_NS, of_native->value, 0).text, format_figure(UNIT_NS, of_guest->value, 0).text);
}

static void say_steady(const struct ran_steady *steady, struct document *doc)
{
    if (steady->known)
        document_say(doc, BLOCK_FACT,
            "In the steady state that it marks it takes %.4g times as long (%.4g … %.4g): %s, natively %s.",
            steady->ratio, steady->low, steady->high, format_figure(UNIT_NS, steady->guest_ns, 0).text,
            format_figure(UNIT_NS, steady->native_ns, 0).text);
}

static void say_guest(const struct result *result, const struct result_cell *guest, struct document *doc)
{
    const struct result_cell *native = view_native_of(result, guest);
    conclude(result, guest, doc);
    if (!native)
        return;
    say_fidelity(native, guest, doc);
    if (native->ran.left_count)
        view_say_left(native->ran.left_count, native->ran.left_name, doc);
    say_refused(guest, doc);
    say_exits(result, guest, doc);
    say_faults(guest, doc);
    say_busy(native, guest, doc);
    say_steady(&guest->ran.steady, doc);
    view_program_say_account(&guest->ran.account, doc);
}

/* Of one program: its accounts, system calls, and what it touches. */
static void add_tables(const struct result *result, const char *name, struct document *doc)
{
    const struct result_cell *first = view_next_guest(result, NULL, name);
    for (const struct result_cell *cell = first; cell; cell = view_next_guest(result, cell, name))
        if (cell->ran.account.known)
            view_program_account(cell, pages_text(cell, doc), doc);
    if (first && first->ran.call_count)
        view_program_calls(first, doc);
    for (const struct result_cell *cell = first; cell; cell = view_next_guest(result, cell, name))
        view_heat(&cell->ran.heat, view_is_several(result) ? name : NULL, doc);
}

static void say_guests(const struct result *result, const char *name, struct document *doc)
{
    for (const struct result_cell *cell = NULL; (cell = view_next_guest(result, cell, name));)
        say_guest(result, cell, doc);
}

/* Each program under a heading of its own. */
static void add_programs(const struct result *result, struct document *doc)
{
    const char *before = NULL;
    for (const struct result_cell *cell = NULL; (cell = view_next_guest(result, cell, NULL));) {
        if (before && !strcmp(cell_workload(cell), before))
            continue;
        before = cell_workload(cell);
        document_say(doc, BLOCK_HEADING, "%s", before);
        say_guests(result, before, doc);
        add_tables(result, before, doc);
    }
}

void view_program(const struct result *result, struct document *doc)
{
    const struct result_cell *guest = view_next_guest(result, NULL, NULL);
    view_run_title(result, doc);
    if (!guest) {
        document_say(doc, BLOCK_CONCLUSION, "Nothing was measured%s.", view_run_incomplete(result, doc));
        return;
    }
    bool several = view_is_several(result);
    if (several)
        view_programs(result, doc);
    else
        say_guests(result, NULL, doc);
    for (size_t i = 0; i < result->cell_count; i++)
        say_pages(&result->cells[i], doc);
    view_run_machine(result, doc);
    view_run_below(result, doc);
    add_times(result, doc);
    if (several)
        add_programs(result, doc);
    else
        add_tables(result, cell_workload(guest), doc);
    document_details(doc, true);
    document_say(doc, BLOCK_SENTENCE,
        "Measured: natively and in a guest, in turns (A B, B A), each run from the start of its process to "
        "its end, that of the guest with making it. Times are medians over runs with their 95 %% interval; "
        "the ratio is the median over pairs. Peak memory is the largest resident set of a process of it. "
        "System calls are those of the last run, with what they took on the host, waiting included. The "
        "account: means over runs of what was counted, times what one takes more than natively, which a "
        "program of known operations tells on both sides, in turns with these runs. What changing memory "
        "takes besides the host's own calls is measured where it happens.");
    document_details(doc, false);
    view_program_files(result, doc);
    view_run_cells(result, doc);
}
