/* Memory that nobody has touched yet, and that is kept once it was: struct event_hold of event.h. */
#ifndef VCOST_EVENT_HOLD_H
#define VCOST_EVENT_HOLD_H

#include "event/internal.h"

/* The next `bytes`, a multiple of page_bytes (4 KiB, 2 MiB), with no pages yet. *memory stays the hold's: it
 * is not to be unmapped. However much is taken, this process has no more mappings for it, and a child of
 * fork() has none. -ENOMEM where this machine has not that much left. */
int hold_take(
    struct event_hold *hold, uint64_t bytes, uint64_t page_bytes, struct memory *memory, struct error *error);

#endif
