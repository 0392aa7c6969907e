/* What a finding is, in words for people: for the terminal, Markdown and sentences. */
#ifndef VCOST_REPORT_FINDING_TEXT_H
#define VCOST_REPORT_FINDING_TEXT_H

#include "result/finding.h"
#include "report/style.h"

enum { FINDING_VALUE_BYTES = 512, FINDING_REMARK_BYTES = 2 * FINDING_TEXT_BYTES + 16 };

/* "entries of the TLB (L2 4K)" */
void finding_title(const struct finding *finding, char title[static FINDING_VALUE_BYTES]);

/* The number of a finding in a unit: "32 KiB", "1.23 us", "4.5 %", "1.35 times", "2,048". "-" for NAN. */
void finding_number(
    enum unit unit, double number, const struct report_style *style, char text[static FINDING_VALUE_BYTES]);

/* "1.23 us", "yes", "partly", words, with more words in brackets; "cannot tell: REASON" if it is not known.
 */
void finding_value(
    const struct finding *finding, const struct report_style *style, char text[static FINDING_VALUE_BYTES]);

/* "1.20 us … 1.31 us"; "" where there is no interval. */
void finding_interval(
    const struct finding *finding, const struct report_style *style, char text[static FINDING_VALUE_BYTES]);

/* How it was found and how sure that is: "CPUID leaf 4; a hypervisor may make it up"; "" if nothing is told.
 */
void finding_remark(const struct finding *finding, char text[static FINDING_REMARK_BYTES]);

#endif
