/* All cells of a result as a table for files (CSV). */
#include "report/view_parts.h"

#include <math.h>
#include <string.h>

/* 0 is unknown. */
static double unless_zero(uint64_t count)
{
    return count ? (double)count : NAN;
}

void view_run_cells(const struct result *result, struct document *doc)
{
    static const struct result_cell any = {.cell.workload.kind = &workload_chase};
    struct table *table = NULL;
    for (size_t i = 0; i <= result->cell_count; i++) { /* the first one makes the table */
        const struct result_cell *cell = i ? &result->cells[i - 1] : &any;
        const struct chase_shape *chase = cell_chase(cell);
        const struct modes *modes = cell->modes.two ? &cell->modes : NULL;
        const struct result_comparison *against = NULL, *all = result->comparisons;
        bool counted = cell->counters.known;
        for (size_t k = 0; i && !against && k < result->comparison_count; k++)
            if (all[k].cell == i - 1 && all[k].baseline < result->cell_count)
                against = &all[k];
        const char *reason = cell_reason(cell),
                   *doubt = against ? comparison_doubt(result, against, COMPARISON_RATIO) : NULL;
        if (doubt && reason)
            reason = document_text(doc, "%s; %s", reason, doubt);
        const struct file_value values[] = {
            FILE_WORDS("id", cell->id),
            FILE_WORDS("workload", cell_workload(cell)),
            FILE_WORDS("monitor", cell->cell.monitor),
            FILE_WORDS(
                "technique", cell->technique == TECHNIQUE_UNKNOWN ? NULL : technique_name(cell->technique)),
            FILE_WORDS("label", cell->label),
            FILE_WORDS("order", chase ? chase_orders[chase->order].name : NULL),
            FILE_FIGURE("working_set_bytes", UNIT_BYTES, /* of an event: its size */
                unless_zero(workload_size(&cell->cell.workload))),
            FILE_FIGURE("element_bytes", UNIT_BYTES, chase ? (double)chase->element_bytes : NAN),
            FILE_WORDS("write", chase ? chase->write ? "true" : "false" : NULL),
            FILE_FIGURE("chains", UNIT_COUNT, chase ? chase->chains : NAN),
            FILE_FIGURE("guest_page_bytes", UNIT_BYTES, unless_zero(cell->cell.guest_page_bytes)),
            FILE_FIGURE("host_page_bytes", UNIT_BYTES, unless_zero(cell->cell.host_page_bytes)),
            FILE_FIGURE("guest_obtained_bytes", UNIT_BYTES, unless_zero(cell->pages.guest_bytes)),
            FILE_FIGURE("host_share_2m", UNIT_SHARE, cell->pages.host_share_2m),
            FILE_WORDS("unit", "ns"),
            FILE_FIGURE("median", UNIT_NS, cell->median),
            FILE_FIGURE("low", UNIT_NS, cell->low),
            FILE_FIGURE("high", UNIT_NS, cell->high),
            FILE_FIGURE("min", UNIT_NS, cell->min),
            FILE_FIGURE("samples", UNIT_COUNT, (double)cell->sample_count),
            FILE_FIGURE("placements", UNIT_COUNT, cell->placements),
            FILE_FIGURE("repeated", UNIT_COUNT, cell->repeated),
            FILE_FIGURE("exits", UNIT_COUNT,
                counted && !cell_without_guest(cell) ? (double)cell->counters.exits : NAN),
            FILE_FIGURE("page_faults", UNIT_COUNT, counted ? (double)cell->counters.page_faults : NAN),
            FILE_WORDS("quality", quality_names[cell->quality]),
            FILE_FIGURE("ratio", UNIT_RATIO, against ? against->ratio : NAN),
            FILE_FIGURE("ratio_low", UNIT_RATIO, against ? against->low : NAN),
            FILE_FIGURE("ratio_high", UNIT_RATIO, against ? against->high : NAN),
            FILE_FIGURE("ratio_placements", UNIT_COUNT, against ? against->placements : NAN),
            FILE_WORDS("baseline", against ? result->cells[against->baseline].id : NULL),
            FILE_WORDS("reason", reason    ? reason
                                 : doubt   ? doubt
                                 : against ? comparison_reason(against)
                                           : NULL),
            FILE_FIGURE("operations", UNIT_COUNT, unless_zero(cell->operations)),
            FILE_WORDS("operation", workload_operation(&cell->cell.workload)),
            FILE_WORDS("note", cell->note),
            FILE_FIGURE("modes_low", UNIT_NS, modes ? modes->low : NAN),
            FILE_FIGURE("modes_high", UNIT_NS, modes ? modes->high : NAN),
            FILE_FIGURE("modes_share_high", UNIT_SHARE, modes ? modes->share_high : NAN),
            FILE_WORDS("modes_of", modes ? modes->of_placements ? "placements" : "samples" : NULL),
            FILE_FIGURE("trend_percent", UNIT_RATIO, cell->trend_percent ? cell->trend_percent : NAN),
            FILE_FIGURE("drift_percent", UNIT_RATIO, cell->drift_percent ? cell->drift_percent : NAN),
            FILE_WORDS("modelled", cell->modelled.machine), /* empty: it was measured */
            FILE_WORDS("machine_file", cell->modelled.file),
            FILE_WORDS("machine_sha256", cell->modelled.sha256),
        };
        size_t count = sizeof values / sizeof *values;
        if (i)
            view_file_row(table, i - 1, values, count);
        else
            table = view_file_table(doc, "cells", values, count, result->cell_count);
    }
}
