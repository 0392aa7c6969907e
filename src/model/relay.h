/* Two threads that share one model (pass.h): the one that is asked for accesses finds their translations, the
 * other one lets them go through the caches after that, in the same order, and keeps the account. Neither
 * asks for what is the other's, so accounts are what they would be without; where that cannot be, the first
 * waits until nothing is on its way, and does all of it. */
#ifndef VCOST_MODEL_RELAY_H
#define VCOST_MODEL_RELAY_H

#include "model/internal.h"

struct relay;

/* NULL: no other thread can be had, or it would have nothing to do. The model stays where it is. */
struct relay *relay_open(struct model *model);
void relay_close(struct relay *relay); /* NULL is allowed */

/* As model_lead(). */
void relay_lead(struct relay *relay, const gva_t *addresses, size_t count, enum model_access access,
    struct model_found *found);
void relay_settle(struct relay *relay); /* until nothing is on its way; NULL is allowed */

#endif
