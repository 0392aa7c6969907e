/* Runs: what is to be done in the children of an address space so that they hold again what its tables say.
 * Who decides (hypercalls.c, shadow_sync.c) makes runs, who has children carries them out.
 *
 * A child is a cache of translations, as a TLB is: nothing has to be mapped there, since the next access
 * faults and asks again; but what is mapped must be what the tables say, or said and may still say (stale
 * entries until INVLPG, on `shadow` only). */
#ifndef VCOST_MONITOR_DEPRIVILEGED_RUN_H
#define VCOST_MONITOR_DEPRIVILEGED_RUN_H

#include "base/address.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum run_kind {
    RUN_MAP,     /* replaces whatever is mapped there */
    RUN_UNMAP,   /* where nothing is mapped nothing happens */
    RUN_PROTECT, /* what is mapped there keeps its frames and PAGE_USER, and gets these rights; the rest stays
                    unmapped */
    RUN_FORGET   /* nothing is mapped any more in any address space; all else of the run is 0 */
};

struct run {
    enum run_kind kind;
    gpa_t root;      /* of the address space: its table of the highest level */
    gva_t from;      /* whole pages of 4 KiB, canonical, in one half: may be where a child has no room */
    uint64_t bytes;  /* never 0 */
    gpa_t to;        /* map: the first of as many bytes of guest memory, not always of one region */
    unsigned rights; /* map, protect: enum page_rights. Without PAGE_USER it is for the guest's kernel alone,
                        and gone where user code runs */
    bool touched; /* map: the tables have not changed, whoever runs has touched it and needs it. What others
                     have mapped there is right, and stays. (Where the tables have changed, user code gets
                     what it may touch at once, and the kernel when it touches it.) */
};

/* Runs are gathered, neighbours made one, and handed over when there is no more room or nobody may wait. */
struct run_list {
    /* Carries runs out, in order. It cannot refuse: what it cannot map it leaves out (and takes away what was
     * there); if it cannot take away, it ends the child and starts with an empty one. Negative: the monitor
     * itself cannot go on. */
    int (*carry_out)(void *context, const struct run *runs, size_t count, struct error *error);
    void *context;
    /* its own */
    size_t count;
    int failed; /* the first that carry_out() said */
    struct error error;
    struct run runs[512]; /* of a table: all its entries */
};

void run_list_add(struct run_list *list, const struct run *run);

/* Hands over what is there; a failure is kept for flush(). */
void run_list_hand_over(struct run_list *list);

/* Hands over what is there. 0, or what carry_out() has said since the last time. */
int run_list_flush(struct run_list *list, struct error *error);

#endif
