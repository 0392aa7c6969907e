/* How far a guest's time-stamp counter went on at once when it came back, as its own workload saw it: what
 * became of the policy for its clock, and not what was asked for. */
#ifndef VCOST_DOMAIN_PORTABLE_JUMP_H
#define VCOST_DOMAIN_PORTABLE_JUMP_H

#include "domain/portable/portable.h"

struct jump {
    bool watched; /* its workload writes down when it looks */
    uint64_t looked, sampled;
    double seconds; /* negative: it went back; NAN: it has not looked yet, or does not */
};

/* Before it runs here. */
void jump_begin(struct jump *jump, const struct portable *portable);
/* Looks for its first sample since, which stands there for some seconds. */
void jump_look(struct jump *jump, const struct portable *portable);

#endif
