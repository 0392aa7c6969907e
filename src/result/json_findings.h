/* What `vcost inspect` found, and what it says to change, as arrays of the result file. */
#ifndef VCOST_RESULT_JSON_FINDINGS_H
#define VCOST_RESULT_JSON_FINDINGS_H

#include "result/finding.h"
#include "record/json_draft.h"
#include "result/result.h"

/* Puts "findings" and "remedies" into object.
 *
 * findings: {"name", "key", "section", "title", "source", "unit", "value", "text", "low", "high", "reason",
 * "how", "sure", "detail"}. "value" is a number in base units, true or false, or words, as "unit" says; null
 * where it is not known, and "reason" says why. "text": more words to a value that is not words itself.
 *
 * remedies: {"name", "cost", "change", "with_what", "without_what", "with_ns", "without_ns", "more_ns",
 * "low", "high", "reason"}, what costs most first. */
void put_findings(struct draft *draft, json_t *object, const struct findings *findings);

/* Puts "rounds": {"started", "findings"} of each, in the order of time. */
void put_rounds(struct draft *draft, json_t *object, const struct result_round *rounds, size_t count);

#endif
