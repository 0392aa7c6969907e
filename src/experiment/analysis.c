/* From samples to what a result says of them: figures (result/figures.h), their shape, and how far a reader
 * may build on them. */
#include "experiment/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* When a reader should not build on a figure: an interval that reaches further than this to a side, or fewer
 * undisturbed samples than this share. */
static const double half_width_max = 0.05, undisturbed_share_min = 0.5;

static size_t count_undisturbed(const struct result_cell *cell)
{
    size_t count = 0;
    for (size_t i = 0; i < cell->sample_count; i++)
        count += cell->samples[i].disturbed == DISTURBED_NOT;
    return count;
}

static void judge(struct result_cell *cell, unsigned planned, const char *cut)
{
    double share = (double)count_undisturbed(cell) / (double)cell->sample_count;
    double half = fmax(cell->high / cell->median - 1, 1 - cell->low / cell->median);
    cell->quality = QUALITY_GOOD;
    if (!cell->pages.as_asked) { /* before all else: nothing else may hide it */
        cell->quality = cell->placements < planned ? QUALITY_INTERRUPTED : QUALITY_NOISY;
        snprintf(cell->reason, sizeof cell->reason, "not the pages that were asked for: %.120s",
            cell->pages.proof);
    } else if (cell->placements < planned) {
        cell->quality = QUALITY_INTERRUPTED;
        snprintf(
            cell->reason, sizeof cell->reason, "%u of %u placements: %.120s", cell->placements, planned, cut);
    } else if (share < undisturbed_share_min) {
        cell->quality = QUALITY_NOISY;
        snprintf(cell->reason, sizeof cell->reason, "%zu of %zu samples were disturbed",
            cell->sample_count - count_undisturbed(cell), cell->sample_count);
    } else if (!(half <= half_width_max)) {
        cell->quality = QUALITY_NOISY;
        snprintf(cell->reason, sizeof cell->reason,
            "placements differ: the interval reaches %.0f %% to a side", 100 * half);
    }
}

static int analyse_cell(struct result_cell *cell, unsigned planned, const char *cut)
{
    int status = figures_set_cell(cell);
    if (!status && cell->placements) {
        status = analyse_shape(cell);
        judge(cell, planned, cut);
    } else if (!cell->reason[0]) {
        snprintf(cell->reason, sizeof cell->reason, "%s", cut[0] ? cut : "not measured");
    }
    return status;
}

static int no_memory(struct error *error)
{
    return error_set(error, ENOMEM, "no memory for the figures of the samples");
}

int analyse_cells(struct result *result, unsigned planned, const char *cut, struct error *error)
{
    int status = 0;
    for (size_t i = 0; !status && i < result->cell_count; i++)
        status = analyse_cell(&result->cells[i], planned, cut);
    return status ? no_memory(error) : 0;
}

int analyse_comparison(struct result *result, size_t cell, size_t baseline, struct error *error)
{
    struct result_comparison *comparison = &result->comparisons[result->comparison_count];
    *comparison = (struct result_comparison){.cell = cell, .baseline = baseline};
    if (figures_set_comparison(&result->cells[cell], &result->cells[baseline], comparison))
        return no_memory(error);
    result->comparison_count += comparison->placements > 0;
    return 0;
}

int analyse_comparisons(struct result *result, const struct row *row, struct error *error)
{
    int status = 0;
    result->comparisons = calloc(result->cell_count, sizeof *result->comparisons);
    if (!result->comparisons)
        return error_set(error, ENOMEM, "no memory for the comparisons");
    for (size_t cell = 0; !status && cell < result->cell_count; cell++) {
        size_t lane = cell % row->count, baseline = cell - lane + row->lanes[lane].baseline;
        if (cell != baseline)
            status = analyse_comparison(result, cell, baseline, error);
    }
    return status;
}
