/* What the process of a domain does while memory is on its way (post-copy): at the destination the domain
 * stands still as long as the link to its source is broken; at the source it is given away. */
#ifndef VCOST_DOMAIN_SERVED_BEHIND_H
#define VCOST_DOMAIN_SERVED_BEHIND_H

#include "domain/served/server.h"

/* Looks, and lets it stand still or go on. */
void behind_look(struct served *served);

/* May this process let it run, and (whole) copy it? -EBUSY with the reason. */
int behind_check(const struct served *served, bool whole, struct error *error);

/* Is it given away to a destination that may need it here yet? */
bool behind_is_given(const struct served *served);

/* Adds it to a report. */
void behind_report(const struct served *served, struct domain_report *report);

#endif
