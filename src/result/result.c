#include "result/result.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct tool this_tool = {.version = VCOST_VERSION, .build = ""};

const char *const quality_names[QUALITIES] = {"good", "noisy", "interrupted", "missing"};
const char *const reach_kind_names[REACH_KINDS] = {"unknown", "cache", "tlb"};

int result_set_command(struct result *result, int argc, char *const *argv, struct error *error)
{
    const char **words = argc > 0 ? pool_room(&result->pool, (size_t)argc, sizeof *words) : NULL;
    for (int i = 0; words && i < argc; i++)
        words[i] = pool_text(&result->pool, argv[i]);
    if (result->pool.failed)
        return error_set(error, ENOMEM, "no memory to keep the command");
    result->command = words;
    result->command_count = words ? (size_t)argc : 0;
    return 0;
}

const struct monitor_facts *result_monitor(const struct result *result, const char *name)
{
    for (size_t i = 0; i < result->monitor_count; i++)
        if (!strcmp(result->monitors[i].name, name))
            return &result->monitors[i];
    return NULL;
}

void result_set_monitor(struct result *result, const struct monitor_facts *facts)
{
    const struct monitor_facts *known = result_monitor(result, facts->name);
    if (known)
        result->monitors[known - result->monitors] = *facts;
    else if (result->monitor_count < RESULT_MONITORS_MAX)
        result->monitors[result->monitor_count++] = *facts;
}

void result_change_phrase(const struct result_change *change, char text[static RESULT_CHANGE_BYTES])
{
    snprintf(text, RESULT_CHANGE_BYTES, "%s was %s, is %s%s", change->title, change->was, change->is,
        change->another_machine ? "; what was measured before is another machine's, and counts only where "
                                  "nothing else was measured"
                                : "");
}

const struct tool *result_tool(const struct result *result)
{
    return result->tool.version ? &result->tool : &this_tool;
}

void result_free(struct result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < result->cell_count; i++) {
        free(result->cells[i].samples);
        free(result->cells[i].metrics);
    }
    free(result->cells);
    free(result->comparisons);
    free(result->reaches);
    free(result->agents);
    free(result->settings);
    free(result->changes);
    findings_free(&result->findings);
    for (size_t i = 0; i < result->round_count; i++)
        findings_free(&result->rounds[i].findings);
    free(result->rounds);
    free(result->verified);
    free(result->trials);
    advice_free(&result->advice);
    host_free(&result->host);
    pool_free(&result->pool);
    *result = (struct result){0};
}

bool result_modelled(const struct result *result)
{
    size_t i = 0;
    while (i < result->cell_count && cell_modelled(&result->cells[i]))
        i++;
    return result->cell_count && i == result->cell_count;
}

const char *cell_reason(const struct result_cell *cell)
{
    if (cell->reason[0])
        return cell->reason;
    if (!isfinite(cell->median) || !isfinite(cell->min))
        return "there is no sample";
    if (!isfinite(cell->low) || !isfinite(cell->high))
        return cell->deterministic ? "it is modelled, the same each time: there is no interval"
                                   : "an interval needs at least two placements";
    return cell->quality == QUALITY_GOOD ? NULL : "the experiment did not tell why";
}

static size_t disturbed_samples(const struct result_cell *cell)
{
    size_t count = 0;
    for (size_t i = 0; i < cell->sample_count; i++)
        count += cell->samples[i].disturbed != DISTURBED_NOT;
    return count;
}

const char *cell_unlike(const struct result_cell *cell)
{
    const struct workload_kind *kind = cell->cell.workload.kind;
    if (!cell_measured(cell))
        return cell_reason(cell);
    if (cell->pages.as_asked || (kind && kind->pageless))
        return NULL;
    return cell->reason[0] ? cell->reason : "not the pages that were asked for";
}

const char *cell_unfit(const struct result_cell *cell)
{
    const char *unlike = cell_unlike(cell);
    if (unlike)
        return unlike;
    bool all = cell->sample_count && disturbed_samples(cell) == cell->sample_count;
    return all ? "every sample was disturbed" : NULL;
}

static void name_cell(const struct result_cell *cell, const char *reason, char why[static WHY_BYTES])
{
    snprintf(why, WHY_BYTES, "%.79s: %.150s", cell->id, reason);
}

bool cells_unfit(const struct result_cell *cell, const struct result_cell *other, char why[static WHY_BYTES])
{
    const struct result_cell *unfit = cell_unfit(cell) ? cell : other;
    const char *reason = cell_unfit(unfit);
    if (reason)
        name_cell(unfit, reason, why);
    return reason != NULL;
}

void comparison_withhold(struct result_comparison *comparison, const struct result_cell *cells)
{
    const struct result_cell *cell = &cells[comparison->cell], *baseline = &cells[comparison->baseline];
    const struct result_cell *unlike = cell_measured(cell) && cell_unlike(cell) ? cell : baseline;
    if (!cell_measured(unlike) || !cell_unlike(unlike))
        return;
    name_cell(unlike, cell_unlike(unlike), comparison->reason);
    comparison->ratio = comparison->low = comparison->high = NAN;
    comparison->more_ns = comparison->more_low_ns = comparison->more_high_ns = NAN;
}

const char *cell_without_guest(const struct result_cell *cell)
{
    if (!strncmp(cell->cell.monitor, "command:", 8))
        return "what is below another machine is not seen from inside";
    if (cell->cell.guest_page_bytes ||
        (cell->cell.workload.kind->pageless && cell->technique != TECHNIQUE_NONE))
        return NULL;
    return "native code runs in no guest of vcost's";
}

const char *comparison_reason(const struct result_comparison *comparison)
{
    if (!isfinite(comparison->ratio) && comparison->reason[0])
        return comparison->reason;
    if (isfinite(comparison->low) && isfinite(comparison->high))
        return NULL;
    if (!comparison->placements)
        return "too disturbed: in every pair of samples one was disturbed";
    if (!isfinite(comparison->ratio))
        return "one of the two cells has no figure above 0";
    return comparison->placements < 2 ? "an interval needs at least two placements"
                                      : "no interval could be made";
}

/* Two figures for the same thing, and the interval of the first. */
static bool contradict(double gap, bool outside)
{
    static const double always = 0.4, beyond_interval = 0.1; /* logarithm of a ratio, or share of the time */
    return fabs(gap) > always || (outside && fabs(gap) > beyond_interval);
}

const char *comparison_doubt(
    const struct result *result, const struct result_comparison *comparison, enum comparison_figure figure)
{
    const struct result_cell *cell = &result->cells[comparison->cell],
                             *baseline = &result->cells[comparison->baseline];
    if (comparison->reason[0]) /* there is none, which is no doubt */
        return NULL;
    double more = cell->median - baseline->median, ratio = cell->median / baseline->median;
    bool contradicts =
        figure == COMPARISON_RATIO
            ? contradict(log(ratio / comparison->ratio), ratio < comparison->low || ratio > comparison->high)
            : contradict((more - comparison->more_ns) / fmax(cell->median, baseline->median),
                  more < comparison->more_low_ns || more > comparison->more_high_ns);
    if (contradicts)
        return "too disturbed: the pairs of its samples and its two medians contradict each other";
    bool several = cell->placements > 1 && baseline->placements > 1;
    if (several && comparison->placements == 1)
        return "too disturbed: only one placement has undisturbed pairs of samples";
    return several && !comparison->placements ? comparison_reason(comparison) : NULL;
}

void result_qualities(const struct result *result, unsigned counts[static QUALITIES])
{
    memset(counts, 0, QUALITIES * sizeof *counts);
    for (size_t i = 0; i < result->cell_count; i++)
        counts[result->cells[i].quality]++;
}
