/* What the preloaded library (src/preload/pages.c) tells of what it did: a file of this one page, mapped
 * shared by each process that has the library, which adds to it as it goes. So it is whole also where a
 * process is killed, and descendants' counts are in it. All are counts since the file was zeroed. */
#ifndef VCOST_ABI_PAGES_REPORT_H
#define VCOST_ABI_PAGES_REPORT_H

#include <stdint.h>

#define PAGES_REPORT_VARIABLE "VCOST_PAGES_REPORT" /* the environment variable with the file's path */
#define PAGES_VARIABLE "VCOST_PAGES"               /* what to do: words of pages_words, with commas between */

enum { PAGES_REPORT_BYTES = 4096 };

struct pages_report {
    uint64_t processes;       /* in which the library was loaded and had something to do */
    uint64_t advised_bytes;   /* that large pages were asked for, and the kernel said yes */
    uint64_t populated_bytes; /* that were faulted in ahead */
    uint64_t text_bytes;      /* of program text that were moved to large pages */
    uint64_t locked;          /* processes in which mlockall() succeeded */
    uint64_t refused;         /* calls that the kernel refused */
    uint64_t refused_errno;   /* of the last of them */
};

#endif
