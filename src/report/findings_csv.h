/* What `vcost inspect` found as comma-separated values: a header line, then one line for each finding. What
 * is not known is an empty field, and "reason" says why. "value" is a number in base units, true or false, or
 * words, as "unit" says; "text" are more words to a number. */
#ifndef VCOST_REPORT_FINDINGS_CSV_H
#define VCOST_REPORT_FINDINGS_CSV_H

#include "result/finding.h"

#include <stdio.h>

/* Errors of the stream are left to its owner (output_commit). */
void findings_csv_write(const struct findings *findings, FILE *stream);

#endif
