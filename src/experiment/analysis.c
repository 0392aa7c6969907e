/* From samples to what a result says of them: figures (result/figures.h), their shape, and how far a reader
 * may build on them. */
#include "experiment/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void begin_result(struct result *result, const char *experiment, uint64_t seed)
{
    time_t now = time(NULL);
    struct tm utc;
    *result = (struct result){.complete = true, .experiment = experiment, .seed = seed};
    gmtime_r(&now, &utc);
    strftime(result->started, sizeof result->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

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

static void judge(struct result_cell *cell, bool whole, unsigned planned, const char *cut)
{
    double share = (double)count_undisturbed(cell) / (double)cell->sample_count;
    double half = fmax(cell->high / cell->median - 1, 1 - cell->low / cell->median);
    cell->quality = QUALITY_GOOD;
    if (!cell->pages.as_asked) { /* before all else: nothing else may hide it */
        cell->quality = !whole ? QUALITY_INTERRUPTED : QUALITY_NOISY;
        snprintf(cell->reason, sizeof cell->reason, "not the pages that were asked for: %.120s",
            cell->pages.proof);
    } else if (!whole) {
        cell->quality = QUALITY_INTERRUPTED;
        snprintf(
            cell->reason, sizeof cell->reason, "%u of %u placements: %.120s", cell->placements, planned, cut);
    } else if (share < undisturbed_share_min) {
        cell->quality = QUALITY_NOISY;
        snprintf(cell->reason, sizeof cell->reason, "%zu of %zu samples were disturbed",
            cell->sample_count - count_undisturbed(cell), cell->sample_count);
    } else if (planned > 1 && !(half <= half_width_max)) {
        cell->quality = QUALITY_NOISY;
        if (isfinite(half))
            snprintf(cell->reason, sizeof cell->reason,
                "placements differ: the interval reaches %.0f %% to a side", 100 * half);
        else
            snprintf(cell->reason, sizeof cell->reason, "no interval could be made of what was measured");
    }
}

int analyse_cell(struct result_cell *cell, unsigned planned, const char *cut, struct error *error)
{
    char failed[sizeof cell->reason];
    snprintf(failed, sizeof failed, "%s", cell->reason);
    const char *why = failed[0] ? failed : cut;
    if (figures_set_cell(cell) || (cell->placements && analyse_shape(cell)))
        return error_set(error, ENOMEM, "no memory for the figures of the samples");
    cell->reason[0] = '\0';
    if (cell->placements)
        judge(cell, !failed[0] && cell->placements >= planned, planned, why);
    else
        snprintf(cell->reason, sizeof cell->reason, "%.158s", why[0] ? why : "not measured");
    return 0;
}

/* What is always the same has no pairs: the other's interval is all the interval there is. */
static void compare_unpaired(
    const struct result_cell *cell, const struct result_cell *baseline, struct result_comparison *made)
{
    bool varies = cell->placements > 1, other = baseline->placements > 1;
    if (!cell->placements || !baseline->placements)
        return;
    made->placements = other ? baseline->placements : cell->placements;
    made->ratio = cell->median / baseline->median;
    made->more_ns = cell->median - baseline->median;
    made->low = made->high = made->more_low_ns = made->more_high_ns = NAN;
    if (varies || other) {
        double low = varies ? cell->low : cell->median, high = varies ? cell->high : cell->median;
        double least = other ? baseline->low : baseline->median;
        double most = other ? baseline->high : baseline->median;
        made->low = low / most;
        made->high = high / least;
        made->more_low_ns = low - most;
        made->more_high_ns = high - least;
    }
}

int analyse_comparison(struct result *result, size_t cell, size_t baseline, bool paired, struct error *error)
{
    struct result_comparison made = {.cell = cell, .baseline = baseline};
    struct result_comparison *grown =
        reallocarray(result->comparisons, result->comparison_count + 1, sizeof *grown);
    result->comparisons = grown ? grown : result->comparisons;
    if (!paired)
        compare_unpaired(&result->cells[cell], &result->cells[baseline], &made);
    if (!grown || (paired && figures_set_comparison(&result->cells[cell], &result->cells[baseline], &made)))
        return error_set(error, ENOMEM, "no memory for the figures of the samples");
    comparison_withhold(&made, result->cells);
    grown[result->comparison_count] = made;
    result->comparison_count += result->cells[cell].placements && result->cells[baseline].placements;
    return 0;
}
