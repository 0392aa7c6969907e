/* Whether the monitor really is entered for an event, found by making some and looking at its counters. */
#ifndef VCOST_EVENT_EXITS_H
#define VCOST_EVENT_EXITS_H

#include "event/internal.h"

enum { EXITS_TRIED = 64 };

/* For event_way, in a guest, as the end of open(): makes EXITS_TRIED events, and notes it where the monitor
 * was entered less often. */
int exits_note(struct event_bench *bench, struct error *error);

#endif
