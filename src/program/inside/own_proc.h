/* What /proc has of this process. */
#ifndef VCOST_PROGRAM_INSIDE_OWN_PROC_H
#define VCOST_PROGRAM_INSIDE_OWN_PROC_H

#include "program/inside/process.h"

/* Where a descriptor's file is, relative to /proc (kept.proc). */
enum { OWN_LINK_BYTES = sizeof "self/fd/" + 12 };
void own_link(int descriptor, char link[static OWN_LINK_BYTES]);

/* What that says, as readlink() does. */
ssize_t own_link_read(const struct process *process, int descriptor, char *text, size_t bytes);

/* What follows /proc/PID/ in a path if that is this process; with `threads`, or what follows
 * /proc/PID/task/TID/. NULL: the path is none of these. */
const char *own_part(const char *path, bool threads);

#endif
