/* What costs most on this machine and what to change: the remedies in sentences. */
#ifndef VCOST_REPORT_FINDINGS_REMEDIES_H
#define VCOST_REPORT_FINDINGS_REMEDIES_H

#include "result/finding.h"
#include "report/style.h"

#include <stdio.h>

extern const char remedies_title[];

/* Said where there are none: it promises no more than what was measured. */
extern const char remedies_none[];

enum { REMEDY_TEXT_BYTES = 1024 };

/* "Small pages miss the TLB where large ones do not." */
void remedy_cost(const struct remedy *remedy, char text[static REMEDY_TEXT_BYTES]);

/* "What: 25.1 ns; the other: 12.8 ns; a difference of +12.3 ns (95 % interval +11.0 ns … +13.5 ns)." */
void remedy_figures(
    const struct remedy *remedy, const struct report_style *style, char text[static REMEDY_TEXT_BYTES]);

/* For a terminal, numbered, with an empty line behind. */
void findings_remedies_write(const struct findings *findings, FILE *stream, const struct report_style *style);

#endif
