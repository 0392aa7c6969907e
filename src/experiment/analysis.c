/* From samples to figures. The unit is the placement: one median, or one median of paired ratios, each. */
#include "experiment/internal.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 256 };

/* When a reader should not build on a figure: an interval that reaches further than this to a side, or fewer
 * undisturbed samples than this share. */
static const double half_width_max = 0.05, undisturbed_share_min = 0.5;

typedef bool sample_filter(const struct result_sample *sample, unsigned placement);

static bool of_placement(const struct result_sample *sample, unsigned placement)
{
    return sample->placement == placement;
}

static bool undisturbed_of_placement(const struct result_sample *sample, unsigned placement)
{
    return sample->placement == placement && sample->disturbed == DISTURBED_NOT;
}

static size_t collect(
    const struct result_cell *cell, unsigned placement, sample_filter *filter, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < cell->sample_count && count < ROUNDS_MAX; i++)
        if (filter(&cell->samples[i], placement))
            values[count++] = cell->samples[i].ns;
    return count;
}

/* What a placement's figures are made of: its undisturbed samples, or all where every one was disturbed. */
static size_t collect_best(const struct result_cell *cell, unsigned placement, double *values)
{
    size_t count = collect(cell, placement, undisturbed_of_placement, values);
    return count ? count : collect(cell, placement, of_placement, values);
}

/* NAN without samples. */
static double placement_median(const struct result_cell *cell, unsigned placement)
{
    double values[ROUNDS_MAX];
    size_t count = collect_best(cell, placement, values);
    return statistics_median(values, count);
}

static size_t count_undisturbed(const struct result_cell *cell)
{
    size_t count = 0;
    for (size_t i = 0; i < cell->sample_count; i++)
        count += cell->samples[i].disturbed == DISTURBED_NOT;
    return count;
}

/* NAN without samples. */
static double placement_floor(const struct result_cell *cell, unsigned placement)
{
    double values[ROUNDS_MAX], least = NAN;
    for (size_t i = collect_best(cell, placement, values); i-- > 0;)
        least = fmin(least, values[i]); /* fmin prefers a number to NAN */
    return least;
}

/* The fastest of the samples that medians are made of. */
static double fastest(const struct result_cell *cell)
{
    double least = NAN;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++)
        least = fmin(least, placement_floor(cell, placement));
    return least;
}

struct estimate analyse_floors(const struct result_cell *cell)
{
    double floors[CHASE_PLACEMENTS_MAX];
    size_t count = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double least = placement_floor(cell, placement);
        if (!isnan(least))
            floors[count++] = least;
    }
    return statistics_estimate(floors, count);
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

static void analyse_cell(struct result_cell *cell, unsigned planned, const char *cut)
{
    double medians[CHASE_PLACEMENTS_MAX];
    size_t count = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double median = placement_median(cell, placement);
        if (!isnan(median))
            medians[count++] = median;
    }
    cell->placements = (unsigned)count;
    if (count == 0) {
        if (!cell->reason[0])
            snprintf(cell->reason, sizeof cell->reason, "%s", cut[0] ? cut : "not measured");
        return;
    }
    struct estimate estimate = statistics_estimate(medians, count);
    cell->median = estimate.median;
    cell->low = estimate.low;
    cell->high = estimate.high;
    cell->min = fastest(cell);
    analyse_shape(cell);
    judge(cell, planned, cut);
}

void analyse_cells(struct result *result, unsigned planned, const char *cut)
{
    for (size_t i = 0; i < result->cell_count; i++)
        analyse_cell(&result->cells[i], planned, cut);
}

/* ---- comparisons ---- */

static const struct result_sample *sample_of(
    const struct result_cell *cell, unsigned placement, unsigned round)
{
    for (size_t i = 0; i < cell->sample_count; i++)
        if (cell->samples[i].placement == placement && cell->samples[i].round == round)
            return &cell->samples[i];
    return NULL;
}

typedef double pair_figure(double cell, double baseline);

static double ratio_of(double cell, double baseline)
{
    return cell / baseline;
}

static double difference_of(double cell, double baseline)
{
    return cell - baseline;
}

/* The median over the rounds of one placement of a pair's figure: pairs of which neither was disturbed, or
 * all pairs where there is none such. NAN without pairs. */
static double paired(const struct result_cell *cell, const struct result_cell *baseline, unsigned placement,
    pair_figure *figure)
{
    double clean[ROUNDS_MAX], all[ROUNDS_MAX];
    size_t clean_count = 0, all_count = 0;
    for (size_t i = 0; i < cell->sample_count && all_count < ROUNDS_MAX; i++) {
        const struct result_sample *here = &cell->samples[i], *there;
        if (here->placement != placement || !(there = sample_of(baseline, placement, here->round)))
            continue;
        all[all_count++] = figure(here->ns, there->ns);
        if (here->disturbed == DISTURBED_NOT && there->disturbed == DISTURBED_NOT)
            clean[clean_count++] = figure(here->ns, there->ns);
    }
    return clean_count ? statistics_median(clean, clean_count) : statistics_median(all, all_count);
}

static size_t paired_placements(const struct result_cell *cell, const struct result_cell *baseline,
    pair_figure *figure, double figures[CHASE_PLACEMENTS_MAX])
{
    size_t count = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double found = paired(cell, baseline, placement, figure);
        if (!isnan(found))
            figures[count++] = found;
    }
    return count;
}

static bool compare(
    const struct result *result, size_t cell, size_t baseline, struct result_comparison *comparison)
{
    const struct result_cell *here = &result->cells[cell], *there = &result->cells[baseline];
    double figures[CHASE_PLACEMENTS_MAX];
    size_t count = paired_placements(here, there, difference_of, figures);
    if (count == 0)
        return false;
    struct estimate more = statistics_difference(figures, count);
    paired_placements(here, there, ratio_of, figures);
    struct estimate ratio = statistics_estimate(figures, count);
    *comparison = (struct result_comparison){
        .cell = cell,
        .baseline = baseline,
        .ratio = ratio.median,
        .low = ratio.low,
        .high = ratio.high,
        .more_ns = more.median,
        .more_low_ns = more.low,
        .more_high_ns = more.high,
        .placements = (unsigned)count,
    };
    return true;
}

void analyse_comparison(struct result *result, size_t cell, size_t baseline)
{
    if (compare(result, cell, baseline, &result->comparisons[result->comparison_count]))
        result->comparison_count++;
}

struct estimate analyse_difference(const struct result_cell *cell, const struct result_cell *other)
{
    double differences[CHASE_PLACEMENTS_MAX];
    size_t count = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double difference = placement_median(cell, placement) - placement_median(other, placement);
        if (!isnan(difference))
            differences[count++] = difference;
    }
    return statistics_difference(differences, count);
}

int analyse_comparisons(struct result *result, const struct row *row, struct error *error)
{
    result->comparisons = calloc(result->cell_count, sizeof *result->comparisons);
    if (!result->comparisons)
        return error_set(error, ENOMEM, "no memory for the comparisons");
    for (size_t cell = 0; cell < result->cell_count; cell++) {
        size_t lane = cell % row->count, baseline = cell - lane + row->lanes[lane].baseline;
        if (cell != baseline)
            analyse_comparison(result, cell, baseline);
    }
    return 0;
}
