/* What the curves show of splintered pages, and the rules that it is judged by; splinter.c puts it in words.
 *
 * Whatever the processor is, a page of 2 MiB is either splintered or not. Lists lie at
 * other places of the memory for every number of lines and in every placement, and up to 512 lines are in one
 * page or two. So where all those few lines show the same share of what translations cost, and placements
 * agree, all pages are alike: splintered if that share is considerable, intact if it is nothing. Where some
 * pages are splintered and others not, placements differ by far more than they do for small pages. How large
 * the share is says little: a hit in the second level of the TLB costs the same for both, a walk less for a
 * splintered page, since the guest's own table is shorter by a level. */
#ifndef VCOST_INSPECT_SPLINTER_EVIDENCE_H
#define VCOST_INSPECT_SPLINTER_EVIDENCE_H

#include "inspect/splinter.h"
#include "inspect/splinter_shares.h"

struct splinter_evidence {
    const struct splinter_input *input;
    struct splinter_shares shares; /* owned */
    double second;                 /* lines where the small pages' curve rises once more; INFINITY: nowhere */
    double last;                   /* lines of the last spot */
    bool believed;                 /* what is told of the TLB fits what is measured */
    bool fractured;       /* level 1 is told to have no entries for large pages, level 2 to have some */
    bool maybe_fractured; /* … or there are some, and nobody tells at which level */
    size_t seen;          /* spots after the knee that can be told by if they are clear */
    size_t usable, loose; /* clear spots that can be told by, and those where placements disagree */
    /* From where both curves must have risen if all is splintered. */
    struct splinter_zone alone; /* within a page, whatever the level */
    struct splinter_zone first; /* the first level: within a page, and over several */
    struct splinter_zone pages; /* of it, over several pages */
    struct splinter_zone walks; /* the second level */
    struct splinter_zone top;   /* the last octave */
    /* From where the small pages' curve has risen for certain, up to where an intact large page's must not.
     */
    struct splinter_zone one, several, wide; /* within a page; over several; all of it */
    double wide_end;                         /* lines of the last spot of `wide` */
    bool stays; /* the large pages' curve has not left the caches' for good by then */
};

/* Does CPUID tell of entries for large pages? */
bool splinter_tells_large(const struct splinter_input *input);

/* Are there some, for all that CPUID tells? */
bool splinter_hides_large(const struct splinter_input *input);

/* Fills the evidence from its input and its shares. */
void splinter_find_evidence(struct splinter_evidence *evidence);

/* The same as if the first level were known to keep large pages in pieces. */
struct splinter_evidence splinter_beyond_first_level(const struct splinter_evidence *evidence);

/* Enough stands out of the noise. */
bool splinter_is_clear(const struct splinter_evidence *evidence);
bool splinter_placements_agree(const struct splinter_evidence *evidence);

/* Few lines cost the same in both, which a first level that keeps large pages in pieces does too. */
bool splinter_only_first_level_tells(const struct splinter_evidence *evidence);

/* What it shows, by the rules: in doubt SPLINTER_UNKNOWN. Where only what is beyond the first level tells,
 * the evidence is afterwards of that alone. */
enum splinter_verdict splinter_shape(struct splinter_evidence *evidence);

#endif
