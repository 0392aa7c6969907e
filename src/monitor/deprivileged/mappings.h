/* What is mapped in a child, as data: each page's memory, offset and rights, and how many mappings the kernel
 * makes of them (it joins neighbours that go on in the same memory with the same rights). The kernel allows
 * vm.max_map_count of them, and at that limit not even taking away works; so they are counted here, before.
 * What a child has mapped is only a cache of what the guest's tables say: when it gets too much, the part
 * that was changed longest ago is dropped.
 *
 * Starts and lengths are multiples of 4 KiB within [0, 2^47). */
#ifndef VCOST_MONITOR_DEPRIVILEGED_MAPPINGS_H
#define VCOST_MONITOR_DEPRIVILEGED_MAPPINGS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages one behind the other with the same rights, of one piece of memory from an offset on. */
struct mapping {
    uint64_t start, bytes;
    uint64_t offset; /* below 2^52 */
    unsigned memory; /* number, below 64 */
    unsigned rights; /* enum child_rights */
};

struct mappings;

enum { MAPPINGS_CHANGE = 2 }; /* that one change can add at most */

/* NULL: no memory. */
struct mappings *mappings_new(void);
void mappings_free(struct mappings *mappings);

size_t mappings_count(const struct mappings *mappings);

/* Notes a change. -ENOMEM, and nothing is noted: there is no memory for the note. */
int mappings_map(struct mappings *mappings, const struct mapping *mapping, struct error *error);
int mappings_unmap(struct mappings *mappings, uint64_t start, uint64_t bytes, struct error *error);
/* Of what is mapped in the range; holes are passed over. */
int mappings_protect(
    struct mappings *mappings, uint64_t start, uint64_t bytes, unsigned rights, struct error *error);

/* The first mapping in [from, end), as far as it lies in there. false: there is none. */
bool mappings_find(const struct mappings *mappings, uint64_t from, uint64_t end, struct mapping *found);

/* Notes that what was changed longest ago is unmapped, and tells what: 2 MiB of a part that is scattered, or
 * else everything. Holes may be in it. false: nothing is mapped. */
bool mappings_drop(struct mappings *mappings, uint64_t *start, uint64_t *bytes);

#endif
