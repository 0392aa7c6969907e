/* `vcost inspect` as a document: what was found out about this machine, section by section, what costs most
 * and what to change, and the rounds of --watch; and a finding in words. */
#ifndef VCOST_REPORT_VIEW_INSPECT_H
#define VCOST_REPORT_VIEW_INSPECT_H

#include "inspect/threshold.h"
#include "report/document.h"
#include "result/result.h"

/* The result has to outlive the document in all of these. */
void view_inspect(const struct result *result, struct document *doc);

/* The last round of --watch alone, for who watches: a line of fixed width, below the head of such lines if it
 * is the first. What is clearly another thing than the inspection found is marked by "*": an interval that
 * has nothing in common with that one's and more than a tenth between them, or another verdict. */
void view_round(const struct result *result, struct document *doc);

/* What has drifted since the inspection: a sentence for each finding that was clearly another one in a round,
 * or one that none was. Nothing without rounds. */
void view_drift(const struct result *result, struct document *doc);

/* All rounds as a table, and what has drifted. Nothing without rounds. */
void view_rounds(const struct result *result, struct document *doc);

/* For a table: its number in its unit with the interval, and the words that it has besides or instead; where
 * it is not known, "cannot tell: REASON". Texts are the pool's or the finding's. */
struct value finding_value(const struct finding *finding, struct pool *pool);

/* The same as words, without the interval: "yes (virtio0)", "partly", "3.6 µs". */
const char *finding_phrase(const struct finding *finding, struct pool *pool);

/* Which of the user's thresholds (--fail-on) was passed: "steal>5%: steal is 7 % (interval 6 % … 8 %)",
 * "splintered: splintered is partly"; or "steal>5%: steal is not known here: REASON". No full stop; not
 * cleaned. */
const char *tripped_phrase(const struct tripping *tripping, struct pool *pool);

#endif
