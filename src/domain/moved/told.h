/* How far a migration is, and what it has cost. */
#ifndef VCOST_DOMAIN_MOVED_TOLD_H
#define VCOST_DOMAIN_MOVED_TOLD_H

#include "domain/timeline/costs.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

/* Post-copy at the destination: memory that comes behind a domain that runs already. */
enum follow_stage {
    FOLLOW_NONE,   /* all came before it ran, or it runs not yet */
    FOLLOW_COMES,  /* it comes */
    FOLLOW_BROKEN, /* the link has broken: the domain stands still until its source is there again */
    FOLLOW_ALL,    /* all has come */
    FOLLOW_STAGES
};
extern const char *const follow_stages[FOLLOW_STAGES];

struct follow_told {
    enum follow_stage stage;
    uint64_t pages, left; /* that were missing at first, and are now */
    uint64_t faults;      /* pages that were waited for */
    double median_us,
        longest_us; /* of these: from the fault until the page was there; NAN: none, or not yet */
    double seconds; /* since it was handed over; FOLLOW_ALL: until all was there */
};
extern const struct record follow_told_record;

/* In the order in which it passes through them. The last five are ends. */
enum moved_stage {
    MOVED_OFFERING,  /* is agreed on */
    MOVED_COPYING,   /* the domain runs, its memory is sent */
    MOVED_STOPPED,   /* it stands still, the rest is sent */
    MOVED_HANDED,    /* it belongs to the destination, which has not said yet that it runs there */
    MOVED_FOLLOWS,   /* it runs there, and memory that it has not yet follows (post-copy) */
    MOVED_DONE,      /* it runs there */
    MOVED_CHECKED,   /* it could be had there; nothing else was asked */
    MOVED_FAILED,    /* it is still here */
    MOVED_UNDECIDED, /* whether it runs there is not known: it stands still here */
    MOVED_BROKEN,    /* it is there, its memory partly here, and the link has broken: it stands still */
    MOVED_STAGES
};
extern const char *const moved_stages[MOVED_STAGES];

struct moved_told {
    char to[200]; /* the address */
    enum moved_stage stage;
    uint64_t passes;            /* over what was written, the first over all memory */
    uint64_t pages_sent, zeros; /* pages of 4 KiB; of zeros, that only were told */
    uint64_t bytes_sent;        /* through the link */
    uint64_t left;              /* pages that were written since they were sent, when last looked */
    double bandwidth;           /* bytes a second of the last whole pass; NAN */
    double written;             /* bytes of pages a second that the domain writes; NAN */
    double expected_ms;         /* downtime, if it stopped now; NAN */
    uint64_t throttle_percent;  /* of the time for which its virtual CPUs are held, at most so far */
    double throttled_ms;        /* for which they were held in all */
    double seconds;             /* all of it */
    /* Downtime: from asking the virtual CPUs to stop until the destination said that they run there, as the
     * source's clock has it, and what it is made of. NAN: it has not come to that. */
    double downtime_ms;
    double stopping_ms;  /* until no virtual CPU was in the guest */
    double last_pass_ms; /* the pages that were left: */
    uint64_t last_pages;
    double state_ms;    /* taking the state of machine and virtual CPUs out */
    double send_ms;     /* sending it, and waiting for the answer, less: */
    double create_ms;   /* there: putting it into the machine that was made before */
    double start_ms;    /* from handing it over to knowing that it runs there */
    double look_ms;     /* before: it was stopped once to look what it has, for so long */
    char sentence[300]; /* how it ended, or what decides */
    bool post_copy;
    struct follow_told follow; /* post_copy, once it was handed over */
    bool has_costs;
    struct timeline_costs costs; /* what it cost the program */
};
extern const struct record moved_told_record;

#endif
