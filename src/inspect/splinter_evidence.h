/* What the curves show of splintering in the places where it can be told, zone by zone. */
#ifndef VCOST_INSPECT_SPLINTER_EVIDENCE_H
#define VCOST_INSPECT_SPLINTER_EVIDENCE_H

#include "inspect/splinter_shares.h"

/* Lines, one a page of 4 KiB, in a page of 2 MiB: up to so many are in one page, which is splintered or not.
 */
enum { SPLINTER_PAGE_LINES = 512 };

struct splinter_evidence {
    struct splinter_shares shares;
    bool scattered;      /* that curve was measured wherever the others were */
    double second;       /* lines where the small pages' curve rises once more; NAN: it does not */
    double large_second; /* the same of the large pages' curve */
    double last;         /* lines of the last spot */
    double top_rise;     /* ns, the mean over the last octave */
    double first_rise;   /* ns, of the first level */
    /* Shares in the first level, or the only one. */
    struct splinter_zone near;     /* within the first large page */
    struct splinter_zone near_all; /* the same from where the large pages' curve has risen too: if all of them
                                      are splintered it may do so later, since small pages side by side may
                                      share an entry */
    struct splinter_zone multi;    /* over several large pages */
    /* In the second level. */
    struct splinter_zone near_deep; /* within the first large page */
    struct splinter_zone early;     /* where it begins */
    struct splinter_zone few;       /* over 2 to 4 large pages */
    /* Over all levels. */
    struct splinter_zone after;            /* from the first rise on */
    struct splinter_zone after_all;        /* the same as near_all is to near */
    struct splinter_zone wide;             /* from two large pages on */
    struct splinter_zone before_last, top; /* the last octave but one, and the last */
    struct splinter_zone end;              /* the last third of an octave */
    /* In the second level alone, without the first one's rise. */
    struct splinter_zone deep_walks, early_walks, top_walks;
    /* Of the large pages' curve above the base, in first rises. */
    struct splinter_figure before_last_excess, top_excess, end_excess;
    double large_fall; /* the most that the large pages' curve falls with more lines, relative */
    double near_small_error, near_large_error; /* of these curves within the first page, relative */
};

/* From shares whose knee is seen, which it takes over. `input` is asked only for the entries that are told.
 */
void splinter_evidence_find(
    const struct splinter_input *input, struct splinter_shares shares, struct splinter_evidence *evidence);
void splinter_evidence_free(struct splinter_evidence *evidence);

#endif
