/* What the views of all measuring commands have in common: which machine this is, what must be known to read
 * the result, how it was measured, and the table of cells for files. */
#ifndef VCOST_REPORT_VIEW_RUN_H
#define VCOST_REPORT_VIEW_RUN_H

#include "report/document.h"
#include "result/result.h"

/* The result has to outlive the document in all of these. */

/* The document's title, "vcost chase on AMD EPYC 7B13", and its stamp where the result must not be trusted as
 * it is: "incomplete: stopped by the user", "too disturbed to tell". First. */
void view_run_title(const struct result *result, struct document *document);

/* "AMD EPYC 7B13, Linux 6.18.5, kvm (shadow, PVM); native here is itself a KVM guest", and a line for each
 * agent; as blocks of that kind. */
void view_run_machine(const struct result *result, struct document *document, enum block_kind kind);

/* What is below the baseline, and whether the result is complete. */
void view_run_caveats(const struct result *result, struct document *document);

/* How well it was measured: cells that are not good, two modes, drift, how many samples in what time. */
void view_run_method(const struct result *result, struct document *document);

/* The table of cells for files (CSV), the same for all commands that have cells. */
void view_run_cells(const struct result *result, struct document *document);

#endif
