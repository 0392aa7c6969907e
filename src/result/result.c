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
    host_free(&result->host);
    pool_free(&result->pool);
    *result = (struct result){0};
}

const char *cell_reason(const struct result_cell *cell)
{
    if (cell->reason[0])
        return cell->reason;
    if (!isfinite(cell->median) || !isfinite(cell->min))
        return "there is no sample";
    if (!isfinite(cell->low) || !isfinite(cell->high))
        return cell->deterministic ? "it is the same each time, and has no interval"
                                   : "an interval needs at least two placements";
    return cell->quality == QUALITY_GOOD ? NULL : "the experiment did not tell why";
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
    if (!isfinite(comparison->ratio))
        return "one of the two cells has no figure";
    if (isfinite(comparison->low) && isfinite(comparison->high))
        return NULL;
    return comparison->placements < 2 ? "an interval needs at least two placements"
                                      : "no interval could be made";
}

void result_qualities(const struct result *result, unsigned counts[static QUALITIES])
{
    memset(counts, 0, QUALITIES * sizeof *counts);
    for (size_t i = 0; i < result->cell_count; i++)
        counts[result->cells[i].quality]++;
}
