/* NUMA nodes: a set of them as people write it, and placing memory on them. By system call, without libnuma.
 */
#ifndef VCOST_HOST_NUMA_H
#define VCOST_HOST_NUMA_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMA_NODES_MAX = 1024 }; /* the most that Linux can be built for (CONFIG_NODES_SHIFT) */

struct numa_nodes {
    uint64_t
        bits[NUMA_NODES_MAX / 64]; /* node n is bit n % 64 of word n / 64; all zero: none are asked for */
};

bool numa_nodes_none(const struct numa_nodes *nodes);
bool numa_nodes_has(const struct numa_nodes *nodes, unsigned node);

/* Reads "0" or "0,2-3" and makes sure that each of these nodes exists here, has memory, and may be used by
 * this process. -EINVAL: no such list; -ENODEV names the nodes that may be used; -ENOTSUP if this kernel
 * tells of no nodes. */
int numa_nodes_parse(const char *text, struct numa_nodes *nodes, struct error *error);

/* Writes `before` and the nodes, "0,2-3", into text[size]; cut if it does not fit. */
void numa_nodes_text(const struct numa_nodes *nodes, const char *before, char *text, size_t size);

/* Binds a range that is mapped and not yet touched to nodes (at least one): pages come from these and from no
 * other (MPOL_BIND); of several, from the one nearest to the CPU that touches first as long as it has any.
 * Interleaving would spread them, but takes pages of other nodes too when these are full. -ENOTSUP: a kernel
 * without it, or a container that forbids it. */
int numa_bind(void *start, size_t bytes, const struct numa_nodes *nodes, struct error *error);

#endif
