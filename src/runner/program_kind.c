#include "runner/program_kind.h"

#include "base/pool.h"
#include "record/record.h"
#include "runner/cell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char name[] = "program";

struct workload program_workload(const char *remedy)
{
    const struct program_parameters parameters = {remedy};
    struct workload workload = {.kind = &workload_program};
    memcpy(workload.parameters, &parameters, sizeof parameters);
    return workload;
}

static const char *label(const struct workload *workload)
{
    return program_of(workload)->remedy;
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
    return error_set(error, EINVAL, "only vcost advise runs programs");
}

static void write_id(const struct cell *cell, char *rest, size_t room)
{
    snprintf(rest, room, "%s", program_of(&cell->workload)->remedy);
}

static bool read_id(char *text, struct pool *pool, struct cell *cell)
{
    const char *remedy = cell_cut_part(text);
    cell->workload = program_workload(pool_text(pool, remedy));
    return remedy && remedy[0];
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
    ((struct workload *)base)->kind = &workload_program;
}

static const struct record parameters_record = {"program", sizeof(struct program_parameters),
    FIELDS({"remedy", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct program_parameters, remedy),
        .about = "Its name; \"none\": the program as it is; several with + between: all of them."}),
    .about = "Parameters of a program that vcost advise ran."};
static const struct record program_record = {"program-workload", sizeof(struct workload),
    FIELDS({"workload", FIELD_CONSTANT, .text = name},
        {"parameters", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct workload, parameters),
            .of = &parameters_record}),
    .check = set_kind};

const struct workload_kind workload_program = {
    .name = "advise",
    .record = &program_record,
    .takes = takes,
    .write_id = write_id,
    .read_id = read_id,
    .pageless = "a program has the pages that it asks for",
    .label = label,
    .size = size,
    .operation = operation,
    .check = check,
};
