/* The file that the memory of a restored domain comes from while it runs: is it what it was, and right? */
#ifndef VCOST_DOMAIN_SERVED_FILE_H
#define VCOST_DOMAIN_SERVED_FILE_H

#include "domain/served/server.h"

/* From now on: notes what the file is like, and verifies mapped memory behind the domain, unless
 * served->unchecked. Harmless where there is no file. */
void served_file_watch(struct served *served);

/* -EIO, -EPROTO: memory cannot be had from it any more, or is not what was saved; the domain is to be
 * stopped. */
int served_file_check(const struct served *served, struct error *error);

/* report->memory_checked, and what is wrong with it as report->sentence. */
void served_file_report(const struct served *served, struct domain_report *report);

#endif
