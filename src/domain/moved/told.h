/* How far a migration is, and what it has cost. */
#ifndef VCOST_DOMAIN_MOVED_TOLD_H
#define VCOST_DOMAIN_MOVED_TOLD_H

#include "domain/timeline/costs.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order in which it passes through them. The last four are ends. */
enum moved_stage {
    MOVED_OFFERING,  /* is agreed on */
    MOVED_COPYING,   /* the domain runs, its memory is sent */
    MOVED_STOPPED,   /* it stands still, the rest is sent */
    MOVED_HANDED,    /* it belongs to the destination, which has not said yet that it runs there */
    MOVED_DONE,      /* it runs there */
    MOVED_CHECKED,   /* it could be had there; nothing else was asked */
    MOVED_FAILED,    /* it is still here */
    MOVED_UNDECIDED, /* whether it runs there is not known: it stands still here */
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
    bool has_costs;
    struct timeline_costs costs; /* what it cost the program */
};
extern const struct record moved_told_record;

#endif
