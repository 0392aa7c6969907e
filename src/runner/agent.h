/* The far side of a remote runner: measures natively on this machine for another vcost, on request. */
#ifndef VCOST_RUNNER_AGENT_H
#define VCOST_RUNNER_AGENT_H

#include "runner/agent_facts.h"
#include "runner/placement.h"

struct agent_config {
    int in, out;                       /* nothing else may write to `out` */
    struct placement_config placement; /* the page size is the other side's to choose */
    struct agent_facts facts;          /* protocol is filled here */
};

/* Says HELLO and answers until BYE or the end of the input, which are no failures. What cannot be measured is
 * told to the other side and does not end it; -EPROTO if what comes is no request. */
int agent_serve(const struct agent_config *config, struct error *error);

/* Tells the other side, instead of HELLO, why nothing can be measured here. */
void agent_decline(int out, const struct error *why);

#endif
