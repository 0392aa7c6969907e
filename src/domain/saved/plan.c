/* The description of a saved domain: its plan, as JSON. */
#include "domain/portable/regions.h"
#include "domain/saved/internal.h"

#include <errno.h>
#include <stdio.h>

static const struct field result_fields[] = {{NULL, FIELD_COUNT, .size = sizeof(uint64_t)}};
static const struct record result_record = {"result", sizeof(uint64_t), RECORD_FIELDS(result_fields)};

#define AT(member) FIELD_AT(struct portable_region, member)
static const struct field region_fields[] = {
    {"start", FIELD_COUNT, FIELD_NEEDED, AT(start)},
    {"bytes", FIELD_COUNT, FIELD_NEEDED, AT(bytes)},
};
#undef AT
static const struct record region_record = {
    "region", sizeof(struct portable_region), RECORD_FIELDS(region_fields)};

#define AT(member) FIELD_AT(struct portable_plan, member)
static const struct field plan_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.domain/1"},
    {"name", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(name)},
    {"monitor", FIELD_TEXT, FIELD_NEEDED | FIELD_WHOLE, AT(monitor)},
    {"workload", FIELD_ENUM, FIELD_NEEDED, AT(workload), FIELD_NAMES(portable_workloads)},
    {"memory_bytes", FIELD_COUNT, FIELD_NEEDED, AT(memory_bytes)},
    {"regions", FIELD_LIST, FIELD_LATER, FIELD_ITEMS(struct portable_plan, regions, region_count),
        .of = &region_record},
    {"laid_out_bytes", FIELD_COUNT, FIELD_LATER, AT(laid_out_bytes)},
    {"working_set_bytes", FIELD_COUNT, FIELD_NEEDED, AT(working_set_bytes)},
    {"vcpus", FIELD_COUNT, FIELD_NEEDED, AT(cpus)},
    {"work", FIELD_COUNT, FIELD_NEEDED, AT(work)},
    {"rate", FIELD_COUNT, FIELD_NEEDED, AT(rate)},
    {"ticks_per_second", FIELD_REAL, FIELD_NEEDED | FIELD_DIGITS, AT(ticks_per_second)},
    {"tsc_settable", FIELD_FLAG, FIELD_NEEDED, AT(tsc_settable)},
    {"results", FIELD_LIST, FIELD_NEEDED, FIELD_ITEMS(struct portable_plan, results, result_count),
        .of = &result_record},
};
const struct record portable_plan_record = {"plan", sizeof(struct portable_plan), RECORD_FIELDS(plan_fields)};

int stored_plan_read(const char *text, size_t bytes, struct stored *saved, struct error *error)
{
    struct reader reader = {
        .name = "the file", .what = "saved domain", .pool = &saved->state.pool, .error = error};
    json_error_t where;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        return error_set(error, EPROTO, "the description in the file is no JSON");
    int rc = record_read(&portable_plan_record, json, &saved->plan, &reader);
    json_decref(json);
    if (rc == 0 && !(saved->plan.ticks_per_second >= 1e6 && saved->plan.ticks_per_second <= 1e12))
        rc = error_set(error, EPROTO, "the time-stamp counter in the file has an impossible rate");
    portable_regions_settle(&saved->plan);
    if (rc == 0 && (rc = portable_plan_check(&saved->plan, true, error)) < 0) {
        error->code = EPROTO;
        rc = error_prefix(error, "the file describes no domain that can be");
    }
    return rc;
}

int stored_plan_write(const struct portable_plan *plan, char **text, size_t *bytes, struct error *error)
{
    FILE *stream = open_memstream(text, bytes);
    if (!stream)
        return error_set(error, ENOMEM, "no memory for a domain's description");
    int rc = record_print(&portable_plan_record, plan, stream, error);
    if (fclose(stream) != 0 && rc == 0)
        rc = error_set(error, ENOMEM, "no memory for a domain's description");
    return rc;
}
