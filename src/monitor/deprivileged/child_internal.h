/* What the files of child.h share. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_CHILD_INTERNAL_H
#define VCOST_MONITOR_DEPRIVILEGED_CHILD_INTERNAL_H

#include "monitor/deprivileged/child.h"
#include "monitor/deprivileged/child_desk.h"
#include "monitor/deprivileged/mappings.h"
#include "monitor/deprivileged/signal_frame.h"

#include <stdatomic.h>
#include <sys/types.h>

struct children {
    const struct stop *stop;
    int socket;  /* to the nursery */
    int nursery; /* a pidfd */
    pid_t nursery_number;
    bool broken;         /* requests and answers no longer go together */
    uint64_t memory;     /* bit n: number n is taken */
    size_t mappings_max; /* in a child */
    unsigned kicks_max;  /* in vain, one a millisecond, before a child is killed */
    struct child *open;  /* a list */
    struct child *last;  /* that ran: no other may spin */
    int cpu;             /* of guests, if `changes` is not 0 */
    uint32_t spins;      /* looks at the turn before one sleeps */
    unsigned changes;    /* of all this */
    unsigned mode;       /* SPARE_SLEEP, SPARE_SPIN: what is used */
    bool either;         /* by spare->choice */
    struct spare_cpu *spare;
    int own; /* CPU of the monitor's thread */
    uint32_t spins_long;
    uint64_t began;  /* this hand-over, by the clock; 0: it is not timed */
    uint64_t beside; /* ns since the last one that is learnt from: for changes of what children have mapped */
    bool slept;      /* the monitor's thread, in this one */
    bool spun;       /* the last run's mode */
};

/* What was read from the desk last: only what differs from it is written, so that the guest's caches keep the
 * rest. */
struct taken {
    struct signal_frame frame;
    struct child_registers called; /* DESK_RAX and so on; the bases after every trap */
};

struct child {
    struct children *family;
    struct child *next, **link;
    unsigned char *desk;               /* shared with it */
    int reply;                         /* the eventfd by which the helper answers */
    int reply_number;                  /* its number there */
    int guest, helper;                 /* pidfds */
    pid_t guest_number, helper_number; /* of processes; 0: not known yet */
    struct mappings *mapped;
    struct child_counts counts;
    uint32_t ordered;             /* orders that lie in the desk and are not carried out yet */
    unsigned changes;             /* of the family's transport that it has followed */
    uint32_t sequence;            /* of the last orders */
    uint32_t turn;                /* as the task stopped last: TURN_SIGNAL, TURN_CALLED, TURN_DEAD */
    char died[128];               /* why, if turn is TURN_DEAD */
    size_t frame, fpu, fpu_bytes; /* in the desk: places that are always the same */
    struct signal_frame template; /* of the frame, for what no register is */
    struct taken taken;
    atomic_bool kicked, inside;
};

/* Sends a request with up to two descriptors (-1: none), and waits for the answer. */
int nursery_ask(struct children *children, const struct nursery_request *request, const int descriptors[2],
    struct nursery_answer *answer, struct error *error);

/* Lets the task go on, or makes it do something (TURN_SHOW), until it is the monitor's turn again:
 * child->turn says how. Kicks and the family's stop flag are seen to. */
void child_hand_over(struct child *child, uint32_t turn);

/* Parts of it. */
uint32_t child_turn(const struct child *child);
void child_sleep(const struct child *child, uint32_t turn, long ns); /* at most, while it is this turn */
bool child_task_ended(int pidfd);
void child_send_kick(const struct child *child);

/* Waits for the first trap of a new one; -errno of what went wrong. */
int child_begin(struct child *child, struct error *error);

/* Around a hand-over to the guest: it follows the family's transport, and what that took is learnt from.
 * Between them is told when the monitor's thread is about to sleep. */
void transport_begin(struct child *child);
void transport_sleeps(struct children *children);
void transport_end(struct children *children);
/* Around what else takes longer or shorter by the CPU that guests run on. */
uint64_t transport_beside_begin(const struct children *children);
void transport_beside_end(struct children *children, uint64_t began);

/* Why a new one came to nothing. */
int child_failed_step(const struct child *child, struct error *error);

void child_kill(struct child *child, const char *why);

static inline _Atomic uint32_t *desk_word(const struct child *child, size_t offset)
{
    return (_Atomic uint32_t *)(void *)(child->desk + offset);
}

#endif
