#include "result/compare.h"

#include "record/record.h"

#include <errno.h>
#include <math.h>

const char *const metric_names[METRICS] = {[METRIC_TIME] = "time", [METRIC_SLOWDOWN] = "slowdown"};

static void put_text_or_null(struct draft *draft, json_t *object, const char *key, const char *text)
{
    put(draft, object, key, text ? draft_text(draft, text) : json_null());
}

static void put_figure(struct draft *draft, json_t *object, const char *key, double value)
{
    put(draft, object, key, isfinite(value) ? json_real(value) : json_null());
}

static json_t *json_command(struct draft *draft, const struct compare_request *request)
{
    json_t *array = json_array();
    for (int i = 0; i < request->argc; i++)
        put_item(draft, array, draft_text(draft, request->argv[i]));
    return array;
}

static json_t *json_qualities(struct draft *draft, const size_t counts[static QUALITIES])
{
    json_t *object = json_object();
    for (enum quality quality = QUALITY_GOOD; quality <= QUALITY_MISSING; quality++)
        put(draft, object, quality_names[quality], json_integer((json_int_t)counts[quality]));
    return object;
}

static json_t *json_file(struct draft *draft, const struct compare *compare, size_t file)
{
    const struct result *result = compare->files[file].result;
    json_t *object = json_object();
    put_text(draft, object, "name", compare->files[file].name);
    put_text(draft, object, "experiment", result->experiment);
    put_text(draft, object, "started", result->started);
    put_text(draft, object, "version", result_tool(result)->version);
    put(draft, object, "complete", json_boolean(result->complete));
    put_text_or_null(draft, object, "incomplete_reason", result->complete ? NULL : result->incomplete_reason);
    put(draft, object, "cells", json_qualities(draft, compare->qualities[file]));
    return object;
}

static json_t *json_files(struct draft *draft, const struct compare *compare)
{
    json_t *array = json_array();
    for (size_t i = 0; i < compare->file_count; i++)
        put_item(draft, array, json_file(draft, compare, i));
    return array;
}

static json_t *json_difference(
    struct draft *draft, const struct compare *compare, const struct difference *difference)
{
    json_t *object = json_object(), *values = json_array();
    put_text(draft, object, "name", difference->name);
    put_text_or_null(draft, object, "key", difference->key);
    for (size_t i = 0; i < compare->file_count; i++) {
        const struct told *told = &difference->told[i];
        char text[COMPARE_TOLD_BYTES];
        if (told->told && !told->text)
            compare_told_text(told, text);
        put_item(draft, values, told->told ? draft_text(draft, told->text ? told->text : text) : json_null());
    }
    put(draft, object, "values", values);
    return object;
}

static json_t *json_differences(struct draft *draft, const struct compare *compare)
{
    json_t *array = json_array();
    for (size_t i = 0; i < compare->difference_count; i++)
        put_item(draft, array, json_difference(draft, compare, &compare->differences[i]));
    return array;
}

/* A file's own figure; null where the file does not have the cell. */
static json_t *json_value(struct draft *draft, const struct compared *compared)
{
    if (!compared->cell)
        return json_null();
    json_t *object = json_object();
    const struct result_comparison *comparison = compared->comparison;
    put_figure(draft, object, "value", compared->value);
    put_figure(draft, object, "low", comparison ? comparison->low : compared->cell->low);
    put_figure(draft, object, "high", comparison ? comparison->high : compared->cell->high);
    put_text(draft, object, "quality", quality_names[compared->cell->quality]);
    put_text_or_null(draft, object, "reason", compared->flaw);
    return object;
}

static json_t *json_placements(struct draft *draft, const struct compared *compared)
{
    json_t *array = json_array();
    for (size_t i = 0; i < 2; i++)
        put_item(draft, array, json_integer((json_int_t)compared->placements[i]));
    return array;
}

static json_t *json_change(struct draft *draft, const struct compared *compared)
{
    json_t *object = json_object();
    put_figure(draft, object, "ratio", compared->change);
    put_figure(draft, object, "low", compared->low);
    put_figure(draft, object, "high", compared->high);
    put(draft, object, "placements", json_placements(draft, compared));
    put_text_or_null(draft, object, "verdict", verdict_name(verdict_of(compared->low, compared->high)));
    put_text_or_null(draft, object, "reason", compared->reason);
    return object;
}

static json_t *json_row(
    struct draft *draft, const struct compare *compare, const struct compared_row *row, enum metric metric)
{
    json_t *object = json_object(), *values = json_array(), *changes = json_array();
    put_text(draft, object, "id", row->id);
    if (metric == METRIC_SLOWDOWN)
        put_text(draft, object, "baseline", row->baseline);
    else
        put_text(draft, object, "unit", row->unit);
    for (size_t i = 0; i < compare->file_count; i++)
        put_item(draft, values, json_value(draft, &row->files[i]));
    for (size_t i = 1; i < compare->file_count; i++)
        put_item(draft, changes, json_change(draft, &row->files[i]));
    put(draft, object, "values", values);
    put(draft, object, "changes", changes);
    return object;
}

static json_t *json_rows(struct draft *draft, const struct compare *compare, enum metric metric)
{
    json_t *array = json_array();
    for (size_t i = 0; i < compare->metrics[metric].count; i++)
        put_item(draft, array, json_row(draft, compare, &compare->metrics[metric].rows[i], metric));
    return array;
}

static json_t *json_absences(struct draft *draft, const struct compare *compare)
{
    json_t *array = json_array();
    for (size_t i = 0; i < compare->absence_count; i++) {
        json_t *object = json_object(), *files = json_array();
        put_text(draft, object, "id", compare->absences[i].id);
        for (size_t file = 0; file < compare->file_count; file++)
            put_item(draft, files, json_boolean(compare->absences[i].has[file]));
        put(draft, object, "files", files);
        put_item(draft, array, object);
    }
    return array;
}

static json_t *json_threshold(
    struct draft *draft, const struct compare *compare, const struct compare_request *request)
{
    if (request->fail_percent < 0)
        return json_null();
    json_t *object = json_object();
    size_t above = compare_above(compare, request->metric, request->fail_percent);
    put(draft, object, "percent", json_real(request->fail_percent));
    put_text(draft, object, "metric", metric_names[request->metric]);
    put(draft, object, "above", json_integer((json_int_t)above));
    put(draft, object, "passed", json_boolean(above > 0));
    return object;
}

static json_t *json_from_compare(
    struct draft *draft, const struct compare *compare, const struct compare_request *request)
{
    json_t *object = json_object(), *version = json_object();
    put_text(draft, object, "schema", "vcost.compare/1");
    put_text(draft, version, "version", compare->version ? compare->version : this_tool.version);
    put(draft, object, "tool", version);
    put(draft, object, "command", json_command(draft, request));
    put_text(draft, object, "metric", metric_names[request->metric]);
    put(draft, object, "files", json_files(draft, compare));
    put(draft, object, "differences", json_differences(draft, compare));
    put(draft, object, "times", json_rows(draft, compare, METRIC_TIME));
    put(draft, object, "slowdowns", json_rows(draft, compare, METRIC_SLOWDOWN));
    put(draft, object, "absences", json_absences(draft, compare));
    put(draft, object, "threshold", json_threshold(draft, compare, request));
    return object;
}

int compare_json(
    const struct compare *compare, const struct compare_request *request, FILE *stream, struct error *error)
{
    struct draft draft = {0};
    json_t *json = json_from_compare(&draft, compare, request);
    if (!draft.failed && json) {
        (void)json_dumpf(json, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
        fputc('\n', stream);
    }
    json_decref(json);
    return draft.failed || !json
               ? error_set(error, ENOMEM, "not enough memory to write the comparison as JSON")
               : 0;
}
