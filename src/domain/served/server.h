/* The process of a domain: runs it, answers what its control socket is asked, and keeps what it came to. */
#ifndef VCOST_DOMAIN_SERVED_SERVER_H
#define VCOST_DOMAIN_SERVED_SERVER_H

#include "base/stop.h"
#include "domain/moved/follow.h"
#include "domain/moved/send.h"
#include "domain/saved/restore.h"
#include "domain/served/control.h"
#include "domain/served/place.h"
#include "domain/timeline/told.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct served {
    /* set by the caller */
    struct portable *portable; /* parked */
    struct restored *restored; /* NULL: it was started here */
    struct claim *claim;       /* given up by server_part() */
    const char *mode;          /* domain_report.mode */
    double begun_seconds;      /* CLOCK_MONOTONIC, when the command began: times count from then */
    const struct stop *stop;   /* ends it */
    bool paused;               /* it is not let run before it is asked to */
    const char *version;       /* of this vcost */
    /* Of one that comes from elsewhere: asked before the first instruction, whose failure is server_run()'s;
     * and told right behind it. May be NULL. */
    int (*take_over)(void *context, struct error *error); /* calls server_answer_meanwhile() now and then */
    void (*taken_over)(void *context);
    void (*look)(void *context); /* some times a second while it is served; may be NULL */
    struct portable_wish wish;   /* what was asked for its memory */
    /* In a new process, in which nothing of this one runs: makes the clones of `saved`, whose memory is that
     * of served->portable as it was, and does not come back. May be NULL. */
    void (*clone)(void *context, const struct served *served, const struct stored *saved,
        const struct control_request *request) __attribute__((noreturn));
    struct follow *follow; /* memory that comes behind it; NULL: all was there before */
    bool behind;           /* it stands still because that does not come */
    bool unchecked;        /* memory that is mapped from a file is not verified behind it */
    /* told, by the server: when the first instruction is about to be executed, and when its working set is
     * back; may be NULL */
    void (*tell)(void *context, const struct domain_report *report);
    /* A restored one's: is given what it cost, once; NULL: nobody looks. */
    void (*watch_shows)(void *context, const struct timeline *timeline, const struct portable *portable);
    void *context;
    /* the server's own */
    double entered_seconds, back_seconds; /* 0: not yet */
    double pace, pace_seconds, window_seconds;
    uint64_t pace_done, window_done;
    struct stat file; /* that its memory is mapped from, as it was */
    pid_t cloner;     /* the process that makes clones of it; 0: none */
    int image;        /* told served.clone: what they are to map as their memory; -1: this process's */
    bool resized;
    uint64_t given_back;   /* of its memory, to the system, when it was resized last */
    double stall_seconds;  /* for which it stood still while it was saved or forked last */
    const char *ending;    /* NULL: it has not ended */
    bool awaits;           /* take_over() waits: nothing runs here yet */
    struct moving *moving; /* NULL: nobody has asked it to move */
    bool rejoins;          /* by a new link, after the old one broke */
    bool moves;            /* now: the thread, which has the domain until `arrived` */
    pthread_t mover;
    atomic_bool arrived;
    int mover_result;
    int waiting;  /* the connection of who asked for what is not over yet; -1: nobody's */
    int timeline; /* where the timeline of the next migration or save is to be written, as JSON; -1: nowhere
                   */
    struct timeline *watch; /* of a save or restore that is looked at; NULL: none is */
    unsigned watch_side;
    double watch_judged;
    bool has_costs;
    struct timeline_costs costs; /* of the last one that was */
    int mover_links[WIRE_STREAMS_MAX];
    unsigned mover_streams;
    struct error mover_error;
    bool asked_stats; /* by the request that is being answered: */
    struct domain_stats stats;
    pthread_t checker;
    bool checking;
    atomic_int checked;         /* of the file: 0: not yet, 1: it is right, -1: it is not */
    atomic_bool quit;           /* the checker */
    int asker;                  /* the connection of who is answered now */
    bool ran_before;            /* what stands still now, saved, until who asked confirms it: it ran; */
    double stands_since;        /* and since when; 0: nothing does */
    int parting;                /* the connection by which it was asked to end; -1: none */
    struct error checker_error; /* once `checked` is -1 */
};

/* Until it ends: *report is how. 0 also for a workload that failed (report->ending tells); negative: it could
 * not be let run. */
int server_run(struct served *served, struct domain_report *report, struct error *error);

/* What there is to say of it now. */
void server_report(const struct served *served, struct domain_report *report);
/* Answers who asks, if somebody does; returns at once. */
void server_answer_meanwhile(struct served *served);
/* Answers who waits, with a report. */
void server_answer(struct served *served, struct control_answer *answer);

/* Gives the name up, and lets whoever asked for the end go on: to be called when all that others may look for
 * is written. */
void server_part(struct served *served);

#endif
