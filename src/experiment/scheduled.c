/* What is measured: rows of cells, and with which other cells each is compared. */
#include "experiment/metrics.h"
#include "experiment/schedule.h"

#include "runner/modelled.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a simulated machine: itself, natively, with the same host pages; where that does not take part, nothing.
 */
static size_t modelled_baseline(const struct scheduled *scheduled, size_t runner)
{
    const struct runner_config *config = &scheduled->runners[runner];
    for (size_t i = 0; i < scheduled->runner_count; i++) {
        const struct runner_config *other = &scheduled->runners[i];
        if (modelled_machine(other) == modelled_machine(config) && other->technique == TECHNIQUE_NONE &&
            other->placement == config->placement)
            return i;
    }
    return runner;
}

/* Native on the same memory; where that does not take part (another machine), the first native. */
static size_t baseline_of(const struct scheduled *scheduled, size_t runner)
{
    size_t first = runner;
    if (modelled_machine(&scheduled->runners[runner]))
        return modelled_baseline(scheduled, runner);
    for (size_t i = scheduled->runner_count; i-- > 0;) {
        if (scheduled->runners[i].ops != &runner_native)
            continue;
        if (scheduled->runners[i].placement == scheduled->runners[runner].placement)
            return i;
        first = i;
    }
    return first;
}

static struct result_modelled modelled_by(const struct modelled *modelled, struct pool *pool)
{
    const struct machine *machine = modelled->machine;
    char conditions[MODELLED_CONDITIONS_BYTES];
    modelled_conditions_text(&modelled->conditions, conditions);
    return (struct result_modelled){
        .machine = pool_text(pool, machine->name),
        .summary = pool_text(pool, machine->summary),
        .file = pool_text(pool, machine->file),
        .sha256 = pool_text(pool, machine->sha256),
        .year = machine->year,
        .ghz = machine->ghz,
        .conditions = conditions[0] ? pool_text(pool, conditions) : NULL,
        .hypothetical = !machine->has_nested &&
                        (modelled->technique == MODEL_NESTED || modelled->technique == MODEL_AGILE),
    };
}

static struct result_cell make_cell(
    const struct workload *workload, const struct runner_config *config, struct pool *pool)
{
    bool pages = !workload->kind->pageless;
    struct result_cell made = {
        .cell = {.monitor = pool_text(pool, config->name),
            .workload = *workload,
            .guest_page_bytes = pages ? config->guest_page_bytes : 0,
            .host_page_bytes = pages ? config->placement->config.memory.page_bytes : 0},
        .technique = config->technique,
        .deterministic = config->ops->deterministic,
        .pages = {.host_share_2m = NAN, .as_asked = !pages},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING,
        .counters = {.known = true},
    };
    if (config->modelled)
        made.modelled = modelled_by(config->modelled, pool);
    snprintf(made.label, sizeof made.label, "%s", config->label);
    cell_id(&made.cell, made.id);
    return made;
}

int scheduled_add_row(struct scheduled *scheduled, struct result *result, const struct workload *workloads,
    size_t count, struct error *error)
{
    size_t first = scheduled->cell_count, added = count * scheduled->runner_count;
    if (!added)
        return error_set(error, EINVAL, "nothing to run on");
    struct scheduled_row *rows = reallocarray(scheduled->rows, scheduled->row_count + 1, sizeof *rows);
    scheduled->rows = rows ? rows : scheduled->rows;
    struct scheduled_cell *cells = reallocarray(scheduled->cells, first + added, sizeof *cells);
    scheduled->cells = cells ? cells : scheduled->cells;
    struct result_cell *into = reallocarray(result->cells, result->cell_count + added, sizeof *into);
    result->cells = into ? into : result->cells;
    if (!rows || !cells || !into)
        return error_set(error, ENOMEM, "no memory for more cells");
    rows[scheduled->row_count++] = (struct scheduled_row){first, added};
    for (size_t i = 0; i < added; i++) {
        size_t runner = i / count, nth = i % count;
        cells[scheduled->cell_count++] = (struct scheduled_cell){
            .workload = workloads[nth],
            .runner = runner,
            .baselines = {first + baseline_of(scheduled, runner) * count + nth, first + i - nth},
        };
        into[result->cell_count++] = make_cell(&workloads[nth], &scheduled->runners[runner], &result->pool);
    }
    return result->pool.failed ? error_set(error, ENOMEM, "no memory for the names of cells") : 0;
}

void scheduled_free(struct scheduled *scheduled)
{
    for (size_t i = 0; i < scheduled->cell_count; i++)
        metrics_free(&scheduled->cells[i]);
    free(scheduled->rows);
    free(scheduled->cells);
    scheduled->rows = NULL;
    scheduled->cells = NULL;
}
