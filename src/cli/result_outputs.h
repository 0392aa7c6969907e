/* Where a result goes: the files that were asked for, and the report for people. */
#ifndef VCOST_CLI_RESULT_OUTPUTS_H
#define VCOST_CLI_RESULT_OUTPUTS_H

#include "cli/common_options.h"
#include "cli/outputs.h"
#include "result/result.h"

enum { RESULT_OUTPUTS = 4 };

/* Opens the files before anything is measured. outputs_discard() closes them unwritten. */
int result_outputs_open(
    const struct common_options *options, struct output_file outputs[RESULT_OUTPUTS], struct error *error);

/* Writes them, then the report to stdout unless another form of the result went there: a reader of stdout
 * that goes away (a pipe to head) must not cost the files. */
int result_outputs_write(const struct common_options *options, struct output_file outputs[RESULT_OUTPUTS],
    struct result *result, struct error *error);

#endif
