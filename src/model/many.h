/* Many accesses that are known ahead, from within (many.c). */
#ifndef VCOST_MODEL_MANY_H
#define VCOST_MODEL_MANY_H

#include "model/internal.h"

/* What is known of accesses to come: where leaves stand in the tables that are walked last, and the host
 * physical addresses. */
struct coming {
    uint64_t leaves[MODEL_AT_ONCE], physical[MODEL_AT_ONCE];
    bool all_there; /* else some of these mean nothing */
    /* In two dimensions: guest physical addresses, as the host's tables are asked for them; where the guest's
     * leaves stand, if walk caches know that of all that is walked; and from which level on the host's tables
     * are walked. */
    gva_t guest_physical[MODEL_AT_ONCE];
    uint64_t guest_leaves[MODEL_AT_ONCE];
    unsigned host_begun[MODEL_AT_ONCE];
    bool guest_known;
    unsigned last, host_last; /* levels of leaves: of tables that are walked first, of the host's */
};

/* many_requests.c: of those from one on, whose translations are found, the first go through the caches
 * together; up to which: the first of which a prefetcher, neighbours, or a walk that has to look for itself
 * may make something. */
size_t many_go(struct model *model, const gva_t *addresses, const struct coming *coming, size_t from,
    size_t count, enum model_access access, const struct model_found *found);

#endif
