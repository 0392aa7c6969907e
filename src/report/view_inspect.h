/* `vcost inspect` as a document: what was found out about this machine, section by section, what costs most
 * and what to change, and the rounds of --watch. */
#ifndef VCOST_REPORT_VIEW_INSPECT_H
#define VCOST_REPORT_VIEW_INSPECT_H

#include "report/document.h"
#include "result/result.h"

/* The result has to outlive the document in all of these. */
void view_inspect(const struct result *result, struct document *document);

/* The rounds of --watch as a table, and what has drifted. Nothing without rounds. */
void view_rounds(const struct result *result, struct document *document);

/* What has drifted since the inspection: a sentence for each finding that was clearly another one in a round,
 * or one that none was. Nothing without rounds. */
void view_drift(const struct result *result, struct document *document);

/* The last round alone, for who watches: a line of fixed width, below the head of such lines if it is the
 * first. What drifted is marked by "*". */
void view_round(const struct result *result, struct document *document);

/* Whether a finding of a round is clearly another one than that of the inspection: its interval has nothing
 * in common with that one's and it differs by more than a tenth, or it is another verdict. */
bool view_round_differs(const struct finding *before, const struct finding *after);

#endif
