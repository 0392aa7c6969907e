/* The far side of remote runners: measures natively on this machine for another vcost, on request, whatever
 * kind of workload that wants. */
#ifndef VCOST_AGENT_AGENT_H
#define VCOST_AGENT_AGENT_H

#include "runner/agent_facts.h"
#include "runner/placement.h"

struct agent_config {
    int in, out;                       /* nothing else may write to `out` */
    struct placement_config placement; /* the page size is the other side's to choose */
    struct agent_facts facts;
    /* Looks whether this machine is still what it was, before memory is mapped anew: a failure is what the
     * other side is told in place of figures. NULL: nobody looks. */
    int (*look_again)(void *context, struct error *error);
    void *context;
};

/* Says HELLO and answers until BYE or the end of the input, which are no failures. What cannot be measured is
 * told to the other side and does not end it; -EPROTO if what comes is no request. */
int agent_serve(const struct agent_config *config, struct error *error);

/* Says HELLO, and why nothing can be measured here. `version` is of this vcost. */
void agent_decline(int out, const char *version, const struct error *why);

#endif
