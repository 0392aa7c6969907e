/* What an event is, in words: what happens step by step, what the article says of it, what to do. */
#ifndef VCOST_REPORT_EXPLAIN_H
#define VCOST_REPORT_EXPLAIN_H

#include "event/event.h"
#include "report/style.h"

#include <stdio.h>

void explain_write(const struct event *event, FILE *stream, const struct report_style *style);

/* Published figures that a price list can be held against, with their source. `event` NULL: all of them. */
void published_write(const struct event *event, FILE *stream, const struct report_style *style);

#endif
