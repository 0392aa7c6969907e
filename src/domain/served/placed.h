/* Where the memory of a domain is on this machine: what was asked for, and what is so now. */
#ifndef VCOST_DOMAIN_SERVED_PLACED_H
#define VCOST_DOMAIN_SERVED_PLACED_H

#include "domain/served/server.h"

/* Counts anew, so that it is also true of one that has come from elsewhere: report->nodes and locked_bytes,
 * where they were asked for. */
void served_place(const struct served *served, struct domain_report *report);

#endif
