/* Host memory for domains and for native runs, in pages of a size and from a source that are asked for here
 * and then proved by memory_obtained(), never assumed. It is private and anonymous, or shared: then it has a
 * descriptor by which another process can map the same frames.
 *
 * Use: memory_map_request(), memory_populate(), memory_lock() if wanted, memory_check_obtained(), then
 * measure. A struct memory owns its mapping until memory_unmap(); it may be copied, but only one copy is to
 * be unmapped. Not to be used by two threads at once but for reading.
 *
 * What stays as it was found while something is measured:
 * - The size of pages. Small pages and hugetlb pages keep theirs: khugepaged leaves MADV_NOHUGEPAGE alone,
 * and hugetlb pages are neither split nor swapped. 2 MiB pages of THP and COLLAPSE are split by swapping (not
 * if locked), by a write after fork(), which copies by 4 KiB, and by unmapping or protecting a part: do none
 * of these. KVM may map smaller pieces than the host's pages (dirty logging): its counters tell.
 * - The node, if nodes were asked for: automatic NUMA balancing leaves memory with a policy of its own alone.
 *   Without nodes it may move pages at any time (/proc/sys/kernel/numa_balancing).
 * - Not the physical frames: compaction moves pages of every source but hugetlb, locked ones too
 *   (vm.compact_unevictable_allowed), and failing hardware moves any. It is rare where memory is not short.
 */
#ifndef VCOST_HOST_MEMORY_H
#define VCOST_HOST_MEMORY_H

#include "base/error.h"
#include "base/fact.h"
#include "host/numa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where pages come from. */
enum memory_source {
    MEMORY_AUTO,     /* 4 KiB: SMALL, 2 MiB: THP (shared: COLLAPSE), 1 GiB: HUGETLB */
    MEMORY_SMALL,    /* 4 KiB; the kernel is told never to use larger ones (MADV_NOHUGEPAGE) */
    MEMORY_THP,      /* 2 MiB, transparent: given at the first touch if the kernel has one at hand; shared
                        memory only where /sys/kernel/mm/transparent_hugepage/shmem_enabled allows it */
    MEMORY_COLLAPSE, /* 2 MiB: touched as small ones, then joined (MADV_COLLAPSE, Linux 6.1) */
    MEMORY_HUGETLB,  /* 2 MiB or 1 GiB: of those that root has set aside; vcost never sets any aside itself */
};

/* "auto", "small", "thp", "collapse", "hugetlb". */
const char *memory_source_name(enum memory_source source);

struct memory_request {
    size_t bytes;
    uint64_t page_bytes; /* 4 KiB, 2 MiB or 1 GiB */
    enum memory_source source;
    struct numa_nodes nodes; /* on these only; empty: wherever the kernel places it */
    uint64_t alignment;      /* of the base, a power of two; less than the page size and 2 MiB means these */
    bool shared;             /* with a descriptor (memfd_create()) */
    size_t room; /* so many bytes of addresses behind it stay free for whoever asks (inaccessible); shared:
                    the descriptor has them, too */
};

struct memory {
    void *base;   /* aligned to 2 MiB (to page_bytes if that is more); NULL if nothing is mapped */
    size_t bytes; /* as asked for, rounded up to whole pages of page_bytes */
    uint64_t page_bytes;
    enum memory_source source; /* never MEMORY_AUTO */
    struct numa_nodes nodes;
    bool shared;
    int descriptor; /* shared: that it is a mapping of, from its start on */
    /* memory.c's own: the whole reservation, with an inaccessible zone on both sides of [base, base + bytes).
     * It catches what runs over the end and keeps the kernel from joining two of these mappings to one in
     * smaps. */
    void *reserved;
    size_t reserved_bytes;
};

/* Maps memory without faulting anything in, with its NUMA policy set. -EINVAL: a page size that the source
 * does not have, no bytes, or nodes that the kernel refuses. -ENOTSUP: the kernel (or a container) has not
 * what the source or the nodes need, nor the hugetlb pool so much. -ENOMEM, before anything is mapped, if the
 * machine, the control group of this process or the nodes have not that much left, with some reserve. */
int memory_map_request(struct memory *memory, const struct memory_request *request, struct error *error);

/* The same from MEMORY_AUTO on any node. */
int memory_map(struct memory *memory, size_t bytes, uint64_t page_bytes, struct error *error);

/* Makes private memory of small pages shared, where it is and with what stands in it, readable and writable
 * (other rights are to be set again). Harmless if it is shared. No other thread may use it meanwhile. */
int memory_share(struct memory *memory, struct error *error);

/* Faults every page in, in the order of addresses: for writing (pages of its own, zeroed; contents that are
 * there stay) or only for reading (untouched anonymous pages are then all the kernel's zero page; hugetlb has
 * none, and COLLAPSE joins nothing).
 * stop(context), which may be NULL, is asked before every 64 MiB (or page, if that is larger); if it says
 * true the result is -EINTR and the rest stays untouched. A shortage of memory is an error here rather than a
 * signal later. That THP or COLLAPSE could not make large pages of it is none: memory_check_obtained() says
 * so. */
int memory_populate(
    struct memory *memory, bool write, bool (*stop)(void *context), void *context, struct error *error);

/* Joins small pages of a multiple of 2 MiB, aligned, to large ones (MADV_COLLAPSE). 0 also where the kernel
 * found no 2 MiB in one piece: memory_obtained() tells what was got. -ENOTSUP: it never does, there. */
int memory_collapse(void *at, size_t bytes, struct error *error);

/* Keeps the pages from being swapped out. Faults in what is not there yet, in one go: populate first. */
int memory_lock(struct memory *memory, struct error *error);

/* What the kernel really uses behind a range. */
struct memory_pages {
    struct fact proof; /* where the figures come from; unknown: why there are none, and all else is 0 */
    bool exact; /* false: a kernel before 6.7 only tells of whole mappings; this one is larger and mixed, so
                   the figures are its */
    uint64_t range_bytes;      /* the range that was looked at, taken out to whole 4 KiB pages */
    uint64_t resident_bytes;   /* in physical memory now */
    uint64_t huge_bytes;       /* of these, behind 2 MiB page table entries */
    uint64_t giant_bytes;      /* of these, behind 1 GiB page table entries */
    double share_2m, share_1g; /* huge_bytes, giant_bytes / resident_bytes; 0 if nothing is resident */
    uint64_t
        kernel_page_bytes;   /* smaps' KernelPageSize: 4096 also for transparent large pages; it tells of */
    uint64_t mmu_page_bytes; /* hugetlb only. And its MMUPageSize */
};

/* Looks up how [offset, offset + bytes) is mapped. -EINVAL if it is empty or not inside the memory;
 * everything that the host hides is told in out->proof. */
int memory_obtained(
    const struct memory *memory, size_t offset, size_t bytes, struct memory_pages *out, struct error *error);

/* Is all of [offset, offset + bytes) in physical memory, and every byte of it behind pages of page_bytes:
 * neither smaller nor larger? -EPROTO if not, with a sentence that says what was got and what can be done;
 * -ENODATA if this host does not tell. */
int memory_check_obtained(const struct memory *memory, size_t offset, size_t bytes, struct error *error);

/* On which NUMA nodes the whole of it is. */
struct memory_nodes {
    struct fact proof;       /* as above */
    uint64_t resident_bytes; /* the sum of: */
    uint64_t node_bytes[NUMA_NODES_MAX];
};

void memory_nodes_obtained(const struct memory *memory, struct memory_nodes *out);

/* Is all that is in physical memory on memory->nodes? Yes if none were asked for. Errors as above. */
int memory_check_nodes(const struct memory *memory, struct error *error);

/* Gives everything back and clears *memory. Harmless on one that is all zero. */
void memory_unmap(struct memory *memory);

#endif
