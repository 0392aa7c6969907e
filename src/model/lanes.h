/* Threads that share the models of a pass (pass.h): each makes all accesses to its own ones, in order, so
 * that nothing depends on which is faster. Accesses are given in batches, of which so many may be on their
 * way: the fastest thread waits for the slowest. */
#ifndef VCOST_MODEL_LANES_H
#define VCOST_MODEL_LANES_H

#include "model/pass.h"

struct pass_lanes;

/* So many threads in all, the caller's being one of them. NULL: one alone is as good, or no more can be had.
 */
struct pass_lanes *lanes_open(struct model_pass *pass, unsigned threads);
void lanes_close(struct pass_lanes *lanes); /* NULL is allowed */

/* Up to PASS_BATCH accesses. The caller's part of them is made when this returns. */
void lanes_give(struct pass_lanes *lanes, const gva_t *addresses, size_t count, enum model_access access);
void lanes_settle(struct pass_lanes *lanes); /* until all that was given has been made */

#endif
