/* What `vcost model` says. */
#ifndef VCOST_REPORT_VIEW_MODEL_H
#define VCOST_REPORT_VIEW_MODEL_H

#include "model/trace.h"
#include "report/document.h"
#include "result/validation.h"

/* The machines that are known by name. */
void view_machines(struct document *document);

/* One of them: its figures, with where each is from. */
void view_machine(const struct machine *machine, struct document *document);

/* One that was fitted to a measured curve, and how well. */
struct fitted {
    const struct machine *machine;
    const char *like; /* the machine that the rest is of */
    size_t points;
    double median, most; /* relative errors of these */
};
void view_fitted(const struct fitted *fitted, struct document *document);

/* One against what was measured. */
void view_validation(const struct validation *validation, struct document *document);

/* One translation. */
void view_trace(const struct model_trace *trace, struct document *document);

/* The same as JSON, vcost.walk/1 (record.h). */
struct record;
extern const struct record trace_record;

#endif
