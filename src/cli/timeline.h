/* --timeline FILE: the picture of what it costs a program to be moved, saved or restored. */
#ifndef VCOST_CLI_TIMELINE_H
#define VCOST_CLI_TIMELINE_H

#include "cli/outputs.h"
#include "domain/served/place.h"
#include "domain/timeline/told.h"

/* One more file, of the picture's format; after a failure none is left open. */
int timeline_add_output(struct outputs *outputs, const char *path, struct error *error);

/* Gives a domain a descriptor, to which it writes the timeline of its next migration or save when that is
 * over. */
int timeline_ask(const struct place *place, const char *name, int *fd, struct error *error);

/* What it has written; *told is to be freed. */
int timeline_read(int fd, struct timeline_told **told, struct error *error);

/* A picture of its own, into the files of `outputs`. */
int timeline_write_alone(struct outputs *outputs, const struct timeline_told *told, struct error *error);

#endif
