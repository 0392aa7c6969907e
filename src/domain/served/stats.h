/* How a domain is just now, in numbers: what its program does, what its monitor counted, its pages. */
#ifndef VCOST_DOMAIN_SERVED_STATS_H
#define VCOST_DOMAIN_SERVED_STATS_H

#include "domain/timeline/recent.h"
#include "record/record.h"

struct domain_stats {
    struct recent recent;
    struct counters counters;           /* since it was made here */
    double resident_bytes, large_bytes; /* smaps: Rss, AnonHugePages of its memory; NAN: not told */
    double written;                     /* bytes of pages a second; NAN: not looked at */
    double logged_seconds; /* for so long, by dirty logging of its own; NAN: while it moves, by that */
};
extern const struct record domain_stats_record;

/* Takes as long as its page tables are large; and with `written` a tenth of a second besides, in which what
 * it writes is recorded, which costs it. That fails where the monitor cannot. */
int stats_look(struct portable *portable, bool written, struct domain_stats *stats, struct error *error);

#endif
