#include "region.h"

enum { LARGE_PAGES = REGION_PAGES / PAGES_A_LARGE_ONE, FRAMES = 1 << 24 };

/* In the first half of the region and in all of it the splintered are 0.3 to 0.7: a curve may end in between
 * only. */
static bool is_half(const bool *large)
{
    unsigned first = 0, all = 0;
    for (unsigned i = 0; i < LARGE_PAGES; i++) {
        all += !large[i];
        first += !large[i] && i < LARGE_PAGES / 2;
    }
    return first * 10 >= LARGE_PAGES / 2 * 3 && first * 10 <= LARGE_PAGES / 2 * 7 &&
           all * 10 >= LARGE_PAGES * 3 && all * 10 <= LARGE_PAGES * 7;
}

static void draw_host(bool *large, enum backing backing, double share, struct dice *dice)
{
    do {
        for (unsigned i = 0; i < LARGE_PAGES; i++)
            large[i] = backing == BACKING_INTACT || (backing == BACKING_HALF && !dice_chance(dice, share));
    } while (backing == BACKING_HALF && !is_half(large));
}

/* Frames of a run of small or splintered pages. */
static void draw_run(struct page *pages, double contiguous, struct dice *dice)
{
    bool run = dice_chance(dice, contiguous);
    uint32_t begin = dice_below(dice, FRAMES / PAGES_A_RUN) * PAGES_A_RUN;
    for (uint32_t i = 0; i < PAGES_A_RUN; i++) {
        pages[i].run = run;
        pages[i].frame = run ? begin + i : dice_below(dice, FRAMES);
    }
}

static void draw_large(struct page *pages, const struct region_traits *traits, struct dice *dice)
{
    bool guest = pages[0].guest_large, host = pages[0].host_large;
    uint32_t begin = dice_below(dice, FRAMES / PAGES_A_LARGE_ONE) * PAGES_A_LARGE_ONE;
    double contiguous = (guest ? 1 : traits->guest_runs) * (host ? 1 : traits->host_runs);
    for (uint32_t i = 0; guest && host && i < PAGES_A_LARGE_ONE; i++) {
        pages[i].frame = begin + i;
        pages[i].run = true;
    }
    for (uint32_t i = 0; !(guest && host) && i < PAGES_A_LARGE_ONE; i += PAGES_A_RUN)
        draw_run(&pages[i], contiguous, dice);
}

void region_make(struct region *region, const struct region_traits *traits, bool guest_large,
    enum backing backing, struct dice *dice)
{
    bool large[LARGE_PAGES];
    draw_host(large, backing, traits->share, dice);
    for (uint32_t i = 0; i < REGION_PAGES; i++) {
        region->pages[i].guest_large = guest_large;
        region->pages[i].host_large = large[i / PAGES_A_LARGE_ONE];
    }
    for (uint32_t i = 0; i < REGION_PAGES; i += PAGES_A_LARGE_ONE)
        draw_large(&region->pages[i], traits, dice);
}
