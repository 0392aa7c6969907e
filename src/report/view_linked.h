/* Of a price list, the rows of the linked kernel (event/linked.h): how the techniques part. */
#ifndef VCOST_REPORT_VIEW_LINKED_H
#define VCOST_REPORT_VIEW_LINKED_H

#include "report/document.h"
#include "result/result.h"

/* Whether a cell's kernel is emulated by its monitor, so that its figure is the emulator's. */
bool linked_is_emulated(const struct result *result, const struct result_cell *cell);

/* What a fresh page costs by itself and among many, with each technique: half a sentence; NULL: that was not
 * measured. */
const char *linked_conclusion(const struct result *result, struct document *doc);

/* What it takes to come to each monitor and back for nothing, and what an emulator takes: facts. */
void linked_say(const struct result *result, struct document *doc);

/* The table of what each row's time consists of and what was counted; the cost of a page by how many are
 * entered at once. Nothing without such rows. */
void linked_add_table(const struct result *result, struct document *doc);
void linked_add_chart(const struct result *result, struct document *doc);

#endif
