/* One result or several on one page. */
#ifndef VCOST_REPORT_VIEW_RESULTS_H
#define VCOST_REPORT_VIEW_RESULTS_H

#include "report/document.h"
#include "result/compare.h"

/* Appends to the document: one result as its command has it; several of one experiment as what differs
 * between them, of chases with their curves in shared charts; and several experiments one after the other,
 * under headings. The others are compared with the one that is called `baseline` (NULL, or one that there is
 * not: the first). Names and results have to outlive the document. */
void view_results(
    const struct compare_input *results, size_t count, const char *baseline, struct document *document);

#endif
