/* Where guests do their worst: a domain with what it should not reach, or should not be able to change, and a
 * second one beside it that computes all the time. */
#ifndef VCOST_EXPERIMENT_VERIFY_STAGE_H
#define VCOST_EXPERIMENT_VERIFY_STAGE_H

#include "experiment/verify_ground.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum place {
    PLACE_NONE,
    PLACE_DEVICE,    /* two pages without memory behind them */
    PLACE_READ_ONLY, /* a page of a region that it may only read, which its own tables let it write */
    PLACE_HOLE,      /* memory that the host no longer has */
    PLACE_TABLE,     /* the entry of its own page tables for PLACE_VICTIM */
    PLACE_LINK,      /* and the one that links to the table with that */
    PLACE_VICTIM,    /* a page of its own */
    PLACE_CANARY,    /* this process' memory, which it has not */
    PLACE_HOST_CODE, /* likewise */
    PLACE_SCATTERED, /* STAGE_SCATTERED pages, of which no two neighbours are so in memory; of one case alone
                      */
    PLACE_ROOTS, /* guest physical: STAGE_ROOTS page tables of its own address space, one behind the other */
    PLACE_KINDS
};
/* More than a process may have mappings, where vm.max_map_count is as it comes; more than a monitor keeps
 * processes for. */
enum { STAGE_SCATTERED = 70000, STAGE_ROOTS = 64 };

struct stage {
    struct ground ground;                  /* where the hostile guest runs */
    struct backing read_only, hole, roots; /* owned */
    bool tables_refused;                   /* this monitor lets no guest write its page tables */
    uint8_t *canary;                       /* a page; owned */
    uint64_t places[PLACE_KINDS];          /* guest virtual addresses */
};

/* `for_place`: the one that the case needs, for those that not every stage has. */
int stage_open(
    struct stage *stage, const struct monitor_ops *monitor, enum place for_place, struct error *error);
void stage_close(struct stage *stage);

/* What is not as it was in memory that no guest may write; NULL: nothing. */
const char *stage_canary_wrong(const struct stage *stage);
const char *stage_read_only_wrong(const struct stage *stage);

/* How many processes this one has started, and they in turn. */
unsigned stage_processes(void);

/* ---- beside ---- */

/* Computes from before the guest begins until after it has ended. */
struct beside {
    const struct monitor_ops *monitor;
    pthread_t thread;
    sem_t begun;      /* it has computed once, or cannot */
    atomic_bool over; /* it computes once more, and no more */
    char wrong[240];  /* what is not as it must be; "": nothing */
};

/* It has computed once, or says what is wrong. */
int beside_begin(struct beside *beside, const struct monitor_ops *monitor, struct error *error);
void beside_end(struct beside *beside);

#endif
