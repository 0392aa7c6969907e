/* The names of all findings that an inspection can have, on whatever machine: which of them a machine has
 * turns out only when it is inspected, but what is asked about is known, or not, before. */
#ifndef VCOST_INSPECT_NAMES_H
#define VCOST_INSPECT_NAMES_H

#include <stdbool.h>

extern const char *const finding_names[]; /* in the order of the alphabet; ends with NULL */

bool finding_name_known(const char *name);

#endif
