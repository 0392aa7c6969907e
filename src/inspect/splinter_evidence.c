#include "inspect/splinter_evidence.h"

#include <math.h>

/* Lines, one a page of 4 KiB, in a page of 2 MiB; a few more may still be mostly in one. */
enum { PAGE_LINES = 512 };
static const double one_page = 1.05 * PAGE_LINES, two_pages = 1.95 * PAGE_LINES;

/* A level is fully there so many times the lines at which it begins, and not yet so many times. */
static const double after_knee = 1.45, before_knee = 0.85, after_second = 1.25;

/* Pages of 4 KiB that lie side by side may share an entry, four of them: where those of one curve do and
 * those of the other do not, reaches differ by so much. */
static const double shared_entry = 4.3;

/* The second level begins where the rise is so many times the first one's, in so many spots on end. */
static const double second_rise = 1.8;
enum { SECOND_SPOTS = 3 };

/* The first level is asked up to here at most: beyond, caches of level 2 are left. */
static const double first_level_end = 5000;

/* An intact large page's translations fit the told entries for large pages up to this part of them … */
static const double entries_share = 0.5;
/* … and where these are not told, up to this part of where the large pages' curve begins to rise. */
static const double before_large = 0.75;

/* Beyond so many lines caches of level 2 are left, and a curve may do so with them. */
static const double stays_least = 4096;

/* An interval of a share that reaches further than this to a side: placements disagree. */
static const double loose_width = 0.3;

bool splinter_tells_large(const struct splinter_input *input)
{
    return input->told && (input->large_entries[0] || input->large_entries[1]);
}

bool splinter_hides_large(const struct splinter_input *input)
{
    return !input->told || (input->has_large && !splinter_tells_large(input));
}

static double limit_of(const struct splinter_input *input, double last)
{
    unsigned entries =
        input->large_entries[0] > input->large_entries[1] ? input->large_entries[0] : input->large_entries[1];
    return input->told && entries ? fmin(last, entries_share * entries * PAGE_LINES) : last;
}

/* What the first level costs: the mean rise of small pages, in ns, over two octaves after its knee. */
static double first_rise(const struct splinter_shares *shares)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = shares->knee; i < shares->count; i++) {
        const struct splinter_spot *spot = &shares->spots[i];
        if (spot->lines < after_knee * shares->reach || spot->lines > 4 * shares->reach)
            continue;
        sum += spot->rise.value;
        count++;
    }
    return count ? sum / (double)count : NAN;
}

static bool rises_above(const struct splinter_shares *shares, size_t i, double rise)
{
    for (size_t k = i; k < shares->count && k < i + SECOND_SPOTS; k++)
        if (!(shares->spots[k].rise.value > rise))
            return false;
    return true;
}

static double find_second(const struct splinter_shares *shares)
{
    double rise = second_rise * first_rise(shares);
    for (size_t i = shares->knee; i + 1 < shares->count; i++)
        if (shares->spots[i].lines > second_rise * shares->reach && rises_above(shares, i, rise))
            return shares->spots[i].lines;
    return INFINITY;
}

static void count_loose(struct splinter_evidence *evidence, double from, double limit)
{
    for (size_t i = 0; i < evidence->shares.count; i++) {
        const struct splinter_spot *spot = &evidence->shares.spots[i];
        if (spot->lines < from || spot->lines > limit)
            continue;
        evidence->seen++;
        if (!spot->clear)
            continue;
        evidence->usable++;
        evidence->loose += (spot->share.high - spot->share.low) / 2 > loose_width;
    }
}

static struct splinter_zone zone(const struct splinter_evidence *evidence, double from, double to)
{
    return splinter_zone_of(&evidence->shares, &(struct splinter_range){from, to}, 1);
}

/* Where all is splintered, the large pages' curve may still rise later than the small pages', or sooner. */
static void find_shared(struct splinter_evidence *evidence, double limit)
{
    const struct splinter_shares *shares = &evidence->shares;
    double later =
        fmin(isnan(shares->large_reach) ? INFINITY : shares->large_reach, shared_entry * shares->reach);
    double from = after_knee * fmax(shares->reach, later);
    double end = fmin(fmin(before_knee * evidence->second, first_level_end), limit);
    const struct splinter_range first[] = {{from, fmin(one_page, end)}, {fmax(from, two_pages), end}};
    evidence->alone = zone(evidence, from, fmin(one_page, limit));
    evidence->first = splinter_zone_of(shares, first, 2);
    evidence->pages = splinter_zone_of(shares, &first[1], 1);
    evidence->walks = zone(evidence, fmax(from, after_second * evidence->second), limit);
    evidence->top = zone(evidence, fmax(from, evidence->last / 2.1), limit);
}

static void find_unshared(struct splinter_evidence *evidence, double limit)
{
    const struct splinter_shares *shares = &evidence->shares;
    double from = after_knee * shares->reach, wide = fmax(from, shared_entry * shares->reach);
    bool cut = splinter_hides_large(evidence->input) && !isnan(shares->large_reach);
    double end = cut ? fmin(limit, before_large * shares->large_reach) : limit;
    evidence->one = zone(evidence, from, fmin(one_page, limit));
    if (evidence->fractured) { /* the first level says nothing */
        wide = evidence->second * (splinter_tells_large(evidence->input) ? after_second : shared_entry);
        end = limit;
    }
    evidence->wide = zone(evidence, wide, end);
    evidence->several = zone(evidence, fmax(wide, two_pages), fmin(end, first_level_end));
    evidence->stays = !(shares->large_reach <= fmin(end, stays_least));
    for (size_t i = 0; i < shares->count; i++)
        if (shares->spots[i].clear && shares->spots[i].lines <= end)
            evidence->wide_end = shares->spots[i].lines;
}

/* Does the small pages' curve leave the base where the told entries end? A hypervisor may make them up. */
static bool is_believed(const struct splinter_input *input, const struct splinter_shares *shares)
{
    double entries = input->small_entries[0];
    return input->told && shares->reach > before_knee * entries &&
           shares->reach < after_knee * shared_entry * entries;
}

void splinter_find_evidence(struct splinter_evidence *evidence)
{
    const struct splinter_input *input = evidence->input;
    const struct splinter_shares *shares = &evidence->shares;
    evidence->last = shares->spots[shares->count - 1].lines;
    evidence->believed = is_believed(input, shares);
    evidence->fractured = input->told && !input->large_entries[0] && input->large_entries[1];
    evidence->maybe_fractured = evidence->fractured || (input->has_large && splinter_hides_large(input));
    evidence->second = find_second(shares);
    double limit = limit_of(input, evidence->last);
    count_loose(evidence, after_knee * shares->reach, limit);
    find_shared(evidence, limit);
    find_unshared(evidence, limit);
}

struct splinter_evidence splinter_beyond_first_level(const struct splinter_evidence *evidence)
{
    struct splinter_evidence beyond = *evidence;
    beyond.fractured = true;
    find_unshared(&beyond, limit_of(beyond.input, beyond.last));
    return beyond;
}
