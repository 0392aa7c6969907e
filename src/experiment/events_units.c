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

/* Whether another chosen event brings this one along. */
static bool comes_along(const struct events_experiment *experiment, const struct event *event)
{
    for (size_t i = 0; i < experiment->event_count; i++)
        if (experiment->events[i]->against && !strcmp(experiment->events[i]->against, event->name))
            return true;
    return false;
}

static void add_cell(
    struct unit *unit, const struct event *event, const struct event_place *place, size_t baseline)
{
    unit->cells[unit->count] = (struct unit_cell){
        .event = event,
        .place = place,
        .baseline = baseline == SIZE_MAX ? unit->count : baseline,
    };
    unit->count++;
}

/* An event at all places, each compared with native; or, where it is held against another event, with that
 * one at the same place. */
static void fill_unit(
    const struct events_experiment *experiment, const struct event *event, struct unit *unit)
{
    const struct event *against = event->against ? event_find(event->against) : NULL;
    bool native = experiment->place_count && !experiment->places[0].type->monitor;
    for (size_t i = 0; i < experiment->place_count; i++) {
        const struct event_place *place = &experiment->places[i];
        size_t baseline = against ? unit->count : native && i > 0 ? 0 : SIZE_MAX;
        if (against)
            add_cell(unit, against, place, SIZE_MAX);
        add_cell(unit, event, place, baseline);
    }
}

static size_t count_sizes(const struct event *event)
{
    size_t count = 0;
    while (event->sizes && event->sizes[count])
        count++;
    return count ? count : 1;
}

static int add_units(const struct events_experiment *experiment, const struct event *event,
    struct units *units, struct error *error)
{
    size_t sizes = count_sizes(event);
    struct unit *grown = realloc(units->units, (units->count + sizes) * sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "no memory for the list of events");
    units->units = grown;
    for (size_t i = 0; i < sizes; i++) {
        struct unit *unit = &units->units[units->count++];
        *unit = (struct unit){.bytes = event->sizes ? event->sizes[i] : 0};
        fill_unit(experiment, event, unit);
    }
    return 0;
}

/* ---- the result's cells ---- */

static struct result_cell make_cell(const struct unit *unit, const struct unit_cell *from)
{
    const struct runner_type *type = from->place->type;
    struct result_cell made = {
        .cell = {.monitor = type->name, .event = {from->event->name, unit->bytes}},
        .technique = type->monitor ? from->place->facts->technique : TECHNIQUE_NONE,
        .unit = from->event->unit,
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

static int make_result_cells(struct units *units, struct result *result, struct error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < units->count; i++)
        count += units->units[i].count;
    result->cells = calloc(count ? count : 1, sizeof *result->cells);
    if (!result->cells)
        return error_set(error, ENOMEM, "no memory for %zu cells", count);
    for (size_t i = 0; i < units->count; i++) {
        struct unit *unit = &units->units[i];
        for (size_t k = 0; k < unit->count; k++) {
            unit->cells[k].cell = result->cell_count;
            result->cells[result->cell_count++] = make_cell(unit, &unit->cells[k]);
        }
    }
    return 0;
}

int units_make(const struct events_experiment *experiment, struct result *result, struct units *units,
    struct error *error)
{
    int rc = 0;
    *units = (struct units){0};
    for (size_t i = 0; rc == 0 && event_at(i); i++)
        if (is_chosen(experiment, event_at(i)) && !comes_along(experiment, event_at(i)))
            rc = add_units(experiment, event_at(i), units, error);
    return rc < 0 ? rc : make_result_cells(units, result, error);
}

void units_free(struct units *units)
{
    free(units->units);
    *units = (struct units){0};
}
