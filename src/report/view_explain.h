/* What an event is, in words: what happens step by step, what the article says of it, what to do. */
#ifndef VCOST_REPORT_VIEW_EXPLAIN_H
#define VCOST_REPORT_VIEW_EXPLAIN_H

#include "event/event.h"
#include "report/document.h"

void view_explain(const struct event *event, struct document *document);

/* Figures that others have published, with their source: never this machine's. `event` NULL: all of them. */
void view_published(const struct event *event, struct document *document);

#endif
