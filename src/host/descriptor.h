/* Descriptors that stand where others do not come by themselves. */
#ifndef VCOST_HOST_DESCRIPTOR_H
#define VCOST_HOST_DESCRIPTOR_H

#include <stdbool.h>

/* A copy at the first free number from `from` on, also above the soft limit of this process if the hard one
 * allows it. -1 with errno. */
int descriptor_copy(int descriptor, int from, bool close_on_exec);

#endif
