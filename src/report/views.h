/* What commands say of a result, as a document; and findings, thresholds and events in words. All appends to
 * the document, which results, events and names have to outlive. */
#ifndef VCOST_REPORT_VIEWS_H
#define VCOST_REPORT_VIEWS_H

#include "event/event.h"
#include "inspect/threshold.h"
#include "report/document.h"
#include "result/compare.h"

/* A table for each shape of chase with what is to be known about its cells, slowdown and latency as charts,
 * how far the caches and TLBs reach, and sentences, each only if the numbers support it. */
void view_chase(const struct result *result, struct document *doc);

/* Where the cycles of a chase's modelled cells went, as tables and, if asked for, as stacked charts. */
void view_account(const struct result *result, bool charts, struct document *doc);

/* The charts alone, of several results' curves, each called by its result's name too; the first is the one
 * whose reaches are marked. */
void view_chase_overlay(const struct compare_input *results, size_t count, struct document *doc);

/* The price list of events. */
void view_events(const struct result *result, struct document *doc);

/* What happens step by step, what the article says of it, what to do, how it is measured, what others found.
 */
void view_explain(const struct event *event, struct document *doc);

/* Figures that others have published, with their source: never this machine's. `event` NULL: all of them. */
void view_published(const struct event *event, struct document *doc);

/* What was found out about this machine, section by section, what costs most and what to change, and the
 * rounds of --watch. */
void view_inspect(const struct result *result, struct document *doc);

/* The three goals, a line a monitor, what does not hold, and all that was tried. */
void view_verify(const struct result *result, struct document *doc);

/* What programs cost in a guest, and the account of each; what one touches over time (`program`: its name,
 * where there are several; NULL). */
void view_program(const struct result *result, struct document *doc);
void view_heat(const struct ran_heat *heat, const char *program, struct document *doc);

/* What to use, what each remedy did to the program, and how that is known; and which remedies there are. */
void view_advise(const struct result *result, struct document *doc);
void view_advise_list(const struct result *result, struct document *doc);

/* The last round of --watch alone, for who watches: a line of fixed width, below the head of such lines if it
 * is the first. What is clearly another thing than the inspection found is marked by "*": an interval that
 * has nothing in common with that one's and more than a tenth between them, or another verdict. */
void view_round(const struct result *result, struct document *doc);

/* What has drifted since the inspection: a sentence for each finding that was clearly another one in a round,
 * or one that none was. And that below a table of all rounds. Nothing without rounds. */
void view_drift(const struct result *result, struct document *doc);
void view_rounds(const struct result *result, struct document *doc);

/* One result as its command has it; several of one experiment as what differs between them, of chases with
 * their curves in shared charts; and several experiments one after the other, under headings. The others are
 * compared with the one that is called `baseline` (NULL, or one that there is not: the first). */
void view_results(
    const struct compare_input *results, size_t count, const char *baseline, struct document *doc);

/* A finding for a table: its number in its unit with the interval, and the words that it has besides or
 * instead; where it is not known, "cannot tell: REASON". Texts are the pool's or the finding's. */
struct value finding_value(const struct finding *finding, struct pool *pool);

/* The same as words, without the interval: "yes (virtio0)", "partly", "3.6 µs". */
const char *finding_phrase(const struct finding *finding, struct pool *pool);

/* Which of the user's thresholds (--fail-on) was passed: "steal>5%: steal is 7 % (interval 6 % … 8 %)",
 * "splintered: splintered is partly"; or "--fail-on steal>5% cannot be judged here: REASON". No full
 * stop; not cleaned. */
const char *tripped_phrase(const struct tripping *tripping, struct pool *pool);

#endif
