/* Findings as a list for a terminal, section by section: what, how it is known (told, measured, judged), and
 * the value. */
#ifndef VCOST_REPORT_FINDINGS_LIST_H
#define VCOST_REPORT_FINDINGS_LIST_H

#include "result/finding.h"
#include "report/style.h"

#include <stdbool.h>
#include <stdio.h>

/* Details are left out unless `verbose`, and counted; so are sections without findings. Below a finding
 * stands how it was found and how sure it is, if it is judged, or if `verbose`. */
void findings_list_write(
    const struct findings *findings, FILE *stream, const struct report_style *style, bool verbose);

#endif
