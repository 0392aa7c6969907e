/* What being moved (saved, restored) has cost the program, in numbers made of its own samples. */
#ifndef VCOST_DOMAIN_TIMELINE_COSTS_H
#define VCOST_DOMAIN_TIMELINE_COSTS_H

#include "domain/timeline/timeline.h"
#include "record/record.h"

/* What is not known is NAN, of which the record tells why. Where there are several virtual CPUs work and pace
 * are of all together, lost time is of each (the mean), and the longest pause is of the one that had it. */
struct timeline_costs {
    char missing[120]; /* why there is nothing but pages; "": there is */
    uint64_t samples, samples_lost;
    /* Work, which adds up to all between the first sample and the last: before it was asked for (as far as it
     * is looked at); until it was stopped; across the stop, from the last sample before it to the first one
     * after it; and then. */
    uint64_t work_before, work_moving, work_stopped, work_after;
    double before_seconds, moving_seconds, after_seconds; /* between the samples that these are of */
    double pace_before, pace_moving, pace_after;          /* work a second */
    double stall_ms; /* time lost while it was moved and ran: what the same work would have taken less at the
                        pace before; negative: it was faster */
    double stall_share; /* of moving_seconds */
    double waited_ms; /* of all time while it was moved and ran: for which it had no CPU, since others had */
    double stolen_ms; /* meanwhile a hypervisor ran others on this machine's CPUs, of all of them together */
    double longest_before_ms, longest_moving_ms,
        longest_after_ms;       /* from one look at the clock to the next */
    char longest_moving_in[64]; /* what was done meanwhile */
    double stopped_ms;          /* the same across the stop, as the program sees it */
    double back_ms; /* from its first work there until it runs at nine tenths of the pace before, for 50 ms;
                       in steps of 10 ms */
    double lost_after_ms; /* time lost in back_ms */
    /* Of the pages, of what is mapped: the host's memory in pages of 2 MiB (smaps), and what the CPU walks
     * for the guest. While it was moved: the least of it. */
    double large_before, large_moving, large_after;
    double guest_large_before, guest_large_moving, guest_large_after;
    double faults_moving, faults_after; /* page faults taken for the guest */
};
extern const struct record timeline_costs_record;

void timeline_costs_of(const struct timeline *timeline, struct timeline_costs *costs);

/* Was as much seen after it as before, and did its pace come back? Or is it looked at for
 * TIMELINE_AFTER_SECONDS already? */
enum { TIMELINE_AFTER_SECONDS = 10 };
bool timeline_is_enough(const struct timeline *timeline);

/* How long before it was asked for the program is looked at: as long as it took, from 1 to 5 s. */
double timeline_before_seconds(const struct timeline *timeline);

#endif
