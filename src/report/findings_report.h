/* The report of the experiment "inspect": what was found, section by section, what costs most and what to
 * change. */
#ifndef VCOST_REPORT_FINDINGS_REPORT_H
#define VCOST_REPORT_FINDINGS_REPORT_H

#include "base/error.h"
#include "result/result.h"
#include "report/style.h"

#include <stdbool.h>
#include <stdio.h>

/* The whole report for a terminal, headline included. How each finding was found, and how sure it is, is told
 * of all of them (verbose) or only of those that are judged. Errors of the stream are left to its owner. */
int findings_report_write(const struct result *result, FILE *stream, const struct report_style *style,
    bool verbose, struct error *error);

/* As Markdown, without the headline. */
int findings_report_markdown(const struct result *result, FILE *stream, struct error *error);

#endif
