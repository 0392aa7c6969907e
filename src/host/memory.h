/* Host memory for domains and for native runs: private, anonymous, of a page size that is asked for here and
 * then proved by memory_obtained(), never assumed.
 *
 * Use: memory_map(), then whatever decides where the pages come from (NUMA policy), then memory_populate(),
 * then memory_lock() if wanted, then measure. A struct memory owns its mapping until memory_unmap(); it may
 * be copied, but only one copy is to be unmapped. Not to be used by two threads at once but for reading. */
#ifndef VCOST_HOST_MEMORY_H
#define VCOST_HOST_MEMORY_H

#include "base/error.h"
#include "base/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    void *base; /* aligned to 2 MiB (to page_bytes if that is more); NULL if nothing is mapped */
    size_t bytes;
    uint64_t page_bytes; /* as asked for: 4 KiB or 2 MiB */
    /* memory.c's own: the whole reservation, with an inaccessible zone on both sides of [base, base + bytes).
     * It catches what runs over the end and keeps the kernel from joining two of these mappings to one in
     * smaps. */
    void *reserved;
    size_t reserved_bytes;
};

/* Maps `bytes`, rounded up to whole pages of page_bytes, without faulting anything in. 4096: the kernel is
 * told never to use large pages. 2 MiB: it is told to use transparent large pages; whether it did,
 * memory_obtained() tells. Other page sizes and zero bytes: -EINVAL. -ENOMEM, before anything is mapped, if
 * the machine or the control group of this process has not that much memory left with some reserve. -ENOTSUP
 * if 2 MiB are asked of a kernel without them. */
int memory_map(struct memory *memory, size_t bytes, uint64_t page_bytes, struct error *error);

/* Faults every page in, in the order of addresses: for writing (pages of its own, zeroed; contents that are
 * there stay) or only for reading (untouched anonymous pages are then all the kernel's zero page).
 * stop(context), which may be NULL, is asked before every 64 MiB; if it says true the result is -EINTR and
 * the rest stays untouched. A shortage is an error here rather than a signal later. */
int memory_populate(
    struct memory *memory, bool write, bool (*stop)(void *context), void *context, struct error *error);

/* Keeps the pages from being swapped out. Faults in what is not there yet, in one go: populate first. */
int memory_lock(struct memory *memory, struct error *error);

/* What the kernel really uses behind a range. */
struct memory_pages {
    struct fact proof; /* where the figures come from; unknown: why there are none, and all else is 0 */
    bool exact; /* false: smaps only tells of whole mappings; this one is larger and mixed, so the figures are
                   its */
    uint64_t resident_bytes;                    /* in physical memory now */
    uint64_t huge_bytes;                        /* of these, behind 2 MiB page table entries */
    double share_2m;                            /* huge_bytes / resident_bytes; 0 if nothing is resident */
    uint64_t kernel_page_bytes, mmu_page_bytes; /* smaps' KernelPageSize and MMUPageSize: 4096 also for
                                                   transparent large pages; they tell of hugetlbfs only */
};

/* Looks up how [offset, offset + bytes) is mapped. -EINVAL if it is empty or not inside the memory;
 * everything that the host hides is told in out->proof. */
int memory_obtained(
    const struct memory *memory, size_t offset, size_t bytes, struct memory_pages *out, struct error *error);

/* Gives everything back and clears *memory. Harmless on one that is all zero. */
void memory_unmap(struct memory *memory);

#endif
