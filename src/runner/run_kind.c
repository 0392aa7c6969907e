#include "runner/run_kind.h"

#include "base/pool.h"
#include "record/record.h"
#include "runner/cell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char name[] = "run";

struct workload run_workload(const char *program)
{
    const struct run_parameters parameters = {program};
    struct workload workload = {.kind = &workload_run};
    memcpy(workload.parameters, &parameters, sizeof parameters);
    return workload;
}

static const char *label(const struct workload *workload)
{
    return run_of(workload)->program;
}

static uint64_t size(const struct workload *workload)
{
    (void)workload;
    return 0;
}

static const char *operation(const struct workload *workload)
{
    (void)workload;
    return "run";
}

static int check(const struct workload *workload, struct error *error)
{
    (void)workload;
    return error_set(error, EINVAL, "only vcost run runs programs");
}

static void write_id(const struct cell *cell, char *rest, size_t room)
{
    snprintf(rest, room, "%s", run_of(&cell->workload)->program);
}

static bool read_id(char *text, struct pool *pool, struct cell *cell)
{
    const char *program = cell_cut_part(text);
    cell->workload = run_workload(pool_text(pool, program));
    return program && program[0];
}

/* ---- as JSON ---- */

static bool takes(const json_t *object)
{
    const char *workload = json_string_value(json_object_get(object, "workload"));
    return workload && !strcmp(workload, name);
}

static void set_kind(struct reader *reader, void *base)
{
    (void)reader;
    ((struct workload *)base)->kind = &workload_run;
}

static const struct record parameters_record = {"run", sizeof(struct run_parameters),
    FIELDS({"program", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct run_parameters, program),
        .about = "The last part of its path."}),
    .about = "Parameters of a program that vcost run ran."};
static const struct record run_record = {"run-workload", sizeof(struct workload),
    FIELDS({"workload", FIELD_CONSTANT, .text = name},
        {"parameters", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct workload, parameters),
            .of = &parameters_record}),
    .check = set_kind};

const struct workload_kind workload_run = {
    .name = "run",
    .record = &run_record,
    .takes = takes,
    .write_id = write_id,
    .read_id = read_id,
    .pageless = "a program has the pages that it asks for",
    .label = label,
    .size = size,
    .operation = operation,
    .check = check,
};
