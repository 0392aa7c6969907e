#include "experiment/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct result_cell make_cell(const struct chase_experiment *experiment, size_t shape, size_t runner)
{
    const struct runner_type *type = experiment->runners[runner];
    struct result_cell made = {
        .cell = {.monitor = type->name,
            .chase = experiment->shapes[shape],
            .guest_page_bytes = type->monitor ? 4 * KIB : 0,
            .host_page_bytes = 4 * KIB},
        .technique = type->monitor ? experiment->kvm.technique : TECHNIQUE_NONE,
        .pages = {.host_share_2m = NAN},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING,
        .counters = {.known = true},
    };
    cell_id(&made.cell, made.id);
    if (type->monitor)
        monitor_label(&experiment->kvm, type->name, made.label);
    else
        snprintf(made.label, sizeof made.label, "%s", type->name);
    return made;
}

int make_cells(const struct chase_experiment *experiment, struct result *result, struct error *error)
{
    size_t count = experiment->shape_count * experiment->runner_count;
    result->cells = calloc(count, sizeof *result->cells);
    if (!result->cells)
        return error_set(error, ENOMEM, "no memory for %zu cells", count);
    result->cell_count = count;
    for (size_t i = 0; i < count; i++)
        result->cells[i] = make_cell(experiment, i / experiment->runner_count, i % experiment->runner_count);
    return 0;
}

int add_sample(struct result_cell *cell, const struct result_sample *sample, struct error *error)
{
    struct result_sample *grown = realloc(cell->samples, (cell->sample_count + 1) * sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "no memory for another sample");
    cell->samples = grown;
    cell->samples[cell->sample_count++] = *sample;
    return 0;
}
