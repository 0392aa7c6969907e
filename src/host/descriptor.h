/* Descriptors that stand where others do not come by themselves. */
#ifndef VCOST_HOST_DESCRIPTOR_H
#define VCOST_HOST_DESCRIPTOR_H

#include <stdbool.h>
#include <sys/resource.h>

/* A copy at the first free number from `from` on, also above the soft limit of this process if the hard one
 * allows it. -1 with errno. */
int descriptor_copy(int descriptor, int from, bool close_on_exec);

/* For what must be opened though the program that it is for may open no more: raises the soft limit of this
 * process as far as the hard one allows, and puts it back. As above, for a moment others may get more. */
void descriptor_limit_raise(struct rlimit *before);
void descriptor_limit_restore(const struct rlimit *before);

#endif
