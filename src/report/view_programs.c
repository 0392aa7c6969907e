/* Several programs of `vcost run` side by side. */
#include "report/format.h"
#include "report/view_parts.h"
#include "report/view_program.h"

#include <math.h>
#include <string.h>

bool view_is_several(const struct result *result)
{
    const struct result_cell *first = view_next_guest(result, NULL, NULL);
    for (const struct result_cell *cell = first; cell; cell = view_next_guest(result, cell, NULL))
        if (strcmp(cell_workload(cell), cell_workload(first)) != 0)
            return true;
    return false;
}

/* "sort takes 1.42 times as long as natively (1.3 … 1.6)" */
static const char *ratio_text(
    const struct result *result, const struct result_comparison *comparison, struct document *doc)
{
    return document_text(doc, "%s %s%s", cell_workload(&result->cells[comparison->cell]),
        view_takes_text(comparison, doc),
        comparison->low <= 1 && comparison->high >= 1 ? ", by the clock not significant" : "");
}

static void conclude(const struct result *result, struct document *doc)
{
    const struct result_comparison *most = NULL, *least = NULL;
    size_t count = 0;
    for (const struct result_cell *cell = NULL; (cell = view_next_guest(result, cell, NULL));) {
        const struct result_comparison *found = view_comparison_of(result, cell);
        if (!found || !isfinite(found->ratio))
            continue;
        count++;
        most = !most || found->ratio > most->ratio ? found : most;
        least = !least || found->ratio < least->ratio ? found : least;
    }
    if (count < 2) {
        document_say(doc, BLOCK_CONCLUSION, "%s could be measured%s%s%s.",
            count ? "Only one of the programs" : "None of the programs", count ? ": in a guest " : "",
            count ? ratio_text(result, most, doc) : "", view_run_incomplete(result, doc));
        return;
    }
    document_say(doc, BLOCK_CONCLUSION, "In a guest %s, the most, and %s, the least%s.",
        ratio_text(result, most, doc), ratio_text(result, least, doc), view_run_incomplete(result, doc));
}

/* ---- a line for each ---- */

static void add_line(
    const struct result *result, const struct result_cell *guest, struct table *table, size_t row)
{
    enum { PROGRAM, NATIVE, GUEST, RATIO, SAME, MORE, EXPLAINED, UNEXPLAINED };
    const struct result_cell *native = view_native_of(result, guest);
    const struct result_comparison *comparison = view_comparison_of(result, guest);
    const struct ran_sum *cpu = &guest->ran.account.cpu;
    table_text(table, row, PROGRAM, cell_workload(guest));
    table_number(table, row, NATIVE, native ? native->median : NAN);
    table_number(table, row, GUEST, guest->median);
    if (comparison)
        table_interval(table, row, RATIO, comparison->ratio, comparison->low, comparison->high);
    if (guest->ran.account.known) {
        table_interval(table, row, MORE, cpu->difference_ns, cpu->low_ns, cpu->high_ns);
        table_interval(
            table, row, EXPLAINED, cpu->explained_ns, cpu->explained_low_ns, cpu->explained_high_ns);
        table_interval(
            table, row, UNEXPLAINED, cpu->unexplained_ns, cpu->unexplained_low_ns, cpu->unexplained_high_ns);
    }
    table_text(table, row, SAME,
        guest->ran.fidelity == FIDELITY_UNKNOWN ? "not run" : fidelity_names[guest->ran.fidelity]);
}

static void add_lines(const struct result *result, struct document *doc)
{
    static const struct column columns[] = {{.key = "program", .unit = UNIT_TEXT},
        {.key = "native", .unit = UNIT_NS}, {.key = "guest", .unit = UNIT_NS},
        {.key = "ratio", .unit = UNIT_RATIO, .interval = true, .bare = true},
        {.key = "fidelity", .unit = UNIT_TEXT},
        {.key = "more", .unit = UNIT_NS, .block = "CPU time", .sign = true},
        {.key = "explained", .unit = UNIT_NS, .block = "CPU time", .sign = true},
        {.key = "unexplained", .unit = UNIT_NS, .block = "CPU time", .sign = true, .interval = true}};
    const struct result_cell *cell;
    size_t rows = 0;
    for (cell = NULL; (cell = view_next_guest(result, cell, NULL));)
        rows++;
    struct table *table =
        document_table(doc, "programs", NULL, columns, sizeof columns / sizeof *columns, rows);
    rows = 0;
    for (cell = NULL; (cell = view_next_guest(result, cell, NULL));)
        add_line(result, cell, table, rows++);
    for (cell = NULL; (cell = view_next_guest(result, cell, NULL));)
        if (!cell_measured(cell) && cell->reason[0])
            document_say(doc, BLOCK_NOTE, "%s: %s.", cell_workload(cell), cell->reason);
}

void view_programs(const struct result *result, struct document *doc)
{
    conclude(result, doc);
    add_lines(result, doc);
}
