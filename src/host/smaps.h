/* What the kernel says about how a range of this process's addresses is really mapped. */
#ifndef VCOST_HOST_SMAPS_H
#define VCOST_HOST_SMAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Sums over the mappings of /proc/self/smaps that touch a range. */
struct smaps {
    uint64_t mapped_bytes;   /* size of these mappings */
    uint64_t overlap_bytes;  /* the part of it inside the range */
    uint64_t resident_bytes; /* Rss */
    uint64_t huge_bytes;     /* AnonHugePages, ShmemPmdMapped: memory mapped by 2 MiB entries */
    uint64_t text_bytes;     /* FilePmdMapped: of files' pages, likewise */
    uint64_t locked_bytes;   /* Locked */
    uint64_t hugetlb_bytes;  /* Private_Hugetlb and Shared_Hugetlb, which Rss does not count */
    uint64_t kernel_page_bytes, mmu_page_bytes; /* the largest of these mappings; 0 if not told */
};

/* Looks at the range of `bytes` > 0 at `start`. 0 or a negative errno; -ENODATA if nothing of it is mapped.
 */
int smaps_look(uint64_t start, uint64_t bytes, struct smaps *smaps);

/* The sums over all mappings of another process (/proc/PID/smaps_rollup, Linux 4.14): without the sizes of
 * pages. */
int smaps_of(pid_t process, struct smaps *smaps);

/* What another process alone has in memory, and would be free without it: its private pages; where a file is
 * mapped, a memfd too, only those that it has copied. 0 or a negative errno. */
int smaps_own_bytes(pid_t process, uint64_t *bytes);

#endif
