/* What `vcost run` found, for people: what it costs the program, whether it does the same, and what it left
 * the guest for. */
#include "report/format.h"
#include "report/view_parts.h"
#include "report/views.h"
#include "runner/run_kind.h"

#include <math.h>
#include <string.h>

static const struct result_cell *find(const struct result *result, bool guest)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (run_of(&result->cells[i].cell.workload) &&
            (result->cells[i].technique != TECHNIQUE_NONE) == guest)
            return &result->cells[i];
    return NULL;
}

static const struct result_metric *metric_of(const struct result_cell *cell, const char *name)
{
    for (size_t i = 0; i < cell->metric_count; i++)
        if (!strcmp(cell->metrics[i].name, name))
            return &cell->metrics[i];
    return NULL;
}

/* ---- what a person can repeat ---- */

static void conclude(const struct result *result, const struct result_cell *guest, struct document *doc)
{
    const char *name = cell_workload(guest), *incomplete = view_run_incomplete(result, doc);
    const struct result_comparison *comparison = result->comparison_count ? &result->comparisons[0] : NULL;
    if (!comparison || !isfinite(comparison->ratio)) {
        const char *why = comparison ? comparison_reason(comparison) : cell_reason(guest);
        document_say(doc, BLOCK_CONCLUSION, "What virtualization costs %s could not be measured: %s.", name,
            why ? why : "there are too few runs");
        return;
    }
    double ratio = comparison->ratio, low = comparison->low, high = comparison->high;
    if (low <= 1 && high >= 1)
        document_say(doc, BLOCK_CONCLUSION,
            "No difference can be told: in a guest %s takes %.3g times as long as natively (%.3g … %.3g)%s.",
            name, ratio, low, high, incomplete);
    else if (isfinite(low))
        document_say(doc, BLOCK_CONCLUSION,
            "In a guest %s takes %.3g times as long as natively (%.3g … %.3g)%s.", name, ratio, low, high,
            incomplete);
    else
        document_say(doc, BLOCK_CONCLUSION, "In a guest %s takes %.3g times as long as natively%s.", name,
            ratio, incomplete);
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
        document_say(doc, BLOCK_FACT, "It does the same in the guest: stdout and %s.", end_of(guest, doc));
    if (guest->ran.fidelity == FIDELITY_DIFFERENT)
        document_say(doc, BLOCK_WARNING,
            "It does NOT do the same in the guest (%s; natively %s): do not trust the times.",
            end_of(guest, doc), end_of(native, doc));
    if (guest->ran.fidelity == FIDELITY_NOT_COMPARABLE)
        document_say(doc, BLOCK_FACT,
            "Whether it does the same in the guest cannot be told: two native runs differ from each other. "
            "It "
            "ended with %s.",
            end_of(guest, doc));
}

static void say_exits(const struct result *result, const struct result_cell *guest, struct document *doc)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < guest->ran.call_count; i++)
        calls += guest->ran.calls[i].count;
    if (!guest->counters.known || !guest->counters.exits)
        return;
    document_say(doc, BLOCK_FACT, "It left the guest %s times, %s of them for system calls.",
        format_count(guest->counters.exits).text, format_count(calls).text);
    const struct result_comparison *comparison = result->comparison_count ? &result->comparisons[0] : NULL;
    if (comparison && isfinite(comparison->more_ns) && comparison->more_ns > 0)
        document_say(doc, BLOCK_FACT, "That is %s more a run than natively.",
            format_figure(UNIT_NS, comparison->more_ns, 0).text);
}

/* ---- tables ---- */

static void add_times(const struct result *result, struct document *doc)
{
    static const struct column columns[] = {{.key = "where", .head = "", .unit = UNIT_TEXT},
        {.key = "wall", .unit = UNIT_NS, .interval = true}, {.key = "user", .unit = UNIT_NS},
        {.key = "system", .unit = UNIT_NS}, {.key = "memory", .unit = UNIT_BYTES},
        {.key = "exits", .unit = UNIT_COUNT, .drop = 1}, {.key = "runs", .unit = UNIT_COUNT, .drop = 2}};
    static const char *const names[] = {"user", "system", "peak_memory"};
    struct table *table =
        document_table(doc, "program", NULL, columns, sizeof columns / sizeof *columns, result->cell_count);
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        table_text(table, i, 0, cell->label);
        table_interval(table, i, 1, cell->median, cell->low, cell->high);
        for (unsigned j = 0; j < sizeof names / sizeof *names; j++) {
            const struct result_metric *metric = metric_of(cell, names[j]);
            table_number(table, i, 2 + j, metric ? metric->value : NAN);
        }
        bool guest = cell->technique != TECHNIQUE_NONE && cell->counters.known;
        table_number(table, i, 5, guest ? (double)cell->counters.exits : NAN);
        table_number(table, i, 6, (double)cell->sample_count);
    }
}

static void add_calls(const struct result_cell *guest, struct document *doc)
{
    enum { SHOWN = 8 };
    static const struct column columns[] = {{.key = "system call", .unit = UNIT_TEXT},
        {.key = "count", .unit = UNIT_COUNT}, {.key = "time", .head = "on the host", .unit = UNIT_NS}};
    const struct result_ran *ran = &guest->ran;
    struct table *table = document_table(doc, "calls", "System calls, the most time first", columns,
        sizeof columns / sizeof *columns, ran->call_count);
    for (size_t i = 0; i < ran->call_count; i++) {
        table_text(table, i, 0, ran->calls[i].name);
        table_number(table, i, 1, (double)ran->calls[i].count);
        table_number(table, i, 2, ran->calls[i].ns);
        if (i >= SHOWN)
            table_at(table, i, 0)->detail = true;
    }
    if (ran->call_count > SHOWN)
        document_say(doc, BLOCK_NOTE, "%zu more system calls: --verbose.", ran->call_count - SHOWN);
}

void view_program(const struct result *result, struct document *doc)
{
    const struct result_cell *native = find(result, false), *guest = find(result, true);
    view_run_title(result, doc);
    if (!native || !guest) {
        document_say(doc, BLOCK_CONCLUSION, "Nothing was measured%s.", view_run_incomplete(result, doc));
        return;
    }
    conclude(result, guest, doc);
    say_fidelity(native, guest, doc);
    say_exits(result, guest, doc);
    view_run_machine(result, doc);
    view_run_below(result, doc);
    add_times(result, doc);
    if (guest->ran.call_count)
        add_calls(guest, doc);
    document_details(doc, true);
    document_say(doc, BLOCK_SENTENCE,
        "Measured: natively and in a guest, in turns (A B, B A), each run from the start of its process to "
        "its end, that of the guest with making it. Times are medians over runs with their 95 %% interval; "
        "the ratio is the median over pairs. Peak memory is the largest resident set of a process of it. "
        "System calls are those of the last run, with what they took on the host, waiting included.");
    document_details(doc, false);
    view_run_cells(result, doc);
}
