/* The rounds of `vcost inspect --watch` for people: a line for each, and what has drifted. */
#ifndef VCOST_REPORT_ROUNDS_H
#define VCOST_REPORT_ROUNDS_H

#include "result/result.h"
#include "report/style.h"

#include <stdio.h>

/* The last round as a line of a table, below the table's head if it is the first. A figure whose interval has
 * nothing in common with that of the inspection and which differs by more than a tenth, and a verdict that is
 * another one, are marked. */
void rounds_write_line(const struct result *result, FILE *stream, const struct report_style *style);

/* A sentence for each finding that was marked, or one that none was. */
void rounds_write_drift(const struct result *result, FILE *stream, const struct report_style *style);

/* Whether a finding of a round is clearly another one than that of the inspection. */
bool rounds_differ(const struct finding *before, const struct finding *after);

#endif
