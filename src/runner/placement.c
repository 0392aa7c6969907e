#include "runner/placement.h"

#include "base/random.h"

#include <errno.h>

enum { LAYOUT_PIECE = 1 << 20 }; /* elements written between two looks for Ctrl-C */

void placement_open(struct placement *placement, const struct placement_config *config)
{
    *placement =
        (struct placement){.config = *config, .watch.stat = -1, .spare.number = (unsigned)config->other_cpu};
    if (!config->elsewhere)
        watch_open(&placement->watch, config->cpu);
}

void placement_clear(struct placement *placement)
{
    memory_unmap(&placement->data);
    placement->bytes = 0;
    placement->layout.elements = 0;
}

void placement_close(struct placement *placement)
{
    placement_clear(placement);
    watch_close(&placement->watch);
}

int placement_map(struct placement *placement, uint64_t bytes, uint64_t alignment, struct error *error)
{
    const struct placement_config *config = &placement->config;
    const struct stop *stop = config->stop;
    struct memory_request request = config->memory;
    placement_clear(placement);
    request.bytes = alignment ? (bytes + alignment - 1) / alignment * alignment : bytes;
    request.alignment = alignment; /* so that the guest's pages line up with addresses */
    int rc = 0;
    if (bytes && !config->elsewhere && (rc = memory_map_request(&placement->data, &request, error)) == 0 &&
        (rc = memory_populate(
             &placement->data, true, stop ? stop->asked : NULL, stop ? stop->context : NULL, error)) == 0 &&
        config->lock)
        rc = memory_lock(&placement->data, error);
    if (rc < 0) {
        placement_clear(placement);
        return rc;
    }
    placement->bytes = bytes;
    placement->alignment = alignment;
    return 0;
}

static bool is_there(const struct placement *placement, const struct chase_shape *shape, uint64_t seed)
{
    const struct chase_shape *there = &placement->layout.shape;
    return placement->layout.elements && placement->seed == seed &&
           there->working_set_bytes == shape->working_set_bytes &&
           there->element_bytes == shape->element_bytes && there->order == shape->order &&
           there->write == shape->write && there->chains == shape->chains;
}

static int write_list(
    const struct placement *placement, const struct chase_layout *layout, char *base, struct error *error)
{
    for (uint64_t first = 0; first < layout->elements; first += LAYOUT_PIECE) {
        uint64_t left = layout->elements - first;
        if (stop_asked(placement->config.stop))
            return error_set(error, EINTR, "stopped while a list was laid out");
        chase_layout_write(layout, base, first, left < LAYOUT_PIECE ? left : LAYOUT_PIECE);
    }
    return 0;
}

/* The base: a random page of the memory, of the order's size, where the list leaves room. The memory starts
 * at a multiple of the largest. */
int placement_lay_out(
    struct placement *placement, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    uint64_t random = seed;
    struct chase_layout layout = chase_layout_make(shape, random_next(&random));
    if (is_there(placement, shape, seed))
        return 0;
    if (layout.bytes > placement->data.bytes)
        return error_set(error, EINVAL, "a list does not fit the memory that was mapped for it");
    uint64_t room = (placement->data.bytes - layout.bytes) / layout.alignment;
    char *base = (char *)placement->data.base + random_below(&random, room + 1) * layout.alignment;
    placement->layout.elements = 0;
    int rc = write_list(placement, &layout, base, error);
    if (rc < 0)
        return rc;
    placement->layout = layout;
    placement->seed = seed;
    for (unsigned chain = 0; chain < shape->chains; chain++)
        placement->cursor[chain] =
            (uintptr_t)base + chase_layout_offset(&layout, chase_layout_start(&layout, chain));
    return 0;
}
