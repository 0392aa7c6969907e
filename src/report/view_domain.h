/* What `vcost domain` says. */
#ifndef VCOST_REPORT_VIEW_DOMAIN_H
#define VCOST_REPORT_VIEW_DOMAIN_H

#include "domain/served/control.h"
#include "domain/timeline/told.h"
#include "report/document.h"

struct domain_list {
    const struct domain_report *reports;
    size_t count;
};

/* How a migration went, and what it cost the program; the timeline may be NULL, and outlives the document. */
void view_moved(
    const struct domain_report *report, const struct timeline_told *timeline, struct document *document);
void view_domains(const struct domain_list *list, struct document *document);

/* One that runs or has ended. */
void view_domain(const struct domain_report *report, struct document *document);

enum { FORKED_MAX = 256 };

/* What clones cost. */
struct forked {
    char name[PORTABLE_NAME_BYTES];
    size_t asked, count;   /* fewer were started if the user stopped it */
    double ms[FORKED_MAX]; /* from asking for it until its first instruction */
    uint64_t pid[FORKED_MAX];
    double bytes[FORKED_MAX]; /* private memory (smaps) a moment later; NAN: it has ended */
    double available_bytes;   /* by how much MemAvailable fell, for each */
    char mode[40];            /* how they have their memory: "memory mapped, private" */
    bool live;                /* it was a domain that runs, and goes on: */
    struct forked_source {
        double stall_ms;
        double pace_before, pace_after;   /* of its work a second; NAN: not known */
        double large_before, large_after; /* bytes behind large pages */
        double private_bytes; /* of its memory, a moment later: what it did not share any more, as it was
                                   copied */
    } source;
};
extern const struct record forked_record;

void view_forked(const struct forked *forked, struct document *document);

#endif
