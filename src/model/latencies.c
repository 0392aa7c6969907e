#include "model/latencies.h"

#include "record/record.h"

#include <errno.h>

static const struct record bytes_record = {
    "bytes", sizeof(uint64_t), FIELDS({NULL, FIELD_COUNT, FIELD_NEEDED, .size = sizeof(uint64_t)})};
static const struct record cycles_record = {
    "cycles", sizeof(uint32_t), FIELDS({NULL, FIELD_COUNT, FIELD_NEEDED, .size = sizeof(uint32_t)})};

static void check_curve(struct reader *reader, void *base)
{
    const struct latency_curve *curve = base;
    if (!curve->count || curve->count != curve->cycles_count)
        reader_refuse_key(reader, "cycles", "should be one for each of working_set_bytes");
}

static const struct record curve_record = {"curve", sizeof(struct latency_curve),
    FIELDS({"element_bytes", FIELD_COUNT, FIELD_NEEDED, FIELD_AT(struct latency_curve, element_bytes)},
        {"working_set_bytes", FIELD_LIST, FIELD_NEEDED,
            FIELD_ITEMS(struct latency_curve, working_set_bytes, count), .of = &bytes_record,
            .limit = LATENCY_POINTS_MAX},
        {"cycles", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct latency_curve, cycles, cycles_count),
            .of = &cycles_record, .limit = LATENCY_POINTS_MAX},
        {"read_from", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct latency_curve, read_from, read_count),
            .of = &bytes_record, .limit = LATENCY_POINTS_MAX}),
    .check = check_curve, .closed = true};

static const struct record latencies_record = {"latencies", sizeof(struct latencies),
    FIELDS({"schema", FIELD_CONSTANT, .text = "vcost.latencies/1"},
        {"machine", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct latencies, machine)},
        {"source", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct latencies, source)},
        {"left_out", FIELD_STRING, FIELD_NEEDED, FIELD_AT(struct latencies, left_out)},
        {"curves", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct latencies, curves, curve_count),
            .of = &curve_record, .limit = LATENCY_CURVES_MAX}),
    .closed = true};

int latencies_read(size_t index, struct pool *pool, struct latencies *latencies, struct error *error)
{
    const struct latencies_preset preset = latencies_preset(index);
    struct reader reader = {.name = preset.file, .what = "file of latencies", .pool = pool, .error = error};
    json_error_t wrong;
    json_t *json = json_loadb(preset.text, preset.bytes, JSON_REJECT_DUPLICATES, &wrong);
    *latencies = (struct latencies){.machine = NULL};
    if (!json)
        return error_set(error, EINVAL, "%s: line %d: %.120s", preset.file, wrong.line, wrong.text);
    record_read(&latencies_record, json, latencies, &reader);
    json_decref(json);
    return reader.status;
}
