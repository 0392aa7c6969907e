/* A result as comma-separated values: a header line, then one line for each cell, with its slowdown against
 * its baseline where there is one. Of "inspect" it is what was found instead.
 *
 * Fields are quoted as in RFC 4180; lines end in LF as everywhere on Unix. A figure that could not be had is
 * an empty field, and the field "reason" says why. Sizes are bytes, times ns per operation, ratios plain. */
#ifndef VCOST_REPORT_CSV_H
#define VCOST_REPORT_CSV_H

#include "base/error.h"
#include "result/result.h"

#include <stdio.h>

/* Errors of the stream are left to its owner (output_commit). */
int csv_write(const struct result *result, FILE *stream, struct error *error);

/* Writes one field, quoted if it has to be. */
void csv_field(FILE *stream, const char *text);

#endif
