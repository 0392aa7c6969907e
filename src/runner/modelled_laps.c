#include "runner/modelled_laps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool modelled_has_laps(const struct modelled_conditions *conditions)
{
    return conditions->lap_end != LAP_KEEPS || conditions->processes > 1;
}

static bool *touched_of(const struct modelled_laps *laps)
{
    return laps->touched ? laps->touched + laps->now * laps->pages : NULL;
}

/* As munmap() does, page by page: a change of an entry and a flush of the page. Or as fork() does: a store to
 * each entry that could be written to, and one flush. */
static void let_go(struct modelled_laps *laps)
{
    bool *touched = touched_of(laps);
    uint64_t from = modelled_list_at(laps->now).value;
    for (uint64_t page = 0; touched && page < laps->pages; page++)
        if (touched[page])
            (laps->end == LAP_FORKS ? model_protect : model_change_entry)(
                laps->model, GVA(from + page * laps->page_bytes));
    if (laps->end == LAP_FORKS)
        model_flush(laps->model);
    if (touched)
        memset(touched, false, laps->pages);
}

int modelled_laps_begin(struct modelled_laps *laps, struct model *model,
    const struct modelled_conditions *conditions, const struct chase_layout *layout, uint64_t page_bytes,
    uint64_t most, struct error *error)
{
    uint64_t pages = (layout->bytes + page_bytes - 1) / page_bytes, all = conditions->processes * pages;
    if (layout->elements > most)
        return error_set(error, ENOTSUP,
            "what happens from lap to lap is simulated in whole laps, of at most %" PRIu64
            " accesses: this list has %" PRIu64,
            most, layout->elements);
    *laps = (struct modelled_laps){.model = model,
        .end = conditions->lap_end,
        .processes = conditions->processes,
        .elements = layout->elements,
        .left = layout->elements,
        .pages = pages,
        .page_bytes = page_bytes};
    if (laps->end == LAP_KEEPS)
        return 0;
    laps->touched = malloc(all);
    if (!laps->touched)
        return error_set(error, ENOMEM, "no memory for a list's pages");
    memset(laps->touched, true, all);
    for (; laps->now < laps->processes; laps->now++)
        let_go(laps);
    laps->now = 0;
    return 0;
}

void modelled_laps_end(struct modelled_laps *laps)
{
    free(laps->touched);
    *laps = (struct modelled_laps){.model = NULL};
}

static void end_lap(struct modelled_laps *laps)
{
    let_go(laps);
    laps->left = laps->elements;
    if (laps->processes == 1)
        return;
    laps->now = (laps->now + 1) % laps->processes;
    model_switch(laps->model, laps->now);
}

void modelled_laps_go(
    struct modelled_laps *laps, const gva_t *addresses, size_t count, enum model_access access)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = addresses[i].value - modelled_list_at(0).value;
        gva_t address = GVA(modelled_list_at(laps->now).value + offset);
        bool *touched = touched_of(laps), *there = touched ? &touched[offset / laps->page_bytes] : NULL;
        if (there && !*there)
            (laps->end == LAP_FORKS ? model_copy : model_fault)(laps->model, address);
        if (there)
            *there = true;
        model_access(laps->model, address, access);
        if (--laps->left == 0)
            end_lap(laps);
    }
}
