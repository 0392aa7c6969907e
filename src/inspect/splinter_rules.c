#include "inspect/splinter_evidence.h"

/* Of the spots where something is to be told, so many must stand out of the noise. */
static const double clear_least = 0.6;

/* The rules; what they cost and what they decide is measured by tests/blind. */

static bool between(double value, double least, double most)
{
    return value >= least && value <= most;
}

/* All spots of a zone show about the same share, not more than all. */
static bool is_even(const struct splinter_zone *zone)
{
    double share = zone->share.value;
    return zone->least >= 0.75 * share && zone->most <= 1.33 * share && share <= 1.25;
}

/* They are shared, and placements agree on it: closely where it is not certain that the first level keeps
 * large pages whole, for then only walks tell. */
static bool walks_are_shared(const struct splinter_evidence *evidence, double value, double least)
{
    const struct splinter_zone *walks = &evidence->walks;
    return walks->share.value >= value && walks->least >= least &&
           walks->width <= (evidence->believed && !evidence->maybe_fractured ? 0.6 : 0.2);
}

/* The surest: all few lines, in whatever page they lie, show the same considerable share. */
static bool all_pages_alike(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *first = &evidence->first, *walks = &evidence->walks;
    if (first->count < 3 || !is_even(first) || first->share.value < 0.45)
        return false;
    if (evidence->maybe_fractured) /* the first level rises for intact pages too */
        return walks->count >= 3 && walks_are_shared(evidence, 0.33, 0.28) && walks->lowest >= 0.2;
    return walks->count > 0 ? walks_are_shared(evidence, 0.33, 0.25) : evidence->pages.count >= 2;
}

/* Small pages of one curve share entries and those of the other do not, so that within a page shares grow
 * with the lines: those over several pages must be all. */
static bool all_over_several_pages(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *pages = &evidence->pages, *top = &evidence->top;
    return !evidence->maybe_fractured && pages->count >= 3 && between(pages->share.value, 0.8, 1.2) &&
           pages->least >= 0.75 && pages->lowest > 0.6 && top->count >= 2 && top->share.value >= 0.33 &&
           evidence->walks.count > 0 && walks_are_shared(evidence, 0.1, 0.1);
}

/* The second level is there within the first page already, and the first one hardly to be seen. */
static bool all_by_walks(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *walks = &evidence->walks;
    return evidence->first.count < 3 && walks->count >= 4 && is_even(walks) &&
           walks_are_shared(evidence, 0.45, evidence->maybe_fractured ? 0.35 : 0);
}

/* Only lists within one page tell for certain whether pages are alike: over several the rest of them makes
 * up. */
static bool shows_all(const struct splinter_evidence *evidence)
{
    if (evidence->alone.count < 2)
        return false;
    return all_pages_alike(evidence) || all_over_several_pages(evidence) || all_by_walks(evidence);
}

/* Within a page nothing is shared. Where small pages share entries and are held as long, that is not seen,
 * and what is shared over several pages must be closer to nothing. */
static bool pages_share_nothing(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *one = &evidence->one, *wide = &evidence->wide;
    if (evidence->fractured)
        return true;
    return one->count >= 2 ? one->share.value <= 0.3 : wide->share.value <= 0.06 && wide->most <= 0.15;
}

/* Over several pages nothing is shared, and placements agree on it. Near the edge of a cache lines one a page
 * are a little dearer than scattered ones, TLB or not. */
static bool shows_none(const struct splinter_evidence *evidence)
{
    double wide_least =
        splinter_hides_large(evidence->input) ? 2800 : 1500; /* lines: three pages, nearly, or five */
    const struct splinter_zone *wide = &evidence->wide;
    return wide->count >= 4 && (evidence->stays || evidence->fractured) && evidence->wide_end >= wide_least &&
           wide->share.value <= 0.2 && wide->most <= 0.36 && wide->highest < 0.5 &&
           !(evidence->several.half_length > 0.08) && pages_share_nothing(evidence);
}

bool splinter_is_clear(const struct splinter_evidence *evidence)
{
    return (double)evidence->usable >= clear_least * (double)evidence->seen && evidence->usable > 0;
}

bool splinter_placements_agree(const struct splinter_evidence *evidence)
{
    size_t most = evidence->usable / 4;
    return evidence->loose <= (most > 2 ? most : 2);
}

bool splinter_only_first_level_tells(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *first = &evidence->first;
    return evidence->maybe_fractured && first->count >= 3 && is_even(first) && first->share.value >= 0.45;
}

/* Where nobody tells at which level large pages have entries, and the first one shows nothing of them, the
 * second one may. */
static bool shows_none_beyond_first_level(struct splinter_evidence *evidence)
{
    if (!splinter_only_first_level_tells(evidence))
        return false;
    struct splinter_evidence beyond = splinter_beyond_first_level(evidence);
    if (!shows_none(&beyond))
        return false;
    *evidence = beyond;
    return true;
}

enum splinter_verdict splinter_shape(struct splinter_evidence *evidence)
{
    if (!splinter_is_clear(evidence) || !splinter_placements_agree(evidence))
        return SPLINTER_UNKNOWN;
    if (shows_all(evidence))
        return SPLINTER_YES;
    return shows_none(evidence) || shows_none_beyond_first_level(evidence) ? SPLINTER_NO : SPLINTER_UNKNOWN;
}
