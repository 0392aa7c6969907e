/* Memory that a domain got after its workload was laid out, and how that workload comes to use it and gives
 * it up again (abi/portable.h). The writer does; others leave it alone. What a guest says of it is hostile:
 * it decides about the guest's own memory only. */
#ifndef VCOST_DOMAIN_PORTABLE_ADDED_H
#define VCOST_DOMAIN_PORTABLE_ADDED_H

#include "domain/portable/portable.h"

/* So many bytes behind plan->laid_out_bytes the guest's page tables have from the start, there or not. */
uint64_t added_reach(const struct portable_plan *plan);

/* Tells the workload which memory it can use if there are `bytes` in all, or will be. */
void added_offer(const struct portable *portable, uint64_t bytes);

/* Has it given up, within some seconds, all that is not in the first `bytes`? It must run for that. Otherwise
 * it is offered again what is there: -EBUSY it stands still, -ETIMEDOUT, -EINTR. */
int added_ask_back(
    const struct portable *portable, uint64_t bytes, const struct stop *stop, struct error *error);

#endif
