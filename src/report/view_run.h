/* What the views of all measuring commands have in common: which machine this is, what must be known to read
 * the result, how it was measured, and the table of cells for files. */
#ifndef VCOST_REPORT_VIEW_RUN_H
#define VCOST_REPORT_VIEW_RUN_H

#include "report/document.h"
#include "result/ratios.h"
#include "result/result.h"

#include <math.h>

/* The result has to outlive the document in all of these. */

/* The document's title, "vcost chase on AMD EPYC 7B13", and its stamp where the result must not be trusted as
 * it is: "incomplete: stopped by the user", "too disturbed to tell". First. */
void view_run_title(const struct result *result, struct document *document);

/* Facts about where it was measured: "Guest: KVM with shadow paging (PVM). CPU: AMD EPYC 7B13. Linux 6.18.5."
 * and each other machine that took part. */
void view_run_machine(const struct result *result, struct document *document);

/* For the end of a conclusion: " (incomplete: stopped by the user)"; "" if the result is complete. */
const char *view_run_incomplete(const struct result *result, struct document *document);

/* A fact about what is below native: "This machine is itself a KVM guest …". Nothing on bare metal. */
void view_run_below(const struct result *result, struct document *document);

/* What kind of machine this is today, a sentence to stand above a table: "This machine is unsteady today:
 * half of the intervals reach more than 4.3 % to a side." Of the comparisons, or of the cells where there is
 * none.
 */
void view_run_today(const struct result *result, struct document *document);

/* How many ratios came out how, after `what`: "kvm: of 37 comparisons 1 is slower, 1 faster, 35 not
 * significant; with as many …". Nothing where there is none. */
void view_run_counts(const struct ratios *ratios, const char *what, const char *const one_several[2],
    const char *more, const char *less, struct document *document);

/* Details: cells that are not good, two modes, drift, how many samples in what time. */
void view_run_method(const struct result *result, struct document *document);

/* "1 noisy, 2 interrupted of 24 cells."; "" if all are good. */
const char *view_run_quality(const struct result *result, struct document *document);

/* The table of cells for files (CSV), the same for all commands that have cells. */
void view_run_cells(const struct result *result, struct document *document);

/* A value of a table for files, with its column's key. */
struct file_value {
    const char *key;
    enum unit unit;
    const char *text; /* UNIT_TEXT; lives as long as the document; NULL: none */
    double number;    /* of all others; NAN: none */
};
#define FILE_WORDS(key, text) ((struct file_value){key, UNIT_TEXT, text, NAN})
#define FILE_FIGURE(key, unit, number) ((struct file_value){key, unit, NULL, number})

enum { FILE_COLUMNS_MAX = 48 };

/* A table for files with the keys of these values, and a row of it. */
struct table *view_file_table(
    struct document *document, const char *name, const struct file_value *values, size_t count, size_t rows);
void view_file_row(struct table *table, size_t row, const struct file_value *values, size_t count);

/* "2.6 % (0.5 to 4.5)" of 1.026 with its 95 % interval; "2.6 % (no interval)". Lives as long as the document.
 */
const char *view_amount(struct document *document, double ratio, double low, double high);

#endif
