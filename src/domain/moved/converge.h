/* When a domain that is copied while it runs is stopped: each pass sends what was written during the one
 * before, so passes shorten as long as the link is faster than the domain writes. */
#ifndef VCOST_DOMAIN_MOVED_CONVERGE_H
#define VCOST_DOMAIN_MOVED_CONVERGE_H

#include <stdbool.h>
#include <stdint.h>

struct converge {
    double max_downtime; /* seconds that it may stand still */
    double fixed;        /* seconds of that which no pass shortens: stopping, state, creation */
    uint64_t before;     /* pages that were left after the pass before; of the first, all of them */
};

/* What the last pass found. */
struct converge_pass {
    uint64_t sent, left; /* pages: sent by it; written since they were sent */
    double seconds;
};

enum converge_step {
    CONVERGE_STOP,  /* it fits, and a further pass would not make it much less */
    CONVERGE_GO_ON, /* passes shorten */
    CONVERGE_STUCK, /* it does not fit, and the pass has not shortened it */
};

/* What to do next; *expected is the downtime if it stopped now, in seconds. */
enum converge_step converge_step(
    struct converge *converge, const struct converge_pass *pass, double *expected);

#endif
