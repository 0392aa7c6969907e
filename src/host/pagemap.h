/* How a range of this process's addresses is mapped, page for page. */
#ifndef VCOST_HOST_PAGEMAP_H
#define VCOST_HOST_PAGEMAP_H

#include <stdint.h>

struct pagemap {
    uint64_t resident_bytes; /* in physical memory; the kernel's zero page is not counted, as in smaps' Rss */
    uint64_t large_bytes;    /* of these, behind page table entries of 2 MiB or 1 GiB */
};

/* Looks at whole 4 KiB pages: both are multiples of 4096. 0 or a negative errno; -ENOTTY before Linux 6.7. */
int pagemap_look(uint64_t start, uint64_t bytes, struct pagemap *pagemap);

#endif
