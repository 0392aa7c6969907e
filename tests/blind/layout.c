#include "layout.h"

enum {
    LINES_A_PAGE = 64,
    SCATTERED_A_PAGE = 16,
    LEAVES_A_LINE = 8,
    ORIGIN = 0x40000 /* in pages: aligned */
};

static struct thing translation(const struct page *page, uint32_t at, unsigned coalesced)
{
    if (page->guest_large && page->host_large) {
        uint32_t number = at / PAGES_A_LARGE_ONE;
        return (struct thing){(int32_t)(2 * REGION_PAGES + number), ORIGIN / PAGES_A_LARGE_ONE + number};
    }
    if (page->run && coalesced > 1) {
        uint32_t number = at / coalesced;
        return (struct thing){(int32_t)(REGION_PAGES + number), ORIGIN / coalesced + number};
    }
    return (struct thing){(int32_t)at, ORIGIN + at};
}

/* The line of a table that holds this leaf; tables lie in random frames. */
static struct thing leaf(uint32_t entry, uint32_t first_id)
{
    uint32_t line = entry / LEAVES_A_LINE, table = line / LINES_A_PAGE;
    uint32_t frame = (table + first_id) * 2654435761u >> 8;
    return (struct thing){(int32_t)(first_id + line), frame * LINES_A_PAGE + line % LINES_A_PAGE};
}

/* A host's leaf stands in its table where the guest's frame says: pages that the guest has in frames without
 * order have a line each, of their own. */
static struct thing host_leaf(const struct page *page, uint32_t at)
{
    struct thing thing = leaf(at, LINES_MAX + REGION_PAGES);
    if (page->guest_large || page->run)
        return thing;
    return (struct thing){(int32_t)(LINES_MAX + REGION_PAGES + at), at * 2654435761u >> 8};
}

static void find_leaves(struct stop *stop, const struct page *page, uint32_t at, bool shadow)
{
    stop->leaves[0] = stop->leaves[1] = (struct thing){.id = NO_LEAF};
    if (shadow ? !stop->large : !page->guest_large)
        stop->leaves[0] = leaf(at, LINES_MAX);
    if (!shadow && !page->host_large)
        stop->leaves[1] = host_leaf(page, at);
}

static void place(
    struct stop *stop, const struct page *page, uint32_t at, uint32_t offset, unsigned coalesced)
{
    stop->large = page->guest_large && page->host_large;
    stop->whole = translation(page, at, coalesced);
    stop->piece = (struct thing){(int32_t)at, ORIGIN + at};
    stop->l1_number = at * LINES_A_PAGE + offset;
    stop->line.number = page->frame * LINES_A_PAGE + offset;
}

static unsigned lines_a_page(enum arrangement arrangement)
{
    static const unsigned counts[ARRANGEMENTS] = {LINES_A_PAGE, SCATTERED_A_PAGE, 1, 1};
    return counts[arrangement];
}

/* `count` different lines of a page. */
static void draw_offsets(uint32_t *offsets, unsigned count, struct dice *dice)
{
    uint32_t all[LINES_A_PAGE];
    for (uint32_t i = 0; i < LINES_A_PAGE; i++)
        all[i] = i;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = i + dice_below(dice, LINES_A_PAGE - i), kept = all[other];
        all[other] = all[i];
        offsets[i] = all[i] = kept;
    }
}

static void shuffle(struct layout *layout, struct dice *dice)
{
    for (uint32_t i = layout->lines; i > 1; i--) {
        uint32_t other = dice_below(dice, i);
        struct stop kept = layout->stops[i - 1];
        layout->stops[i - 1] = layout->stops[other];
        layout->stops[other] = kept;
    }
}

/* Somewhere in the region, as the real program lays out every list of every placement: a few lines see some
 * large page, not always the first one. */
static uint32_t draw_first(unsigned lines, unsigned together, struct dice *dice)
{
    uint32_t pages = (lines + together - 1) / together;
    return dice_below(dice, REGION_PAGES - pages + 1);
}

void layout_make(struct layout *layout, const struct region *region, enum arrangement arrangement,
    unsigned lines, unsigned coalesced, bool shadow, struct dice *dice)
{
    unsigned together = lines_a_page(arrangement);
    uint32_t offsets[LINES_A_PAGE], first = draw_first(lines, together, dice);
    layout->lines = lines;
    for (uint32_t i = 0; i < lines; i++) {
        uint32_t at = first + i / together;
        const struct page *page = &region->pages[at];
        if (together == 1)
            offsets[0] = dice_below(dice, LINES_A_PAGE);
        else if (i % together == 0)
            draw_offsets(offsets, together, dice);
        place(&layout->stops[i], page, at, arrangement == PACKED ? i % LINES_A_PAGE : offsets[i % together],
            coalesced);
        layout->stops[i].line.id = (int32_t)i;
        find_leaves(&layout->stops[i], page, at, shadow);
    }
    shuffle(layout, dice);
}
