/* Does the host below splinter this guest's large pages?
 *
 * A TLB entry covers the smaller of the guest's and the host's page. So a chase over one cache line in each
 * 4 KiB of memory behind large pages (2 MiB) of the guest needs, for N lines, N / 512 translations where the
 * host has large pages too, and N where it backs the guest with small ones. Curves over N tell: the lines
 * packed side by side (no TLB misses, only caches), the lines in pages of 4 KiB, the lines in pages of 2 MiB.
 * Lines one a page fall on the sets of a cache by chance, packed ones evenly: they leave the cache sooner,
 * TLB or not. So a fourth curve holds as many lines at random places of a sixteenth of the pages: the caches
 * as the lines one a page see them, with a sixteenth of the translations (what these cost is taken off).
 *
 * Where only some pages are splintered, placements of the memory disagree, and it cannot be told: a neighbour
 * does the same.
 *
 * A pure function: it measures nothing and knows no machine. */
#ifndef VCOST_INSPECT_SPLINTER_H
#define VCOST_INSPECT_SPLINTER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A latency, ns a hop, with its 95 % interval over placements. value NAN: not measured; low, high NAN: no
 * interval. */
struct splinter_figure {
    double value, low, high;
};

struct splinter_point {
    double lines;                             /* > 0, ascending from point to point */
    struct splinter_figure packed, scattered; /* both behind large pages */
    struct splinter_figure small, large;      /* one line a 4 KiB page, behind pages of 4 KiB and of 2 MiB */
};

struct splinter_input {
    const struct splinter_point *points;
    size_t count;
    /* Of the memory of the `large` curve, the share that this kernel really had in pages of 2 MiB, the worst
     * placement's; NAN: not known. */
    double large_share;
    bool emulated; /* the processor is known to be emulated in software (QEMU's TCG, Bochs): its timing is no
                      TLB's */
    /* What CPUID says of data TLBs: entries for 4 KiB and for 2 MiB pages at level 1 and 2; 0: none, or not
     * told (`told` false: nothing is told at all, which means that the rest is not known). A hypervisor may
     * make these up. */
    bool told;
    unsigned small_entries[2], large_entries[2];
    /* Whatever CPUID says: this make of processor always has entries for 2 MiB pages, at one level or the
     * other. So large pages that cost as many translations as small ones are the host's doing, where the
     * second level shows it too: a first level that keeps them in pieces is a usual thing. */
    bool has_large;
};

enum splinter_verdict {
    SPLINTER_UNKNOWN, /* cannot tell: `reason` says why and what to do */
    SPLINTER_NO,      /* the host has large pages behind all of it */
    SPLINTER_YES,     /* … behind none of it */
    SPLINTER_VERDICTS
};
const char *splinter_verdict_name(enum splinter_verdict verdict); /* "unknown", "no", "yes" */

/* What one level of the TLB shows. */
struct splinter_level {
    bool seen;    /* the curve of small pages leaves the packed one here, beyond noise */
    double lines; /* where it does: the reach of the TLB in translations of 4 KiB */
    double share; /* of that rise which the curve of large pages shows too: 0 none … 1 all; NAN: not told */
    double low, high;   /* of the share */
    double large_lines; /* where the curve of large pages leaves the packed one; NAN: nowhere in the range */
};

struct splinter {
    enum splinter_verdict verdict;
    struct splinter_level levels[2]; /* 0: the first that the curves show, 1: the next */
    /* What it costs: at `cost_lines` lines (one a page, about 4096 of them) a hop takes cost_ns more in large
     * pages than the caches explain, which are seen by the scattered lines (or the packed ones where those
     * were not measured): as much as large pages that the host backs by large ones would take. NAN unless the
     * verdict is YES. */
    double cost_lines, cost_ns, cost_low, cost_high;
    char reason[256]; /* what decided it, or why it cannot be told: a sentence without full stop */
};

/* Judges. Only -EINVAL (lines that do not ascend) and -ENOMEM are errors: all else is a verdict. */
int splinter_judge(const struct splinter_input *input, struct splinter *splinter, struct error *error);

#endif
