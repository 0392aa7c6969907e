/* `vcost events` as a document: the price list, and what an event is in words. */
#ifndef VCOST_REPORT_VIEW_EVENTS_H
#define VCOST_REPORT_VIEW_EVENTS_H

#include "event/event.h"
#include "report/document.h"
#include "result/result.h"

/* The result has to outlive the document. */
void view_events(const struct result *result, struct document *doc);

/* What happens step by step, what the article says of it, what to do, how it is measured, what others found.
 */
void view_explain(const struct event *event, struct document *doc);

/* Figures that others have published, with their source: never this machine's. `event` NULL: all of them. */
void view_published(const struct event *event, struct document *doc);

#endif
