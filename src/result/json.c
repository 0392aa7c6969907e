#include "result/json.h"

#include "result/json_agents.h"
#include "result/json_findings.h"
#include "result/json_host.h"
#include "result/json_reaches.h"
#include "result/tool.h"
#include "result/words.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static json_t *json_tool(struct draft *draft)
{
    json_t *object = json_object();
    put_text(draft, object, "version", tool.version);
    if (tool.build[0])
        put_text(draft, object, "build", tool.build);
    else
        put_null(draft, object, "build", "the build did not say");
    return object;
}

static json_t *json_command(struct draft *draft, const struct result *result)
{
    json_t *array = json_array();
    for (int i = 0; i < result->argc; i++)
        put_item(draft, array, draft_text(draft, result->argv[i]));
    return array;
}

static json_t *json_chase(struct draft *draft, const struct chase_shape *shape)
{
    json_t *object = json_object();
    put_count(draft, object, "working_set_bytes", shape->working_set_bytes);
    put_count(draft, object, "element_bytes", shape->element_bytes);
    put_text(draft, object, "order", chase_orders[shape->order].name);
    put(draft, object, "write", json_boolean(shape->write));
    put_count(draft, object, "chains", shape->chains);
    return object;
}

static json_t *json_event(struct draft *draft, const struct result_cell *cell)
{
    json_t *object = json_object();
    put_count_if(draft, object, "size_bytes", cell->cell.event.bytes, "this event has no size");
    put_text(draft, object, "operation", cell->unit);
    return object;
}

static json_t *json_pages(struct draft *draft, const struct result_cell *cell)
{
    json_t *object = json_object();
    const struct page_proof *pages = &cell->pages;
    const char *none = cell_without_guest(cell);
    put_count_if(draft, object, "guest_bytes", pages->guest_bytes, none ? none : "not known");
    put_real(draft, object, "host_share_2m", pages->host_share_2m, pages->proof);
    put(draft, object, "as_asked", json_boolean(pages->as_asked));
    if (pages->proof[0])
        put_text(draft, object, "proof", pages->proof);
    else
        put_null(draft, object, "proof", "none was taken");
    return object;
}

static json_t *json_sample(struct draft *draft, const struct result_sample *sample)
{
    json_t *object = json_object();
    put_real(draft, object, "value", sample->ns, "the sample gave no time");
    put_count(draft, object, "round", sample->round);
    put_count(draft, object, "placement", sample->placement);
    const char *name = disturbance_name(sample->disturbed);
    put(draft, object, "disturbed", name ? json_string(name) : json_null());
    return object;
}

static json_t *json_samples(struct draft *draft, const struct result_cell *cell)
{
    json_t *array = json_array();
    for (size_t i = 0; i < cell->sample_count; i++)
        put_item(draft, array, json_sample(draft, &cell->samples[i]));
    return array;
}

static json_t *json_modes(struct draft *draft, const struct modes *modes)
{
    if (!modes->two)
        return json_null();
    json_t *object = json_object();
    put_figure(draft, object, "low", modes->low);
    put_figure(draft, object, "high", modes->high);
    put_figure(draft, object, "share_high", modes->share_high);
    put(draft, object, "of_placements", json_boolean(modes->of_placements));
    return object;
}

static json_t *json_counters(struct draft *draft, const struct result_cell *cell)
{
    json_t *object = json_object();
    const char *none = cell_without_guest(cell);
    if (!cell->counters.known || none)
        put_null(draft, object, "exits", none ? none : "no counters could be read");
    else
        put_count(draft, object, "exits", cell->counters.exits);
    if (cell->counters.known)
        put_count(draft, object, "page_faults", cell->counters.page_faults);
    else
        put_null(draft, object, "page_faults", "no counters could be read");
    if (cell->cell.event.name)
        put_count(draft, object, "operations", cell->operations);
    return object;
}

static void put_reason(struct draft *draft, json_t *object, const char *reason)
{
    put(draft, object, "reason", reason ? draft_text(draft, reason) : json_null());
}

static void put_chase(struct draft *draft, json_t *object, const struct result_cell *cell)
{
    const char *none = cell_without_guest(cell);
    put_text(draft, object, "workload", "chase");
    put(draft, object, "parameters", json_chase(draft, &cell->cell.chase));
    put_count_if(draft, object, "guest_page_bytes", cell->cell.guest_page_bytes, none ? none : "not known");
    put_count(draft, object, "host_page_bytes", cell->cell.host_page_bytes);
    put(draft, object, "pages_obtained", json_pages(draft, cell));
}

static void put_event(struct draft *draft, json_t *object, const struct result_cell *cell)
{
    static const char none[] = "an event is told by its name alone; its pages are part of what it is";
    put_text(draft, object, "workload", cell->cell.event.name);
    put(draft, object, "parameters", json_event(draft, cell));
    put_null(draft, object, "guest_page_bytes", none);
    put_null(draft, object, "host_page_bytes", none);
    put_null(draft, object, "pages_obtained", none);
    if (cell->note[0])
        put_text(draft, object, "note", cell->note);
}

static void put_identity(struct draft *draft, json_t *object, const struct result_cell *cell)
{
    const char *none = cell_without_guest(cell);
    put_text(draft, object, "id", cell->id);
    put_text(draft, object, "monitor", cell->cell.monitor);
    put_text(draft, object, "label", cell->label);
    put_technique(draft, object, cell->technique, none ? none : "could not be told by trying");
    (cell->cell.event.name ? put_event : put_chase)(draft, object, cell);
}

static json_t *json_cell(struct draft *draft, const struct result_cell *cell)
{
    json_t *object = json_object();
    put_identity(draft, object, cell);
    put_text(draft, object, "unit", "ns");
    put(draft, object, "samples", json_samples(draft, cell));
    put_count(draft, object, "placements", cell->placements);
    put_count(draft, object, "repeated", cell->repeated);
    put_figure(draft, object, "median", cell->median);
    put_figure(draft, object, "low", cell->low);
    put_figure(draft, object, "high", cell->high);
    put_figure(draft, object, "min", cell->min);
    put(draft, object, "modes", json_modes(draft, &cell->modes));
    put_real(draft, object, "trend_percent", cell->trend_percent ? cell->trend_percent : NAN,
        "no trend can be told");
    put_real(draft, object, "drift_percent", cell->drift_percent ? cell->drift_percent : NAN,
        "no drift can be told");
    put(draft, object, "counters", json_counters(draft, cell));
    put_text(draft, object, "quality", quality_name(cell->quality));
    put_reason(draft, object, cell_reason(cell));
    return object;
}

static json_t *json_cells(struct draft *draft, const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->cell_count; i++)
        put_item(draft, array, json_cell(draft, &result->cells[i]));
    return array;
}

static json_t *json_comparison(
    struct draft *draft, const struct result *result, const struct result_comparison *comparison)
{
    json_t *object = json_object();
    put_text(draft, object, "cell", result->cells[comparison->cell].id);
    put_text(draft, object, "baseline", result->cells[comparison->baseline].id);
    put_figure(draft, object, "ratio", comparison->ratio);
    put_figure(draft, object, "low", comparison->low);
    put_figure(draft, object, "high", comparison->high);
    put_figure(draft, object, "more_ns", comparison->more_ns);
    put_figure(draft, object, "more_low_ns", comparison->more_low_ns);
    put_figure(draft, object, "more_high_ns", comparison->more_high_ns);
    put_count(draft, object, "placements", comparison->placements);
    put_reason(draft, object, comparison_reason(comparison));
    return object;
}

static json_t *json_comparisons(struct draft *draft, const struct result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *comparison = &result->comparisons[i];
        if (comparison->cell < result->cell_count && comparison->baseline < result->cell_count)
            put_item(draft, array, json_comparison(draft, result, comparison));
    }
    return array;
}

static void put_run(struct draft *draft, json_t *object, const struct result *result)
{
    put_text(draft, object, "schema", "vcost.result/1");
    put(draft, object, "tool", json_tool(draft));
    put(draft, object, "command", json_command(draft, result));
    put_text(draft, object, "started", result->started);
    put_real(draft, object, "seconds", result->seconds, "not measured");
    put(draft, object, "complete", json_boolean(result->complete));
    put(draft, object, "incomplete_reason",
        result->complete
            ? json_null()
            : draft_text(draft, result->incomplete_reason[0] ? result->incomplete_reason : "not told"));
    put_count(draft, object, "seed", result->seed);
    put_count(draft, object, "cpu", result->cpu);
    put_real(draft, object, "tsc_ghz", result->tsc_ghz > 0 ? result->tsc_ghz : NAN, "not measured");
    put(draft, object, "baseline_is_guest", json_boolean(result->host.is_guest));
}

int json_from_result(const struct result *result, json_t **json, struct error *error)
{
    struct draft draft = {0};
    json_t *object = json_object();
    put_run(&draft, object, result);
    put(&draft, object, "host", json_host(&draft, &result->host, &result->kvm));
    if (result->agent_count)
        put(&draft, object, "agents", json_agents(&draft, result->agents, result->agent_count));
    put_text(&draft, object, "experiment", result->experiment);
    put(&draft, object, "cells", json_cells(&draft, result));
    put(&draft, object, "comparisons", json_comparisons(&draft, result));
    put(&draft, object, "reaches", json_reaches(&draft, result));
    if (!strcmp(result->experiment, "inspect"))
        put_findings(&draft, object, &result->findings);
    if (result->round_count)
        put_rounds(&draft, object, result->rounds, result->round_count);
    if (draft.failed || !object) {
        json_decref(object);
        return error_set(error, ENOMEM, "not enough memory to write the result as JSON");
    }
    *json = object;
    return 0;
}

int json_write(const struct result *result, FILE *stream, struct error *error)
{
    json_t *json;
    int status = json_from_result(result, &json, error);
    if (status)
        return status;
    /* Ten digits: more than any clock here tells, and 3.97 stays 3.97. */
    (void)json_dumpf(json, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    fputc('\n', stream);
    json_decref(json);
    return 0;
}
