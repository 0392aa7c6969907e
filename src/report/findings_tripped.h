/* Which of the user's thresholds (--fail-on) was passed, in sentences. */
#ifndef VCOST_REPORT_FINDINGS_TRIPPED_H
#define VCOST_REPORT_FINDINGS_TRIPPED_H

#include "inspect/threshold.h"
#include "report/style.h"

enum { TRIPPED_TEXT_BYTES = 1024 };

/* "steal>5%: steal is 7 % (interval 6 % … 8 %)", "splintered: splintered is partly"; or
 * "steal>5%: steal cannot be told: REASON". No full stop; cleaned, for a terminal. */
void tripped_sentence(
    const struct tripping *tripping, const struct report_style *style, char text[static TRIPPED_TEXT_BYTES]);

#endif
