/* Several models of one machine that the same accesses are made to, in one pass: techniques, page sizes.
 *
 * What two of them find alike is looked for once. While nothing happens beside the accesses (no rates, no
 * fresh pages, one domain), all models whose TLBs hold pages of one size find an address in the same of them;
 * and if the tables that a walk begins with have leaves of one level, in the same walk caches. So one of them
 * leads, if there is one a nested one, and the others follow, whose own TLBs and walk caches stay empty. A
 * nested one never follows: its second dimension is its own; and none does on a machine whose prefetchers
 * translate, too, when it is time for them. Each has its own tables, caches and account, which is what it
 * would be without the others. */
#ifndef VCOST_MODEL_PASS_H
#define VCOST_MODEL_PASS_H

#include "model/model.h"

enum { MODEL_PASS_MAX = 16 };

struct model_found;

struct model_pass {
    struct model
        *models[MODEL_PASS_MAX];    /* to be mapped (model_map()), begun, asked for their accounts; owned */
    size_t leaders[MODEL_PASS_MAX]; /* whom it follows; its own number: nobody */
    struct model_found *found[MODEL_PASS_MAX]; /* where each found what it was asked for last; owned */
    size_t count;
};

/* 1 to MODEL_PASS_MAX configurations of one machine. As model_open(). */
int model_pass_open(
    const struct model_config *configs, size_t count, struct model_pass *pass, struct error *error);
void model_pass_close(struct model_pass *pass); /* harmless where nothing is open */

/* As model_access_many() of each; there must have been no other access to one of them alone. */
void model_pass_access(
    struct model_pass *pass, const gva_t *addresses, size_t count, enum model_access access);

#endif
