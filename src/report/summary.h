/* The end of a report: a few plain sentences, each only if the numbers support it. Where an interval includes
 * zero it says that no difference can be told. */
#ifndef VCOST_REPORT_SUMMARY_H
#define VCOST_REPORT_SUMMARY_H

#include "base/error.h"
#include "report/curves.h"
#include "report/style.h"

#include <stdio.h>

/* Errors of the stream are left to its owner. */
int summary_write(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

/* Its last part, for any experiment: the baseline, whether it is complete, quality, modes and drift, how
 * many samples. */
void summary_run(const struct result *result, FILE *stream, const struct report_style *style);

#endif
