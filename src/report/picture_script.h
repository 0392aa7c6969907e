/* The script that has gnuplot draw a result. */
#ifndef VCOST_REPORT_PICTURE_SCRIPT_H
#define VCOST_REPORT_PICTURE_SCRIPT_H

#include "base/error.h"
#include "report/curves.h"

#include <stdio.h>

enum picture_format { PICTURE_SVG, PICTURE_PNG };

/* Writes the script; gnuplot will draw to its standard output. -ENODATA if there is nothing to draw. */
int picture_script(const struct result *result, const struct curves *curves, enum picture_format format,
    FILE *script, struct error *error);

#endif
