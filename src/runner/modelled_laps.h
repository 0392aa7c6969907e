/* What a simulated program does beside its list's accesses, lap by lap (modelled.h): at the end of each it
 * gives its pages back or forks, and another process's turn comes. The next lap has each page faulted in, or
 * copied, by the access that touches it first. */
#ifndef VCOST_RUNNER_MODELLED_LAPS_H
#define VCOST_RUNNER_MODELLED_LAPS_H

#include "runner/modelled.h"

/* Where a process's list stands for the guest: high enough for every level of tables to be walked, and so far
 * apart that no two have a table in common but the root. */
static inline gva_t modelled_list_at(unsigned process)
{
    return GVA((UINT64_C(1) << 45) + process * (UINT64_C(1) << 39));
}

struct modelled_laps {
    struct model *model; /* which walks alone */
    enum lap_end end;
    unsigned processes, now;
    uint64_t elements, left; /* accesses of a lap, and until it ends */
    bool *touched;           /* by each process's lap: pages of its list; NULL: none is waited for; owned */
    uint64_t pages, page_bytes;
};

/* Do these conditions have anything of this? Then a model walks alone. */
bool modelled_has_laps(const struct modelled_conditions *conditions);

/* The model has the lists of all processes mapped; page_bytes: of its tables. -ENOTSUP: a lap is more than
 * `most` accesses. -ENOMEM. */
int modelled_laps_begin(struct modelled_laps *laps, struct model *model,
    const struct modelled_conditions *conditions, const struct chase_layout *layout, uint64_t page_bytes,
    uint64_t most, struct error *error);
void modelled_laps_end(struct modelled_laps *laps); /* harmless where nothing has begun */

/* Accesses to the list of whichever process runs, at the places that these are in the first one's. */
void modelled_laps_go(
    struct modelled_laps *laps, const gva_t *addresses, size_t count, enum model_access access);

#endif
