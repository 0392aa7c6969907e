/* What the views of all measuring commands have in common: which machine this is, what must be known to read
 * the result, how it was measured, the table of cells for files. Texts live as long as the document; the
 * result has to outlive it. */
#ifndef VCOST_REPORT_VIEW_RUN_H
#define VCOST_REPORT_VIEW_RUN_H

#include "report/document.h"
#include "report/view_parts.h"
#include "result/ratios.h"
#include "result/result.h"

/* The document's title, "vcost chase on AMD EPYC 7B13", and its stamp where the result must not be trusted as
 * it is: "incomplete: stopped by the user". First. */
void view_run_title(const struct result *result, struct document *doc);

/* Facts about where it was measured: "Guest: KVM with shadow paging (PVM). CPU: AMD EPYC 7B13. Linux 6.18.5."
 * and each other machine that took part. */
void view_run_machine(const struct result *result, struct document *doc);

/* For the end of a conclusion: " (incomplete: stopped by the user)"; "" if the result is complete. */
const char *view_run_incomplete(const struct result *result, struct document *doc);

/* "KVM guest", "guest of an unnamed hypervisor"; NULL: this machine is none. */
const char *view_run_guest(const struct result *result, struct document *doc);

/* A fact about what is below native: "This machine is itself a KVM guest …". Nothing on bare metal. */
void view_run_below(const struct result *result, struct document *doc);

/* What kind of machine this is today, a sentence to stand above a table: "This machine is fairly quiet today:
 * half of the comparisons are known to within 4.3 %." Of the comparisons, or of the cells where there is
 * none. */
void view_run_today(const struct result *result, struct document *doc);

/* Why so much cannot be told, and what to do: "other work takes this CPU (…). Stop it …". No full stop. */
const char *view_run_blame(const struct result *result, struct document *doc);

/* How many ratios came out how, after `what`: "kvm: of 37 comparisons 1 is slower, 1 faster, 35 not
 * significant; with as many …". Nothing where there is none. */
void view_run_counts(const struct ratios *ratios, const char *what, const char *const one_several[2],
    const char *more, const char *less, struct document *doc);

/* Details: cells that are not good, two modes, drift, how many samples in what time. */
void view_run_method(const struct result *result, struct document *doc);

/* "1 noisy, 2 interrupted of 24 cells."; "" if all are good. */
const char *view_run_quality(const size_t counts[static QUALITIES], struct document *doc);

/* The table of cells for files (CSV), the same for all commands that have cells. */
void view_run_cells(const struct result *result, struct document *doc);

#endif
