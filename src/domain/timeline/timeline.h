/* What the program inside of a domain did while the domain was moved, saved or restored, and what happened
 * when: the program's own samples (portable/samples.h), before and after one series, and the host's marks and
 * looks at its pages. What it cost is made of that: costs.h.
 *
 * Times are of one clock, the collector's CLOCK_MONOTONIC, in seconds. Samples have the guest's time-stamp
 * counter instead: how far it lies from that clock is the least that was ever seen between the newest
 * sample's counter and the time when it was read, which is late by the age of that sample (and, from another
 * machine, by the way of its message), never early. Where the counter went on as if nothing had happened,
 * before and after have one offset, that of before. One thread. */
#ifndef VCOST_DOMAIN_TIMELINE_TIMELINE_H
#define VCOST_DOMAIN_TIMELINE_TIMELINE_H

#include "domain/portable/samples.h"

/* In the order in which they come. */
enum timeline_event {
    TIMELINE_BEGUN,   /* it was asked for */
    TIMELINE_LOG,     /* what is written begins to be recorded, */
    TIMELINE_LOGGING, /* and is from here on */
    TIMELINE_PASS,    /* one more pass over memory begins */
    TIMELINE_STOP,    /* the virtual CPUs are asked to stop */
    TIMELINE_STOPPED, /* none is in the guest */
    TIMELINE_RUNS,    /* it runs again (there) */
    TIMELINE_END,     /* the end of looking */
    TIMELINE_EVENTS
};

/* What it is of. */
enum timeline_kind { TIMELINE_MIGRATION, TIMELINE_SAVE, TIMELINE_RESTORE, TIMELINE_KINDS };

/* Before: in this process; after: where it runs then. */
enum { TIMELINE_SIDES = 2, TIMELINE_MARKS_MAX = 64, TIMELINE_LOOKS_MAX = 1024 };

struct timeline_sample {
    struct portable_sample at;
    uint8_t cpu, side;
};

/* The pages of its memory, NAN where that is not told. */
struct timeline_look {
    double seconds;
    double resident_bytes, large_bytes; /* of the host's own mapping (smaps: Rss, AnonHugePages) */
    double guest_small, guest_large;    /* leaves of 4 KiB and 2 MiB that the CPU walks for the guest */
    double faults;                      /* page faults taken for the guest since it was made there */
    double waited;                      /* portable_waited(), of this side alone */
    double stolen;                      /* schedule_stolen(), likewise */
    unsigned side;
};

struct timeline_side {
    double ticks_per_second; /* 0: nothing came from there */
    double offset;           /* to the clock; NAN: not known */
};

struct timeline {
    enum timeline_kind kind;
    unsigned cpus;
    struct timeline_side sides[TIMELINE_SIDES];
    struct timeline_sample *samples; /* those of each virtual CPU in their order */
    size_t count, room;
    uint64_t lost;    /* overwritten, or left out because they cannot be */
    uint64_t thinned; /* how often every second one was put to the next, for room */
    uint64_t taken[PORTABLE_CPUS_MAX];
    struct timeline_sample last[PORTABLE_CPUS_MAX];
    struct timeline_mark {
        enum timeline_event event;
        double seconds;
    } marks[TIMELINE_MARKS_MAX];
    size_t mark_count;
    struct timeline_look looks[TIMELINE_LOOKS_MAX];
    size_t look_count;
    double next_look;
    const char *missing; /* why there are no samples; NULL: there are */
};

/* The collector's clock. */
double timeline_now(void);

/* Begins with what the rings have: what the program did in the last seconds. TIMELINE_BEGUN is marked. */
void timeline_begin(struct timeline *timeline, enum timeline_kind kind, const struct portable *portable);
void timeline_free(struct timeline *timeline);

void timeline_mark(struct timeline *timeline, enum timeline_event event);
/* The first mark of an event, NAN without one. */
double timeline_marked(const struct timeline *timeline, enum timeline_event event);

/* Takes what is new in the rings, and looks at the pages if it is time: cheap, to be called often. A ring
 * holds what was done in some seconds. */
void timeline_take(struct timeline *timeline, const struct portable *portable, unsigned side);

/* Samples and a look that came from elsewhere, arrived at `seconds` (timeline_now()); their order is looked
 * at. */
void timeline_add(struct timeline *timeline, unsigned side, unsigned cpu,
    const struct portable_sample *samples, size_t count, double ticks_per_second, double seconds);
void timeline_add_look(struct timeline *timeline, const struct timeline_look *look);

/* How the pages of a domain are now; takes as long as its page tables are large. */
void timeline_look_now(const struct portable *portable, struct timeline_look *look);

/* Did the guest's counter go on from one side to the other as if nothing had happened? */
bool timeline_one_clock(const struct timeline *timeline);
/* When a sample was taken. */
double timeline_time(const struct timeline *timeline, const struct timeline_sample *sample);

#endif
