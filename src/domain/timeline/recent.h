/* What the program of a domain did just now: over the last second that it ran, by its own samples. */
#ifndef VCOST_DOMAIN_TIMELINE_RECENT_H
#define VCOST_DOMAIN_TIMELINE_RECENT_H

#include "domain/portable/samples.h"

struct recent {
    uint64_t samples;                  /* 0: it keeps none, and all else is NAN */
    double ns_mean, ns_median, ns_p99; /* for each hop or write, as in struct timeline_bucket */
    double longest_ms;                 /* from one look at its clock to the next */
};

/* Any thread. */
void recent_look(const struct portable *portable, struct recent *recent);

#endif
