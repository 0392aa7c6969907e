#include "event/laps.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>

/* A constant seed: what is compared walks the same list. */
enum { SEED = 1 };

struct chase_layout laps_write(
    const struct event_bench *bench, const struct memory *data, enum chase_order order)
{
    struct chase_shape shape = {
        .working_set_bytes = bench->bytes,
        .element_bytes = CHASE_LINE_BYTES,
        .order = order,
        .chains = 1,
    };
    struct chase_layout layout = chase_layout_make(&shape, SEED);
    chase_layout_write(&layout, data->base, 0, layout.elements);
    return layout;
}

void laps_load(struct workload_job *job, const struct memory *data, const struct chase_layout *layout)
{
    job->first = (uintptr_t)data->base + chase_layout_offset(layout, 0);
    job->bytes = layout->elements;
}

static int open_order(struct event_bench *bench, enum chase_order order, struct error *error)
{
    struct chase_layout *layout = malloc(sizeof *layout);
    if (!layout)
        return error_set(error, ENOMEM, "no memory for a list");
    *layout = laps_write(bench, &bench->data, order);
    bench->own = layout;
    return 0;
}

int laps_open_lines(struct event_bench *bench, struct error *error)
{
    return open_order(bench, CHASE_RANDOM, error);
}

int laps_open_pages(struct event_bench *bench, struct error *error)
{
    return open_order(bench, CHASE_LINE_PER_PAGE, error);
}

void laps_close(struct event_bench *bench)
{
    free(bench->own);
}

void laps_aim(const struct event_bench *bench, struct workload_job *job)
{
    laps_load(job, &bench->data, bench->own);
}
