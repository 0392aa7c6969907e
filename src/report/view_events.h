/* `vcost events` as a document: the price list. */
#ifndef VCOST_REPORT_VIEW_EVENTS_H
#define VCOST_REPORT_VIEW_EVENTS_H

#include "report/document.h"
#include "result/result.h"

/* The result has to outlive the document. */
void view_events(const struct result *result, struct document *document);

#endif
