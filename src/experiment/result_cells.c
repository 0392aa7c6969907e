#include "experiment/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct result_cell make_cell(
    const struct chase_shape *shape, const struct site *site, const struct lane *lane, struct pool *pool)
{
    struct result_cell made = {
        .cell = {.monitor = pool_text(pool, lane->name),
            .chase = *shape,
            .guest_page_bytes = lane->guest_page_bytes,
            .host_page_bytes = site->host_page_bytes},
        .technique = lane->technique,
        .pages = {.host_share_2m = NAN},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING,
        .counters = {.known = true},
    };
    cell_id(&made.cell, made.id);
    snprintf(made.label, sizeof made.label, "%s", lane->label);
    return made;
}

int make_cells(const struct chase_experiment *experiment, const struct row *row, struct result *result,
    struct error *error)
{
    size_t count = experiment->shape_count * row->count;
    result->cells = calloc(count, sizeof *result->cells);
    if (!result->cells)
        return error_set(error, ENOMEM, "no memory for %zu cells", count);
    result->cell_count = count;
    for (size_t i = 0; i < count; i++) {
        size_t lane = i % row->count;
        result->cells[i] = make_cell(
            &experiment->shapes[i / row->count], row->lanes[lane].site, row_lane(row, lane), &result->pool);
    }
    return result->pool.failed ? error_set(error, ENOMEM, "no memory for the names of %zu cells", count) : 0;
}
