/* A timeline as it is told: over a bounded number of equal steps of time, for pictures and files. */
#ifndef VCOST_DOMAIN_TIMELINE_TOLD_H
#define VCOST_DOMAIN_TIMELINE_TOLD_H

#include "domain/timeline/costs.h"

enum { TIMELINE_BUCKETS = 160 };

/* A step of time. A sample counts for all that it reaches into. Not known: NAN. */
struct timeline_bucket {
    double seconds;           /* its middle; 0: when it was asked for */
    double ns_mean;           /* for each hop or write: the time of all of them */
    double ns_median, ns_p99; /* the same over samples, each the mean of what it is of */
    double longest_ms;        /* from one look at the clock to the next */
};

struct timeline_told {
    char name[PORTABLE_NAME_BYTES];
    enum timeline_kind kind;
    enum portable_workload workload;
    uint64_t memory_bytes;
    unsigned cpus;
    bool one_clock; /* before and after are by the same counter */
    double step_seconds;
    struct timeline_bucket buckets[TIMELINE_BUCKETS];
    size_t bucket_count;
    struct timeline_mark marks[TIMELINE_MARKS_MAX]; /* 0: when it was asked for */
    size_t mark_count;
    struct timeline_look looks[TIMELINE_LOOKS_MAX];
    size_t look_count;
    struct timeline_costs costs;
};
extern const struct record timeline_told_record; /* vcost.timeline/1 */

void timeline_tell(
    const struct timeline *timeline, const struct portable *portable, struct timeline_told *told);

/* The first mark of an event, NAN without one. */
double timeline_told_mark(const struct timeline_told *told, enum timeline_event event);

#endif
