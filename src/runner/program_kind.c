#include "runner/program_kind.h"

#include "base/pool.h"
#include "record/record.h"
#include "runner/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As files call them. */
static const char advised_name[] = "program", run_name[] = "run";

static const struct program_parameters *parameters_of(const struct workload *workload)
{
    return (const struct program_parameters *)(const void *)workload->parameters;
}

struct workload program_workload(const struct workload_kind *kind, const char *name)
{
    const struct program_parameters parameters = {name};
    struct workload workload = {.kind = kind};
    memcpy(workload.parameters, &parameters, sizeof parameters);
    return workload;
}

/* ---- of both ---- */

static const char *label(const struct workload *workload)
{
    return parameters_of(workload)->name;
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
    return error_set(error, EINVAL, "only vcost %s runs programs", workload->kind->name);
}

static void write_id(const struct cell *cell, char *rest, size_t room)
{
    snprintf(rest, room, "%s", label(&cell->workload));
}

static bool read_id(const struct workload_kind *kind, char *text, struct pool *pool, struct cell *cell)
{
    const char *name = cell_cut_part(text);
    cell->workload = program_workload(kind, pool_text(pool, name));
    return name && name[0];
}

static bool is_called(const json_t *object, const char *name)
{
    const char *workload = json_string_value(json_object_get(object, "workload"));
    return workload && !strcmp(workload, name);
}

static const char pageless[] = "a program has the pages that it asks for";

/* ---- under a remedy ---- */

static bool read_advised(char *text, struct pool *pool, struct cell *cell)
{
    return read_id(&workload_advised, text, pool, cell);
}

static bool takes_advised(const json_t *object)
{
    return is_called(object, advised_name);
}

static void set_advised(struct reader *reader, void *base)
{
    (void)reader;
    ((struct workload *)base)->kind = &workload_advised;
}

static const struct record advised_parameters = {"program", sizeof(struct program_parameters),
    FIELDS({"remedy", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct program_parameters, name),
        .about = "Its name; \"none\": the program as it is; several with + between: all of them."}),
    .about = "Parameters of a program that vcost advise ran."};
static const struct record advised_record = {"program-workload", sizeof(struct workload),
    FIELDS({"workload", FIELD_CONSTANT, .text = advised_name},
        {"parameters", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct workload, parameters),
            .of = &advised_parameters}),
    .check = set_advised};

const struct workload_kind workload_advised = {
    .name = "advise",
    .record = &advised_record,
    .takes = takes_advised,
    .write_id = write_id,
    .read_id = read_advised,
    .pageless = pageless,
    .label = label,
    .size = size,
    .operation = operation,
    .check = check,
};

/* ---- natively or in a domain ---- */

/* "sort", and where pages were asked for "sort/4096/2097152": the guest's, the host's, 0: not these. */
static void write_run_id(const struct cell *cell, char *rest, size_t room)
{
    if (cell->guest_page_bytes || cell->host_page_bytes)
        snprintf(rest, room, "%s/%" PRIu64 "/%" PRIu64, label(&cell->workload), cell->guest_page_bytes,
            cell->host_page_bytes);
    else
        write_id(cell, rest, room);
}

/* Two numbers behind a name and its runner: the name itself may be one. */
static void read_pages(char *text, struct cell *cell)
{
    uint64_t pages[2];
    char *at = text + strlen(text);
    for (int i = 1; i >= 0; i--) {
        do
            if (at == text)
                return;
        while (*--at != '/');
        char digits[24];
        snprintf(digits, sizeof digits, "%.*s", (int)strcspn(at + 1, "/"), at + 1);
        if (!cell_take_number(digits, &pages[i]))
            return;
    }
    if (!memchr(text, '/', (size_t)(at - text)))
        return;
    *at = '\0';
    cell->guest_page_bytes = pages[0];
    cell->host_page_bytes = pages[1];
}

static bool read_run(char *text, struct pool *pool, struct cell *cell)
{
    read_pages(text, cell);
    return read_id(&workload_run, text, pool, cell);
}

static bool takes_run(const json_t *object)
{
    return is_called(object, run_name);
}

static void set_run(struct reader *reader, void *base)
{
    (void)reader;
    ((struct workload *)base)->kind = &workload_run;
}

static const struct record run_parameters = {"run", sizeof(struct program_parameters),
    FIELDS({"program", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE, FIELD_AT(struct program_parameters, name),
        .about = "The last part of its path."}),
    .about = "Parameters of a program that vcost run ran."};
static const struct record run_record = {"run-workload", sizeof(struct workload),
    FIELDS({"workload", FIELD_CONSTANT, .text = run_name},
        {"parameters", FIELD_RECORD, FIELD_NEEDED, FIELD_AT(struct workload, parameters),
            .of = &run_parameters}),
    .check = set_run};

const struct workload_kind workload_run = {
    .name = "run",
    .record = &run_record,
    .takes = takes_run,
    .write_id = write_run_id,
    .read_id = read_run,
    .pageless = pageless,
    .label = label,
    .size = size,
    .operation = operation,
    .check = check,
};
