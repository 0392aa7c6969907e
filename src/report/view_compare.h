/* What `vcost compare` says: which files, what differs besides the results, a table of medians and one of
 * slowdowns with a block for each file, what only some files have, and how many cells changed. */
#ifndef VCOST_REPORT_VIEW_COMPARE_H
#define VCOST_REPORT_VIEW_COMPARE_H

#include "report/document.h"
#include "result/compare.h"

/* Appends to the document; the results, or the comparison that was read, have to outlive it. compare->metric
 * comes first. */
void view_compare(const struct compare *compare, struct document *doc);

/* A row as people call it: "native, 64 KiB". In the document's memory. */
const char *view_compared_name(
    const struct compared_rows *rows, const struct compared_row *row, struct document *doc);

/* Accounts of programs: what changed, and a table for each. view_compare_account.c. */
void view_compare_accounts(const struct compare *compare, struct document *doc);

/* Accounts for files (CSV): a row for each line and file. view_compare_account.c. */
void view_compare_account_files(const struct compare *compare, struct document *doc);

#endif
