/* Many accesses that are known ahead, from within (many.c). */
#ifndef VCOST_MODEL_MANY_H
#define VCOST_MODEL_MANY_H

#include "model/internal.h"

/* What is known of accesses to come: where leaves stand in the tables that are walked last, and the host
 * physical addresses. */
struct coming {
    uint64_t leaves[MODEL_AT_ONCE], physical[MODEL_AT_ONCE];
    uint64_t above[MODEL_AT_ONCE]; /* where the entry stands that leads to the leaf's table, if a walk of
                                      those tables begins with the table that it is in */
    bool all_there;                /* else some of these mean nothing */
    unsigned hit_cycles[MACHINE_TLB_LEVELS_MAX]; /* of the TLBs that are asked */
    /* In two dimensions: guest physical addresses, as the host's tables are asked for them; where the guest's
     * leaves stand, if walk caches know that of all that is walked; and from which level on the host's tables
     * are walked. */
    gva_t guest_physical[MODEL_AT_ONCE];
    uint64_t guest_leaves[MODEL_AT_ONCE];
    unsigned char host_begun[MODEL_AT_ONCE];
    bool guest_known;
    unsigned last, host_last; /* levels of leaves: of tables that are walked first, of the host's */
};

/* Accesses that are made together, up to MODEL_AT_ONCE. */
struct many {
    const gva_t *addresses;
    size_t count;
    enum model_access access;
    struct model_found *found;
    struct coming coming;
};

/* How they go on whose translations have been looked for. */
enum many_way {
    MANY_ONE_BY_ONE, /* nothing has been done: all is done for each in its turn */
    MANY_WALK,       /* through the caches, by many_serve(), which asks walk caches, too */
    MANY_APART       /* through the caches, by many_serve(), which changes nothing that many_find() asks */
};

/* Can there be any of the latter? */
bool many_go_apart(const struct model *model);

/* many.c: all but the account, caches and prefetchers. Sets `found` and `coming`. */
enum many_way many_find(struct model *model, struct many *many);
/* The rest. */
void many_finish(struct model *model, const struct many *many, enum many_way way);
void many_serve(struct model *model, const struct many *many);

/* many_requests.c: of those from one on, whose translations are found, the first go through the caches
 * together; up to which: the first of which a prefetcher, neighbours, or a walk that has to look for itself
 * may make something. */
size_t many_go(struct model *model, const gva_t *addresses, const struct coming *coming, size_t from,
    size_t count, enum model_access access, const struct model_found *found);

#endif
