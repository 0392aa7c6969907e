/* What it costs the program of a domain to be saved, or restored, here: looked at before and after
 * (domain/timeline). */
#ifndef VCOST_DOMAIN_SERVED_WATCH_H
#define VCOST_DOMAIN_SERVED_WATCH_H

#include "domain/served/server.h"

/* A descriptor for what the program did, of the migration or save that is asked for next. */
int served_timeline(struct served *served, const struct control_request *request, struct error *error);
/* Who asked for it finds nothing there if it cannot be written. The descriptor is closed. */
void served_write_timeline(struct served *served, const struct timeline *timeline);

/* A save begins: looked at if a descriptor is there. Nothing is, then the others do nothing. */
void served_watch_save(struct served *served);
/* It is about to be restored: what it did before it was saved stands in its memory. */
void served_watch_restore(struct served *served);
/* It is about to run again: what is done from here on is after. */
void served_watch_runs(struct served *served);
/* Now and then: takes what is new, and ends it when enough was seen. */
void served_watch(struct served *served);
/* The domain ends. */
void served_watch_end(struct served *served);

#endif
