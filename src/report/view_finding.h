/* A finding in a document: as the value of a table, and as words in sentences. */
#ifndef VCOST_REPORT_VIEW_FINDING_H
#define VCOST_REPORT_VIEW_FINDING_H

#include "base/pool.h"
#include "inspect/threshold.h"
#include "report/document.h"
#include "result/finding.h"

/* "entries of the TLB (L2 4K)". */
const char *finding_heading(const struct finding *finding, struct pool *pool);

/* Its number in its unit with the interval, and the words that it has besides or instead; where it is not
 * known, "cannot tell: REASON". */
void finding_fill(const struct finding *finding, struct value *value, struct pool *pool);

/* The same as words, without the interval: "yes (virtio0)", "partly", "3.6 µs". */
const char *finding_phrase(const struct finding *finding, struct pool *pool);

/* Which of the user's thresholds (--fail-on) was passed: "steal>5%: steal is 7 % (interval 6 % … 8 %)",
 * "splintered: splintered is partly"; or "steal>5%: steal is not known here: REASON". No full stop; not
 * cleaned. */
const char *tripped_phrase(const struct tripping *tripping, struct pool *pool);

#endif
