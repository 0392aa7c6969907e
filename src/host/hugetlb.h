/* The kernel's pools of huge pages (hugetlb): what is in them, and what to say when it is not enough. Root
 * fills them; vcost never does. Linux Documentation/admin-guide/mm/hugetlbpage.rst. */
#ifndef VCOST_HOST_HUGETLB_H
#define VCOST_HOST_HUGETLB_H

#include "base/error.h"
#include "host/numa.h"

#include <stdbool.h>
#include <stdint.h>

struct hugetlb_pool {
    uint64_t total, free; /* pages; those in use or promised to somebody are not free */
    uint64_t more;        /* that the kernel may add by itself, if it finds the memory (overcommit) */
};

/* The pool of pages of this size: of the whole machine, or the sum of those of some nodes (`more` is then 0,
 * for the kernel counts it only for the whole). 0 or a negative errno; -ENOENT: no such size here, or /sys is
 * hidden.
 */
int hugetlb_look(uint64_t page_bytes, const struct numa_nodes *nodes, struct hugetlb_pool *pool);

/* Are there pages for `bytes` more? 0 also if it cannot be seen. hugetlb_shortage() if not; -ENOTSUP if the
 * machine has no pages of this size. */
int hugetlb_check(uint64_t page_bytes, uint64_t bytes, const struct numa_nodes *nodes, struct error *error);

/* Says that there were not enough of them, how many are free now, and how root gets more: -ENOTSUP; -ENOMEM
 * if enough are free, so that it is not root who has to set aside more. */
int hugetlb_shortage(
    uint64_t page_bytes, uint64_t bytes, const struct numa_nodes *nodes, struct error *error);

#endif
