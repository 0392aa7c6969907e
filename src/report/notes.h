/* The notes beneath a table: what its marks mean and why cells are noisy, interrupted, missing or without
 * interval. */
#ifndef VCOST_REPORT_NOTES_H
#define VCOST_REPORT_NOTES_H

#include "report/curves.h"
#include "report/style.h"

#include <stdio.h>

/* "~" noisy, "!" interrupted, "-" missing, "" otherwise. Static. */
const char *note_mark(const struct curve_point *point);

/* Writes the legend of the marks that the group uses and the reasons, each with its working sets, and an
 * empty line after them; nothing if there is nothing to tell. */
void notes_write(const struct result *result, const struct curve_group *group, FILE *stream,
    const struct report_style *style);

#endif
