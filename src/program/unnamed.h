/* An executable that is part of vcost, as a file without a name (memfd_create(2)). */
#ifndef VCOST_PROGRAM_UNNAMED_H
#define VCOST_PROGRAM_UNNAMED_H

#include "base/error.h"

/* Those that there are: what runs a program in a domain (inside/); what does things a known number of times
 * (guest/prices/). */
enum unnamed { UNNAMED_INSIDE, UNNAMED_PRICES };

/* Opens it, close-on-exec. -ENOTSUP: this kernel does not execute what has no name (vm.memfd_noexec). */
int unnamed_open(enum unnamed which, int *descriptor, struct error *error);

#endif
