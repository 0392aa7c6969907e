#include "kinds.h"

#include <math.h>
#include <string.h>

enum { PURPOSE = 2 };

/* ---- what is given besides the curves ---- */

static void no_large_pages(struct curve *curve, struct dice *dice)
{
    bool unknown = dice_chance(dice, 0.3);
    curve->truth = "unknown";
    curve->large_share = unknown ? NAN : dice_chance(dice, 0.3) ? 0 : dice_between(dice, 0, 0.9);
}

static void no_large_entries(struct curve *curve, struct dice *dice)
{
    curve->truth = "no";
    curve->told = dice_chance(dice, 0.5);
    curve->has_large = false;
    memset(curve->told_large, 0, sizeof curve->told_large);
    if (!curve->told)
        memset(curve->told_small, 0, sizeof curve->told_small);
}

/* A hypervisor shows an empty leaf 18h of an Intel CPU, or empty 8000_0005h and 8000_0006h of an AMD one; of
 * who made it there is no doubt. Now and then something is left that says nothing of large pages. */
static void nothing_told(struct curve *curve, struct dice *dice)
{
    curve->has_large = true;
    curve->told = dice_chance(dice, 0.2);
    memset(curve->told_large, 0, sizeof curve->told_large);
    if (!curve->told)
        memset(curve->told_small, 0, sizeof curve->told_small);
}

static void no_processor(struct curve *curve, struct dice *dice)
{
    (void)dice;
    curve->truth = "unknown";
    curve->emulated = true;
}

#define ONE(backing) (1u << (backing))
#define ANY (ONE(BACKING_INTACT) | ONE(BACKING_SPLINTERED) | ONE(BACKING_HALF))
#define WHOLE (ONE(BACKING_INTACT) | ONE(BACKING_SPLINTERED))

/* What cannot be told apart in principle, and so what is never asked for here: a CPU without large entries
 * whose hypervisor makes some up in CPUID is like one whose large pages are splintered. no-large-tlb with
 * `told` false is the same as a splintered one with `told` false: the truth "no" there asks for "unknown" in
 * both cases, unless it is known that the CPU has some (as all that are made for x86-64 have). */
const struct kind kinds[] = {
    {.name = "clean-intact", .backings = ONE(BACKING_INTACT), .noise = noise_clean},
    {.name = "clean-splintered", .backings = ONE(BACKING_SPLINTERED), .noise = noise_clean},
    {.name = "half-and-half", .backings = ONE(BACKING_HALF), .noise = noise_clean},
    {.name = "one-level", .one_level = true, .backings = WHOLE, .noise = noise_clean},
    {.name = "no-thp",
        .backings = WHOLE,
        .noise = noise_clean,
        .alter = no_large_pages,
        .small_for_large = true},
    {.name = "no-large-tlb",
        .backings = ONE(BACKING_INTACT),
        .noise = noise_clean,
        .alter = no_large_entries,
        .fractured = true},
    {.name = "noisy", .backings = ANY, .noise = noise_neighbours},
    {.name = "bimodal", .backings = ANY, .noise = noise_two_modes},
    {.name = "shared-l3", .backings = ANY, .noise = noise_shared_l3},
    {.name = "emulated", .backings = WHOLE, .noise = noise_emulated, .alter = no_processor, .emulated = true},
    {.name = "hidden-intact", .backings = ONE(BACKING_INTACT), .noise = noise_clean, .alter = nothing_told},
    {.name = "hidden-splintered",
        .backings = ONE(BACKING_SPLINTERED),
        .noise = noise_clean,
        .alter = nothing_told},
    {.name = "hidden-half", .backings = ONE(BACKING_HALF), .noise = noise_clean, .alter = nothing_told},
    {.name = "hidden-noisy", .backings = ANY, .noise = noise_neighbours, .alter = nothing_told},
    {.name = "hidden-one-level",
        .one_level = true,
        .backings = WHOLE,
        .noise = noise_clean,
        .alter = nothing_told},
};
const size_t kinds_count = sizeof kinds / sizeof kinds[0];

/* ---- what is usually given ---- */

/* Some hypervisors tell nothing, some tell what they made up: QEMU's cpu.c has 255, 255, 512 and no large
 * ones in the second level (L1_DTLB_4K_ENTRIES … L2_DTLB_2M_ENTRIES). */
static void tell(struct curve *curve, const struct geometry *geometry, struct dice *dice)
{
    static const unsigned qemu_small[TLB_LEVELS] = {255, 512}, qemu_large[TLB_LEVELS] = {255, 0};
    bool made_up = dice_chance(dice, 0.05);
    curve->told = !dice_chance(dice, 0.05);
    if (curve->told) {
        memcpy(curve->told_small, made_up ? qemu_small : geometry->told_small, sizeof curve->told_small);
        memcpy(curve->told_large, made_up ? qemu_large : geometry->told_large, sizeof curve->told_large);
    }
    curve->large_share = dice_chance(dice, 0.85) ? 1 : dice_between(dice, 0.99, 1);
}

/* ---- figures ---- */

/* Which counts a curve is made of. */
struct source {
    const struct pool *pool;
    enum backing backing[ARRANGEMENTS];
    enum arrangement arrangement[ARRANGEMENTS];
    unsigned shift[ARRANGEMENTS]; /* of placements: small pages are other memory than large ones */
    struct prices prices;
    struct sky sky;
    bool flat;
};

static double hop_ns(const struct source *source, unsigned placement, unsigned arrangement, unsigned point)
{
    unsigned from = (placement + source->shift[arrangement]) % POOL_PLACEMENTS;
    enum arrangement as = source->arrangement[arrangement];
    const struct weather *weather = &source->sky.at[placement][arrangement][point];
    const struct counts *counts = &source->pool->counts[from][source->backing[arrangement]][as][point];
    return source->flat ? weather->all : price_hop(counts, &source->prices, weather, as != SMALL);
}

/* The points of a grid that a curve has: to a half of the most in one of five, every second of a dense grid.
 */
static void measure(const struct source *source, unsigned stride, struct curve *curve)
{
    unsigned end = source->sky.count;
    for (unsigned i = 0; i < end; i += stride) {
        curve->lines[curve->count] = source->pool->lines[i];
        for (unsigned a = 0; a < ARRANGEMENTS; a++) {
            double values[PLACEMENTS_MAX];
            for (unsigned p = 0; p < source->sky.placements; p++)
                values[p] = hop_ns(source, p, a, i);
            curve->figures[a][curve->count] = figure_make(values, source->sky.placements);
        }
        curve->count++;
    }
}

static enum backing draw_backing(unsigned backings, struct dice *dice)
{
    enum backing backing;
    do
        backing = dice_below(dice, BACKINGS);
    while (!(backings & ONE(backing)));
    return backing;
}

static void draw_source(struct source *source, const struct kind *kind, const struct curve *curve,
    enum backing backing, struct dice *dice)
{
    unsigned shift = dice_below(dice, POOL_PLACEMENTS);
    for (unsigned a = 0; a < ARRANGEMENTS; a++) {
        source->backing[a] = kind->fractured && a != SMALL ? BACKING_SPLINTERED : backing;
        source->arrangement[a] = a;
        source->shift[a] = shift + (a == SMALL ? dice_below(dice, POOL_PLACEMENTS) : 0);
    }
    if (backing == BACKING_HALF)
        source->backing[SMALL] = BACKING_SPLINTERED;
    if (!kind->small_for_large)
        return;
    /* Large pages for a part of the memory are like a host that has them for a part. */
    bool part = curve->large_share > 0.3 && curve->large_share < 0.7;
    source->backing[LARGE] = part ? BACKING_HALF : backing;
    source->arrangement[LARGE] = part ? LARGE : SMALL;
    source->backing[PACKED] = source->backing[SCATTERED] = part ? BACKING_HALF : BACKING_SPLINTERED;
}

/* ---- gaps ---- */

static void drop_point(struct curve *curve, unsigned at)
{
    curve->count--;
    memmove(&curve->lines[at], &curve->lines[at + 1], (curve->count - at) * sizeof curve->lines[0]);
    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        memmove(&curve->figures[a][at], &curve->figures[a][at + 1],
            (curve->count - at) * sizeof curve->figures[a][0]);
}

static void make_gaps(struct curve *curve, struct dice *dice)
{
    for (unsigned i = dice_chance(dice, 0.15) ? 1 + dice_below(dice, 3) : 0; i > 0; i--)
        curve->figures[dice_below(dice, ARRANGEMENTS)][dice_below(dice, curve->count)] = figure_none();
    for (unsigned i = dice_chance(dice, 0.05) ? 1 + dice_below(dice, 3) : 0; i > 0; i--)
        drop_point(curve, dice_below(dice, curve->count));
    for (unsigned i = 0, none = dice_chance(dice, 0.1); none && i < curve->count; i++)
        curve->figures[SCATTERED][i] = figure_none();
    if (dice_chance(dice, 0.03)) {
        struct figure *figure =
            &curve->figures[dice_below(dice, ARRANGEMENTS)][dice_below(dice, curve->count)];
        figure->low = figure->high = NAN; /* one placement only got there */
    }
}

/* ---- curves ---- */

static size_t draw_geometry(const struct kind *kind, struct dice *dice)
{
    size_t geometry;
    do
        geometry = dice_below(dice, (uint32_t)geometries_count);
    while (geometry_has_one_level(&geometries[geometry]) != kind->one_level);
    return geometry;
}

static unsigned draw_placements(struct dice *dice)
{
    return dice_chance(dice, 0.7) ? PLACEMENTS_MIN : 4 + dice_below(dice, PLACEMENTS_MAX - 3);
}

void kind_make(const struct kind *kind, uint64_t seed, uint64_t number, size_t geometry, struct curve *curve)
{
    static const char *truths[BACKINGS] = {"no", "yes", "unknown"};
    static struct source source;
    struct dice dice = dice_make(seed, PURPOSE, number, (uint64_t)(kind - kinds));
    unsigned variant = dice_below(&dice, POOL_VARIANTS);
    enum backing backing = draw_backing(kind->backings, &dice);
    size_t drawn = draw_geometry(kind, &dice);
    geometry = geometry < geometries_count ? geometry : drawn;
    *curve = (struct curve){.kind = kind->name,
        .geometry = geometries[geometry].name,
        .truth = truths[backing],
        .seed = seed,
        .number = number};
    source = (struct source){
        .pool = pool_get(seed, number / POOL_CURVES, geometry, variant), .flat = kind->emulated};
    tell(curve, &geometries[geometry], &dice);
    curve->has_large = number % 4 != 0;
    if (kind->alter)
        kind->alter(curve, &dice);
    draw_source(&source, kind, curve, backing, &dice);
    source.prices = price_draw(&geometries[geometry], source.pool->shadow, &dice);
    source.sky.count = source.pool->count - (dice_chance(&dice, 0.2) ? source.pool->per_octave : 0);
    source.sky.placements = draw_placements(&dice);
    kind->noise(&source.sky, &geometries[geometry], &dice);
    measure(&source, source.pool->per_octave == 4 && dice_chance(&dice, 0.4) ? 2 : 1, curve);
    make_gaps(curve, &dice);
}
