/* Several models of one machine that the same accesses are made to, in one pass: techniques, page sizes.
 *
 * What two of them find alike is looked for once. While nothing happens beside the accesses (no rates, no
 * fresh pages, one domain), all models whose TLBs hold pages of one size find an address in the same of them;
 * and if the tables that a walk begins with have leaves of one level, in the same walk caches. So one of them
 * leads, if there is one a nested one, and the others follow, whose own TLBs and walk caches stay empty. A
 * nested one never follows: its second dimension is its own; and none does on a machine whose prefetchers
 * translate, too, when it is time for them. Each has its own tables, caches and account, which is what it
 * would be without the others.
 *
 * What is the same is simulated once. Direct, shadow (eager or lazy) and agile paging differ in what a store
 * to a guest's table brings about, an exit of the guest or a switch of it, and in nothing else: their tables
 * are made by the same code (model_map.c), which does not ask which of them it is, and walked by the same
 * (access.c), in the frames that those of native paging with the host's pages stand in, where these are no
 * larger than the guest's (model.h). While nothing happens beside the accesses there is no such store:
 * accessed and dirty bits are set to begin with. So of those with the same bytes and policies of frames one
 * model does for all, native paging with them, which is mapped once, before any access; and nothing but
 * accesses may happen to it. */
#ifndef VCOST_MODEL_PASS_H
#define VCOST_MODEL_PASS_H

#include "model/model.h"

enum { MODEL_PASS_MAX = 16 };

enum { PASS_BATCH = 4096 }; /* accesses that threads hand on at once */

struct model_found;
struct pass_lanes;
struct relay;

struct model_pass {
    struct model
        *models[MODEL_PASS_MAX]; /* to be mapped (model_map()), begun, asked for their accounts; owned */
    size_t
        same[MODEL_PASS_MAX]; /* whose model it is, too: its own number, or an earlier one: mapped already */
    size_t leaders[MODEL_PASS_MAX];            /* whom it follows; its own number: nobody */
    struct model_found *found[MODEL_PASS_MAX]; /* where each found what it was asked for last; owned */
    size_t count;
    struct pass_lanes *lanes;             /* NULL: all is done by whoever calls; owned */
    struct relay *relays[MODEL_PASS_MAX]; /* of one that leads: its second thread; NULL: none; owned */
};

/* 1 to MODEL_PASS_MAX configurations of one machine. As model_open(). */
int model_pass_open(
    const struct model_config *configs, size_t count, struct model_pass *pass, struct error *error);
void model_pass_close(struct model_pass *pass); /* harmless where nothing is open */

/* From now on up to so many threads make the accesses, the caller's being one; 0: as many as CPUs that it may
 * run on. They share the models (lanes.h); where there are more than models, two share one (relay.h). The
 * pass stays where it is. Accounts are what they would be without. */
void model_pass_spread(struct model_pass *pass, unsigned threads);

/* As model_access_many() of each; there must have been no other access to one of them alone. */
void model_pass_access(
    struct model_pass *pass, const gva_t *addresses, size_t count, enum model_access access);
/* Until all of these have been made: before a model is looked at, or anything else is done with it. */
void model_pass_settle(struct model_pass *pass);

/* ---- for those who make a part of it ---- */

struct pass_part {
    size_t models[MODEL_PASS_MAX], count; /* their numbers, those that others follow first */
};

/* Up to PASS_BATCH accesses to these; `found` is by the number of whom it is of, those that lead. */
void pass_make(const struct model_pass *pass, const struct pass_part *part, const gva_t *addresses,
    size_t count, enum model_access access, struct model_found *const *found);

#endif
