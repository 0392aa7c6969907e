#include "experiment/events_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_chosen(const struct events_experiment *experiment, const struct event *event)
{
    for (size_t i = 0; i < experiment->event_count; i++)
        if (experiment->events[i] == event)
            return true;
    return false;
}

/* Whether an event belongs to the unit of `root`: it is that one, or is held against it. */
static bool is_member(
    const struct events_experiment *experiment, const struct event *event, const struct event *root)
{
    return event != root && event->against && !strcmp(event->against, root->name) &&
           is_chosen(experiment, event);
}

/* Whether a unit is made of an event: of each that is chosen, or is what a chosen one is held against, unless
 * it is itself held against another. */
static bool is_root(const struct events_experiment *experiment, const struct event *event)
{
    bool wanted = is_chosen(experiment, event);
    for (size_t i = 0; !wanted && i < experiment->event_count; i++)
        wanted = is_member(experiment, experiment->events[i], event);
    return wanted && !event->against;
}

static int add_cell(struct event_unit *unit, const struct event *event, const struct event_place *place,
    size_t root, struct error *error)
{
    size_t at = unit->count;
    if (at == UNIT_CELLS_MAX)
        return error_set(error, EINVAL, "more than %d cells are compared with '%s'", UNIT_CELLS_MAX,
            unit->cells[0].event->name);
    unit->cells[at] = (struct unit_cell){.event = event, .place = place, .native = at, .root = root};
    for (size_t i = 0; i < at; i++)
        if (unit->cells[i].event == event && !unit->cells[i].place->type->monitor)
            unit->cells[at].native = i;
    unit->count++;
    return 0;
}

/* The root and what is held against it, at each place. */
static int fill_unit(const struct events_experiment *experiment, const struct event *root,
    struct event_unit *unit, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < experiment->place_count; i++) {
        const struct event_place *place = &experiment->places[i];
        size_t at = unit->count;
        rc = add_cell(unit, root, place, at, error);
        for (size_t k = 0; rc == 0 && k < experiment->event_count; k++)
            if (is_member(experiment, experiment->events[k], root))
                rc = add_cell(unit, experiment->events[k], place, at, error);
    }
    return rc;
}

static size_t count_sizes(const struct event *event)
{
    size_t count = 0;
    while (event->sizes && event->sizes[count])
        count++;
    return count ? count : 1;
}

static int add_units(const struct events_experiment *experiment, const struct event *root,
    struct event_units *units, struct error *error)
{
    size_t sizes = count_sizes(root);
    struct event_unit *grown = realloc(units->units, (units->count + sizes) * sizeof *grown);
    int rc = grown ? 0 : error_set(error, ENOMEM, "no memory for the list of events");
    units->units = grown ? grown : units->units;
    for (size_t i = 0; rc == 0 && i < sizes; i++) {
        struct event_unit *unit = &units->units[units->count++];
        *unit = (struct event_unit){.bytes = root->sizes ? root->sizes[i] : 0};
        rc = fill_unit(experiment, root, unit, error);
    }
    return rc;
}

/* ---- the result's cells ---- */

static struct result_cell make_cell(const struct event_unit *unit, const struct unit_cell *from)
{
    const struct runner_type *type = from->place->type;
    struct result_cell made = {
        .cell = {.monitor = type->name, .event = {from->event->name, unit->bytes}},
        .technique = type->monitor ? from->place->facts->technique : TECHNIQUE_NONE,
        .operation = from->event->unit,
        .pages = {.host_share_2m = NAN, .as_asked = true},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING,
        .counters = {.known = true},
    };
    cell_id(&made.cell, made.id);
    if (type->monitor)
        monitor_label(from->place->facts, type->name, made.label);
    else
        snprintf(made.label, sizeof made.label, "%s", type->name);
    return made;
}

static int make_result_cells(struct event_units *units, struct result *result, struct error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < units->count; i++)
        count += units->units[i].count;
    result->cells = calloc(count ? count : 1, sizeof *result->cells);
    if (!result->cells)
        return error_set(error, ENOMEM, "no memory for %zu cells", count);
    for (size_t i = 0; i < units->count; i++) {
        struct event_unit *unit = &units->units[i];
        for (size_t k = 0; k < unit->count; k++) {
            unit->cells[k].cell = result->cell_count;
            result->cells[result->cell_count++] = make_cell(unit, &unit->cells[k]);
        }
    }
    return 0;
}

int units_make(const struct events_experiment *experiment, struct result *result, struct event_units *units,
    struct error *error)
{
    int rc = 0;
    *units = (struct event_units){0};
    for (size_t i = 0; rc == 0 && event_at(i); i++)
        if (is_root(experiment, event_at(i)))
            rc = add_units(experiment, event_at(i), units, error);
    return rc < 0 ? rc : make_result_cells(units, result, error);
}

void units_free(struct event_units *units)
{
    free(units->units);
    *units = (struct event_units){0};
}
