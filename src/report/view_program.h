/* What the views of `vcost run` share. */
#ifndef VCOST_REPORT_VIEW_PROGRAM_H
#define VCOST_REPORT_VIEW_PROGRAM_H

#include "report/document.h"
#include "result/result.h"

/* A program's cell in a domain? */
bool view_is_guest(const struct result_cell *cell);

/* The next guest of a program (NULL: of any) behind `cell` (NULL: the first); NULL: there is no further one.
 */
const struct result_cell *view_next_guest(
    const struct result *result, const struct result_cell *cell, const char *program);

/* The native cell of the same program on the same host pages; what a guest's cell is held against (NULL:
 * there are too few runs). */
const struct result_cell *view_native_of(const struct result *result, const struct result_cell *guest);
const struct result_comparison *view_comparison_of(
    const struct result *result, const struct result_cell *guest);

/* "takes 1.42 times as long as natively (1.3 … 1.6)"; without an interval where there is none. */
const char *view_takes_text(const struct result_comparison *comparison, struct document *doc);

/* "user", "peak_memory" and the like of a cell; NULL: it has none of that name. */
const struct result_metric *view_metric_of(const struct result_cell *cell, const char *name);

/* Are there several programs? */
bool view_is_several(const struct result *result);

/* Of these: which pays most and which least, and a line for each. view_programs.c. */
void view_programs(const struct result *result, struct document *doc);

/* The account in sentences, and as a table (pages: "4K/2M", what was asked for; NULL); system calls of the
 * last run. view_program_account.c. */
void view_program_say_account(const struct ran_account *account, struct document *doc);
void view_program_account(const struct result_cell *guest, const char *pages, struct document *doc);
void view_program_calls(const struct result_cell *guest, struct document *doc);

/* All of it as tables for files. view_program_files.c. */
void view_program_files(const struct result *result, struct document *doc);

#endif
