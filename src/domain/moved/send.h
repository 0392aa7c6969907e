/* The source of a migration: pre-copy over dirty logging. Memory is sent while the domain runs; what was
 * written since is sent again, pass by pass, until what is left fits into the downtime that is allowed. Then
 * the domain is stopped, the rest and its state are sent, and when the destination has all of it, it is
 * handed over: from then on it never runs here again by itself. */
#ifndef VCOST_DOMAIN_MOVED_SEND_H
#define VCOST_DOMAIN_MOVED_SEND_H

#include "domain/moved/pass.h"
#include "domain/moved/throttle.h"
#include "domain/moved/told.h"

#include <pthread.h>
#include <stdatomic.h>

struct moving_request {
    char to[200];                /* the address, for people */
    int links[WIRE_STREAMS_MAX]; /* the caller's; all to the same destination, in the order of connecting */
    unsigned streams;            /* of them: 1 and more */
    bool check;                  /* only whether the destination could have it is asked */
    bool finish_late; /* when the time is up it is stopped, however long that takes; else it goes on here */
    double max_downtime; /* seconds */
    bool post_copy;      /* it is handed over after so many passes, and what was written since follows: */
    unsigned passes;
    double timeout;       /* seconds until it is given up (or stopped); 0: none */
    double max_bandwidth; /* bytes a second; 0: as fast as the link is */
    double link_timeout;  /* struct moved_patience; 0: WIRE_SILENCE_SECONDS */
    unsigned
        throttle; /* percent of the time for which its virtual CPUs may be held, if it does not fit else */
    double pace;  /* of the domain's work; 0: not known */
    double watch; /* so long at most is looked at what its program does there; 0: not at all */
    const char *version; /* of this vcost */
};

struct moving {
    struct moving_request request;
    struct portable *portable;
    atomic_bool cancel;
    struct pass_progress progress;
    struct throttle throttle;
    struct moved_patience patience;   /* of all its links */
    char token[WIRE_TOKEN_BYTES + 1]; /* by which links of this migration know each other */
    uint64_t *late;           /* post-copy: a bit for each page that was not sent yet; moving_free() */
    double handed;            /* CLOCK_MONOTONIC, when it was handed over */
    pthread_mutex_t lock;     /* of told */
    struct moved_told told;   /* but for what is in progress */
    double begun;             /* CLOCK_MONOTONIC */
    struct timeline timeline; /* of its program; moving_free() */
};

void moving_init(struct moving *moving, struct portable *portable, const struct moving_request *request);

void moving_free(struct moving *moving);

/* Another thread's view of it. */
void moving_look(struct moving *moving, struct moved_told *told);

/* All of it, in one thread, which the domain is left to meanwhile but for portable_status(). 0: told.stage is
 * MOVED_DONE, and the domain stands still here and is no longer this process's, or MOVED_CHECKED.
 * -EINPROGRESS: MOVED_UNDECIDED: it stands still here, and the destination may run it. -ENOTCONN:
 * MOVED_BROKEN: it is the destination's, and cannot go on there before moving_rejoin(). Else MOVED_FAILED: it
 * is as it was before, running or not. */
int moving_run(struct moving *moving, struct error *error);

/* Of one of MOVED_UNDECIDED: somebody has decided that it is not there. It is MOVED_FAILED from then on. */
void moving_take_back(struct moving *moving);

/* The same for one of MOVED_BROKEN, or of post-copy and MOVED_UNDECIDED, by a new link: what the destination
 * has not is sent. Where that link leads, and how fast and silent it may be, moving_renew() says before. */
void moving_renew(struct moving *moving, const struct moving_request *request);
int moving_rejoin(struct moving *moving, struct error *error);

#endif
