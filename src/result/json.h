/* A result as the file format vcost.result/1 (share/schema/vcost.result-1.schema.json), a comparison as
 * vcost.compare/1.
 *
 * What could not be had is null with a reason beside it, never 0 and never left out. Sizes are bytes, times
 * ns per operation. Text that is not UTF-8 (a command-line argument may be anything) has U+FFFD for what is
 * wrong in it. */
#ifndef VCOST_RESULT_JSON_H
#define VCOST_RESULT_JSON_H

#include "base/error.h"
#include "record/record.h"
#include "result/compare.h"
#include "result/result.h"

#include <jansson.h>
#include <stdio.h>

#define RESULT_SCHEMA "vcost.result/1"
#define COMPARE_SCHEMA "vcost.compare/1"

/* Of findings, remedies and agents: what a file may have of each. */
enum { FINDINGS_IN_FILE_MAX = 5000 };

/* A result, field for field, and parts of it; a comparison. */
extern const struct record result_record, cell_record, modelled_record, heat_record, setting_record,
    compare_record;

/* The result as a JSON object that the caller owns (json_decref). -ENOMEM is the only error. */
static inline int json_from_result(const struct result *result, json_t **json, struct error *error)
{
    return record_write(&result_record, result, json, error);
}

/* Writes it, or a comparison, indented and with a newline at the end. Errors of the stream are left to its
 * owner (output_commit). */
static inline int json_write(const struct result *result, FILE *stream, struct error *error)
{
    return record_print(&result_record, result, stream, error);
}

static inline int compare_json(const struct compare *compare, FILE *stream, struct error *error)
{
    return record_print(&compare_record, compare, stream, error);
}

#endif
