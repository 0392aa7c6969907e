/* Where vcost's own library is that is preloaded into programs, and the file that it counts in. */
#ifndef VCOST_REMEDY_LIBRARY_H
#define VCOST_REMEDY_LIBRARY_H

#include "abi/pages_report.h"
#include "base/error.h"

#include <limits.h>

/* Beside this program, as it is built, or in ../lib/vcost, as it is installed. -ENOENT with a sentence;
 * -EINVAL where its path cannot stand in LD_PRELOAD. */
int library_find(char path[static PATH_MAX], struct error *error);

struct library_report {
    char path[64];
    struct pages_report *counts; /* shared with every process that has the library; NULL: closed */
};

/* Makes the file, for this user alone. */
int library_report_open(struct library_report *report, struct error *error);
void library_report_close(struct library_report *report);

#endif
