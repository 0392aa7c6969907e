/* What `vcost model` says. */
#ifndef VCOST_REPORT_VIEW_MODEL_H
#define VCOST_REPORT_VIEW_MODEL_H

#include "model/trace.h"
#include "report/document.h"

/* The machines that are known by name. */
void view_machines(struct document *document);

/* One of them: its figures, with where each is from. */
void view_machine(const struct machine *machine, struct document *document);

/* One translation. */
void view_trace(const struct model_trace *trace, struct document *document);

/* The same as JSON, vcost.walk/1 (record.h). */
struct record;
extern const struct record trace_record;

#endif
