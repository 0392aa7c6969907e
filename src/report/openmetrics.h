/* What `vcost inspect` found as metrics: for node_exporter's textfile collector (--collector.textfile), and
 * for whatever else scrapes Prometheus.
 *
 * What is written is Prometheus' text format 0.0.4, which the textfile collector reads, in the part of it
 * that OpenMetrics 1.0 shares: no timestamps, no blank lines, HELP without quotes, escapes \\ and \" alone,
 * all samples of a family together. The last line "# EOF", which OpenMetrics asks for, is a comment in 0.0.4.
 * So either parser takes it.
 *
 *   vcost_NAME_UNIT{of="KEY"}       a number, in base units: seconds, bytes, ratio (a share: 0 to 1); none
 *                                   for what is counted; yes is 1 and no is 0
 *   vcost_NAME_low_UNIT, …_high_…   the ends of its interval. Families of their own, since a label would
 *                                   let sum() and avg() add an end to its value
 *   vcost_finding_info{name, of, value} 1   words, and the words of a yes-or-no ("partly")
 *   vcost_remedy_cost_seconds{name} (…_low_…, …_high_…)   what each operation costs more, and need not
 *   vcost_inspect_timestamp_seconds, _duration_seconds, _complete, _unknown_findings, vcost_build_info
 *
 * A finding that is not known is left out, never 0; vcost_inspect_unknown_findings counts these. */
#ifndef VCOST_REPORT_OPENMETRICS_H
#define VCOST_REPORT_OPENMETRICS_H

#include "base/error.h"
#include "result/result.h"

#include <stdio.h>

/* Errors of the stream are left to its owner (output_commit). -ENOMEM is the only one of its own. */
int openmetrics_write(const struct result *result, FILE *stream, struct error *error);

#endif
