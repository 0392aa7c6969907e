/* inspect/splinter: what this machine showed, each situation of a model of its own, and never a wrong word.
 */
#include "cmocka_all.h"
#include "repeated.h"

#include "base/random.h"
#include "base/fact.h"
#include "experiment/inspect_internal.h"
#include "inspect/splinter.h"
#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "read_result.h"

/* ---- a machine of numbers: nothing of it is shared with the detector ---- */

enum { PAGES_MAX = 128, PLACEMENTS_MOST = 6, POINTS_MAX = 64 };

enum state { INTACT, SPLINTERED, HALF, STATES };
enum layout { BY_CHANCE, BY_CHANCE_ONCE, ALTERNATING, FIRST_HALF, SECOND_HALF, LAYOUTS };

struct cache {
    double lines, ways, ns; /* ns: of a hit in what is behind it */
};

struct simulated {
    double entries[2], big_entries[2]; /* 0: none */
    double coalesced[2];               /* so many small pages an entry: of the small curve, of the large */
    double chance;                     /* 0: LRU, 1: replaced by chance */
    double second_ns;                  /* a hit in the second level */
    double walk_ns, splintered_walk, big_walk; /* the latter two as shares of the first */
    double walk_growth;                        /* of walks, an octave beyond 1024 lines */
    struct cache caches[3];
    double ns;
    enum state state;
    enum layout layout;
    unsigned placements;
    double noise;                        /* of a placement's figure, relative */
    double outlier_chance, outlier_most; /* of a point's figures */
    bool outliers_tell;                  /* the interval widens */
    double drift;                        /* relative, over the range, of every curve in its own direction */
    bool bimodal;                        /* a placement has 12 % more or not */
};

static double uniform(uint64_t *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

static double within(uint64_t *random, double low, double high)
{
    return low + (high - low) * uniform(random);
}

static double normal(uint64_t *random)
{
    return sqrt(-2 * log(1 - uniform(random))) * cos(2 * M_PI * uniform(random));
}

/* Of `count` translations used in turn, the share that misses. */
static double misses(const struct simulated *machine, double count, double entries)
{
    if (count <= 0 || entries <= 0)
        return 1;
    double lru = fmin(1, fmax(0, (count / entries - 1) / 0.3));
    double by_chance = fmax(0, 1 - entries / count);
    return lru + machine->chance * (by_chance - lru);
}

/* Of `lines` spread over the sets by chance, the share that a cache holds. */
static double held_by_chance(const struct cache *cache, double lines)
{
    double mean = lines / (cache->lines / cache->ways), held = 0, term = exp(-mean);
    if (mean > 500)
        return 0;
    for (unsigned k = 1; k <= (unsigned)cache->ways; k++) {
        term *= mean / k;
        held += k * term;
    }
    return fmin(1, held / mean);
}

static double held_packed(const struct cache *cache, double lines)
{
    return fmin(1, fmax(0, 1 - (lines / cache->lines - 1) / 0.25));
}

static double caches_ns(const struct simulated *machine, double lines, bool packed)
{
    double ns = machine->ns;
    for (size_t i = 0; i < 3; i++) {
        const struct cache *cache = &machine->caches[i];
        double held = packed ? held_packed(cache, lines) : held_by_chance(cache, lines);
        ns += (1 - held) * cache->ns;
    }
    return ns;
}

static double walk_ns(const struct simulated *machine, double count)
{
    return machine->walk_ns * (1 + machine->walk_growth * fmax(0, log2(count / 1024)));
}

/* What a translation costs: of small ones, `small` many, and of large pages, `big` many. */
static double small_ns(const struct simulated *machine, double small, double coalesced, double walk)
{
    double ns = walk * walk_ns(machine, small),
           first = misses(machine, small / coalesced, machine->entries[0]);
    if (!machine->entries[1])
        return first * ns;
    double second = misses(machine, small / coalesced, machine->entries[1]);
    return first * machine->second_ns + fmin(first, second) * ns;
}

static double big_ns(const struct simulated *machine, double big)
{
    double first = machine->big_entries[0] ? fmax(0, 1 - machine->big_entries[0] / big) : 1;
    double second = machine->big_entries[1] ? fmax(0, 1 - machine->big_entries[1] / big) : 1;
    double walk = machine->big_walk * machine->walk_ns;
    return machine->entries[1] ? first * machine->second_ns + fmin(first, second) * walk : first * walk;
}

/* Lines spread over `pages` of 4 KiB behind large pages, somewhere in as many as `all`; map[] tells the
 * splintered ones. */
static double large_ns(
    const struct simulated *machine, double pages, double all, const bool *map, uint64_t *random)
{
    double splintered = 0, first = floor(within(random, 0, all - pages)), end = first + pages;
    bool fractures = !machine->big_entries[0] && !machine->big_entries[1];
    for (size_t page = 0; page < PAGES_MAX; page++) {
        double from = fmax(first, (double)page * 512), to = fmin(end, (double)(page + 1) * 512);
        splintered += (map[page] || fractures) && to > from ? to - from : 0;
    }
    double share = splintered / pages, big = ceil((pages - splintered) / 512);
    return share * small_ns(machine, splintered, machine->coalesced[1], machine->splintered_walk) +
           (1 - share) * big_ns(machine, big);
}

static void make_map(const struct simulated *machine, uint64_t *random, double pages, bool *map)
{
    for (size_t i = 0; i < PAGES_MAX; i++) {
        bool first = (double)i < pages / 2;
        bool half = machine->layout == ALTERNATING   ? (i + machine->placements) % 2
                    : machine->layout == FIRST_HALF  ? first
                    : machine->layout == SECOND_HALF ? !first
                                                     : random_below(random, 2);
        map[i] = machine->state == SPLINTERED || (machine->state == HALF && half);
    }
}

static double disturbed(const struct simulated *machine, uint64_t *random, double ns)
{
    return ns * exp(machine->noise * normal(random)) *
           (machine->bimodal && random_below(random, 2) ? 1.12 : 1);
}

static struct splinter_figure figure_of(const struct simulated *machine, uint64_t *random, double *values)
{
    double times = uniform(random) < machine->outlier_chance ? within(random, 1, machine->outlier_most) : 1;
    struct estimate estimate = statistics_estimate(values, machine->placements);
    struct splinter_figure figure = {estimate.median * times, estimate.low * times, estimate.high * times};
    if (machine->outliers_tell)
        figure.low = estimate.low;
    return figure;
}

/* 16 lines and up, so many points an octave. */
static size_t measure(const struct simulated *machine, uint64_t *random, double last, double per_octave,
    struct splinter_point *points)
{
    bool maps[PLACEMENTS_MOST][PAGES_MAX];
    uint64_t once = random_next(random);
    for (unsigned p = 0; p < machine->placements; p++) {
        uint64_t same = once;
        make_map(machine, machine->layout == BY_CHANCE ? random : &same, last / 512, maps[p]);
    }
    double drifts[4];
    for (size_t k = 0; k < 4; k++)
        drifts[k] = machine->drift * within(random, -1, 1);
    size_t count = 0;
    for (; count < POINTS_MAX; count++) {
        double lines = round(16 * exp2((double)count / per_octave)), values[4][PLACEMENTS_MOST];
        if (lines > last)
            break;
        double packed = caches_ns(machine, lines, true), spread = caches_ns(machine, lines, false);
        double small = spread + small_ns(machine, lines, machine->coalesced[0], 1);
        for (unsigned p = 0; p < machine->placements; p++) {
            values[0][p] =
                disturbed(machine, random, packed + large_ns(machine, lines / 64, last, maps[p], random));
            values[1][p] =
                disturbed(machine, random, spread + large_ns(machine, lines / 16, last, maps[p], random));
            values[2][p] = disturbed(machine, random, small);
            values[3][p] =
                disturbed(machine, random, spread + large_ns(machine, lines, last, maps[p], random));
        }
        struct splinter_figure figures[4];
        for (size_t k = 0; k < 4; k++) {
            double drift = 1 + drifts[k] * (double)count / (log2(last / 16) * per_octave);
            for (unsigned p = 0; p < machine->placements; p++)
                values[k][p] *= drift;
            figures[k] = figure_of(machine, random, values[k]);
        }
        points[count] = (struct splinter_point){lines, figures[0], figures[1], figures[2], figures[3]};
    }
    return count;
}

#define PICK(random, ...)                                                                                    \
    ((const double[]){__VA_ARGS__}[random_below(random, sizeof((double[]){__VA_ARGS__}) / sizeof(double))])

/* TLBs as there are: level 1 and 2 of 4 KiB, the same of 2 MiB, whether pages are coalesced. */
static const struct geometry {
    const char *name;
    double entries[2], big[2];
    bool coalesces;
} geometries[] = {
    {"Skylake", {64, 1536}, {32, 1536}, false},
    {"Ice Lake", {64, 2048}, {32, 1024}, false},
    {"Sandy Bridge", {64, 512}, {32, 0}, false},
    {"Zen 2", {64, 2048}, {64, 2048}, true},
    {"Zen 4", {72, 3072}, {72, 3072}, true},
    {"Silvermont", {48, 128}, {16, 16}, false},
    {"Goldmont", {48, 512}, {32, 32}, false},
    {"Core 2", {16, 256}, {16, 32}, false},
    {"K8", {32, 512}, {8, 0}, false},
    {"Neoverse", {48, 1280}, {48, 1280}, false},
    {"one level", {64, 0}, {32, 0}, false},
    {"one larger level", {512, 0}, {64, 0}, false},
};
enum { GEOMETRIES = sizeof geometries / sizeof *geometries };

static struct simulated any_machine(uint64_t *random, const struct geometry *g)
{
    struct simulated machine = {
        .entries = {g->entries[0], g->entries[1]},
        .big_entries = {g->big[0], g->big[1]},
        .coalesced = {1, 1},
        .chance = PICK(random, 0, 0, 0.3, 1),
        .second_ns = within(random, 1.3, 4),
        .walk_ns = PICK(random, 4, 8, 12, 20, 30) * within(random, 0.8, 1.2),
        .splintered_walk = within(random, 0.5, 0.95),
        .big_walk = within(random, 0.3, 0.8),
        .walk_growth = PICK(random, 0, 0.1, 0.25),
        .caches = {{PICK(random, 512, 512, 768), 8, within(random, 2.2, 3.5)},
            {PICK(random, 4096, 8192, 16384, 32768), PICK(random, 8, 16), within(random, 7, 15)},
            {PICK(random, 65536, 524288), 16, within(random, 50, 90)}},
        .ns = within(random, 0.9, 1.6),
        .layout = random_below(random, LAYOUTS),
        .placements = 3 + random_below(random, 3),
        .noise = PICK(random, 0.001, 0.003, 0.006),
    };
    if (g->coalesces) {
        machine.coalesced[0] = PICK(random, 1, 1, 2, 4);
        machine.coalesced[1] = PICK(random, 1, 1, 4);
    }
    return machine;
}

/* ---- judging ---- */

struct curves {
    struct splinter_point points[POINTS_MAX];
    struct splinter_input input;
};

static struct splinter judge(const struct splinter_input *input)
{
    struct splinter splinter;
    struct error error = {0};
    assert_int_equal(splinter_judge(input, &splinter, &error), 0);
    assert_true(strlen(splinter.reason) < sizeof((struct fact){0}).text);
    assert_true(splinter.reason[0] && splinter.reason[strlen(splinter.reason) - 1] != '.');
    return splinter;
}

static void expect(const struct splinter_input *input, enum splinter_verdict verdict, const char *reason)
{
    struct splinter splinter = judge(input);
    if (splinter.verdict != verdict || !strstr(splinter.reason, reason))
        fail_msg("%s, because %s", splinter_verdict_name(splinter.verdict), splinter.reason);
}

/* Measures a machine at 3 points an octave, up to 16384 lines. */
static void look_at(const struct simulated *machine, uint64_t *random, struct curves *curves)
{
    curves->input = (struct splinter_input){
        .points = curves->points,
        .count = measure(machine, random, 16384, 3, curves->points),
        .large_share = 1,
        .told = true,
        .small_entries = {(unsigned)machine->entries[0], (unsigned)machine->entries[1]},
        .large_entries = {(unsigned)machine->big_entries[0], (unsigned)machine->big_entries[1]},
    };
}

/* ---- this machine ---- */

/* Measured on a Zen 4 whose host has small pages: lines; ns of a line a page in 4 KiB and in 2 MiB, and
 * packed. */
static const double measured[][4] = {{16, 1.09, 1.09, 1.09}, {64, 1.09, 1.09, 1.10}, {91, 3.01, 3.01, 1.09},
    {128, 3.00, 3.01, 1.14}, {181, 3.05, 3.03, 1.14}, {256, 3.18, 3.16, 1.10}, {362, 3.58, 3.58, 1.10},
    {512, 4.72, 4.73, 1.23}, {724, 5.68, 5.64, 3.84}, {1024, 6.00, 5.98, 3.84}, {1448, 6.03, 6.04, 3.85},
    {2048, 6.07, 6.08, 3.84}, {2896, 9.50, 8.05, 3.84}, {4096, 14.17, 11.47, 3.86},
    {5793, 19.84, 16.73, 4.33}, {8192, 23.83, 18.28, 5.13}, {11585, 28.63, 23.84, 6.19},
    {16384, 32.08, 27.63, 9.16}, {23170, 34.40, 28.47, 11.57}, {32768, 39.06, 30.14, 14.83}};
enum { MEASURED = sizeof measured / sizeof *measured };

static struct splinter_figure around(double value, double error)
{
    return (struct splinter_figure){value, value * (1 - error), value * (1 + error)};
}

static void take_measured(struct curves *curves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double error = measured[i][0] > 8192 ? 0.05 : 0.01;
        curves->points[i] = (struct splinter_point){.lines = measured[i][0],
            .packed = around(measured[i][3], error),
            .scattered = {NAN, NAN, NAN},
            .small = around(measured[i][1], error),
            .large = around(measured[i][2], error)};
    }
    curves->input = (struct splinter_input){.points = curves->points,
        .count = count,
        .large_share = 1,
        .told = true,
        .small_entries = {72, 3072},
        .large_entries = {72, 3072}};
}

static void this_machine_is_splintered(void **state)
{
    (void)state;
    struct curves curves;
    for (size_t count = MEASURED - 4; count <= MEASURED; count++) {
        take_measured(&curves, count);
        expect(&curves.input, SPLINTER_YES, "miss in the TLB");
    }
    struct splinter splinter = judge(&curves.input);
    assert_true(splinter.levels[0].seen && splinter.levels[1].seen);
    assert_true(splinter.levels[0].lines > 64 && splinter.levels[0].lines <= 91);
    assert_true(splinter.levels[0].large_lines == splinter.levels[0].lines);
    assert_true(splinter.levels[0].share > 0.95 && splinter.levels[0].share < 1.05);
    assert_true(splinter.levels[1].lines >= 2896 && splinter.levels[1].lines <= 4096);
    assert_true(splinter.levels[1].share > 0.5 && splinter.levels[1].share < 0.9);
    assert_true(splinter.cost_lines == 4096 && fabs(splinter.cost_ns - 7.6) < 0.3);
    assert_true(splinter.cost_low < splinter.cost_ns && splinter.cost_ns < splinter.cost_high);
}

/* ---- situations ---- */

/* A quiet Skylake. */
static struct simulated quiet(enum state state)
{
    return (struct simulated){
        .entries = {64, 1536},
        .big_entries = {32, 1536},
        .coalesced = {1, 1},
        .second_ns = 2.2,
        .walk_ns = 14,
        .splintered_walk = 0.75,
        .big_walk = 0.5,
        .caches = {{512, 8, 2.6}, {16384, 16, 12}, {524288, 16, 70}},
        .ns = 1.2,
        .state = state,
        .layout = ALTERNATING,
        .placements = 3,
        .noise = 0.003,
    };
}

static void look_at_quiet(enum state state, struct curves *curves)
{
    uint64_t random = 7;
    struct simulated machine = quiet(state);
    look_at(&machine, &random, curves);
}

/* ---- an Intel machine that shows an empty leaf 18h ---- */

static struct result *read_intel(struct result *result)
{
    const char *root = getenv("VCOST_SOURCE_ROOT");
    char path[4096];
    struct error error;
    snprintf(path, sizeof path, "%s/tests/fixtures/intel/inspect-watch.json", root ? root : ".");
    if (result_read(path, result, &error) < 0)
        fail_msg("%s", error.text);
    findings_free(&result->findings);
    return result;
}

/* Neighbours were busy; this takes the samples of a cell as near to its median as on a quieter day. */
static void calm(struct result_cell *cell, double most)
{
    for (size_t i = 0; i < cell->sample_count; i++)
        cell->samples[i].ns =
            fmin(fmax(cell->samples[i].ns, cell->median * (1 - most)), cell->median * (1 + most));
}

static struct finding find_splintered(struct result *result)
{
    struct inspection inspection = {.result = result};
    struct error error;
    assert_int_equal(inspect_find_splinter(&inspection, &error), 0);
    const struct finding *found = findings_find(&result->findings, "splintered", NULL);
    assert_non_null(found);
    return *found;
}

static void a_tlb_that_cpuid_hides_is_measured(void **state)
{
    (void)state;
    for (int calmer = 0; calmer < 2; calmer++)
        for (int made_by_nobody = 0; made_by_nobody < 2; made_by_nobody++) {
            struct result result;
            read_intel(&result);
            assert_int_equal(result.host.tlb_count, 0);
            for (size_t i = 0; calmer && i < result.cell_count; i++)
                calm(&result.cells[i], 0.03);
            if (made_by_nobody)
                strcpy(result.host.cpu.vendor, "Nobody");
            struct finding found = find_splintered(&result);
            if (calmer && !made_by_nobody && !(found.value.known && found.number == 1))
                fail_msg("%s", found.value.text);
            if (!calmer)
                assert_non_null(strstr(found.value.text, "the machine is too busy"));
            else if (made_by_nobody)
                assert_non_null(strstr(found.value.text, "CPUID does not tell"));
            result_free(&result);
        }
}

/* A first level that keeps large pages in pieces, and nobody tells so: few lines cost the same in both. */
static void what_the_first_level_shows_alone_is_no_proof(void **state)
{
    (void)state;
    struct curves curves;
    look_at_quiet(SPLINTERED, &curves);
    for (size_t i = 0; i < curves.input.count; i++)
        if (curves.points[i].lines >= 1500) { /* no walks: as intact pages */
            const struct splinter_figure *spread = &curves.points[i].scattered;
            curves.points[i].large =
                (struct splinter_figure){spread->value + 2.2, spread->low + 2.2, spread->high + 2.2};
        }
    curves.input.told = false;
    curves.input.has_large = true;
    assert_int_not_equal(judge(&curves.input).verdict, SPLINTER_YES);
}

/* ---- clear and unclear situations ---- */

static void clear_situations_are_told(void **state)
{
    (void)state;
    static const enum splinter_verdict right[STATES] = {
        [INTACT] = SPLINTER_NO, [SPLINTERED] = SPLINTER_YES, [HALF] = SPLINTER_UNKNOWN};
    struct curves curves;
    for (enum state s = 0; s < STATES; s++) {
        look_at_quiet(s, &curves);
        expect(&curves.input, right[s], s == HALF ? "some pages may be splintered" : "miss in the TLB");
        struct splinter splinter = judge(&curves.input);
        assert_true(isnan(splinter.cost_ns) == (s != SPLINTERED));
    }
}

static void circumstances_forbid_a_verdict(void **state)
{
    (void)state;
    struct curves curves;
    for (enum state s = 0; s < STATES; s++) {
        look_at_quiet(s, &curves);
        curves.input.emulated = true;
        expect(&curves.input, SPLINTER_UNKNOWN, "emulated");
        curves.input.emulated = false;
        curves.input.large_share = 0.5;
        expect(&curves.input, SPLINTER_UNKNOWN, "50 %");
        curves.input.large_share = 0;
        expect(&curves.input, SPLINTER_UNKNOWN, "0 %");
    }
}

static void host_is_not_blamed_for_the_processor(void **state)
{
    (void)state;
    struct curves curves;
    look_at_quiet(SPLINTERED, &curves);
    curves.input.large_entries[0] = curves.input.large_entries[1] = 0;
    expect(&curves.input, SPLINTER_UNKNOWN, "no entries for large pages");
    curves.input.told = false;
    expect(&curves.input, SPLINTER_UNKNOWN, "CPUID does not tell");
    look_at_quiet(SPLINTERED, &curves);
    curves.input.large_share = NAN;
    expect(&curves.input, SPLINTER_UNKNOWN, "not known whether this kernel");
}

static void no_needs_no_proof_of_entries(void **state)
{
    (void)state;
    struct curves curves;
    look_at_quiet(INTACT, &curves);
    curves.input.told = false;
    memset(curves.input.large_entries, 0, sizeof curves.input.large_entries);
    curves.input.large_share = NAN;
    expect(&curves.input, SPLINTER_NO, "miss in the TLB");
}

/* What rises beyond the entries is the processor's own doing. */
static void few_entries_for_large_pages_are_no_splintering(void **state)
{
    (void)state;
    struct curves curves;
    for (unsigned entries = 4; entries <= 16; entries *= 2) {
        uint64_t random = 3;
        struct simulated machine = quiet(INTACT);
        machine.big_entries[0] = machine.big_entries[1] = entries;
        look_at(&machine, &random, &curves);
        assert_int_not_equal(judge(&curves.input).verdict, SPLINTER_YES);
    }
}

/* A first level without entries for large pages keeps intact ones as small ones: only the second one tells.
 */
static void a_level_that_fractures_large_pages_says_nothing(void **state)
{
    (void)state;
    struct curves curves;
    look_at_quiet(SPLINTERED, &curves);
    for (size_t i = 0; i < curves.input.count; i++)
        if (curves.points[i].lines >= 1500) { /* no walks: as intact pages */
            const struct splinter_figure *spread = &curves.points[i].scattered;
            curves.points[i].large =
                (struct splinter_figure){spread->value + 2.2, spread->low + 2.2, spread->high + 2.2};
        }
    curves.input.large_entries[0] = 0;
    assert_int_not_equal(judge(&curves.input).verdict, SPLINTER_YES);
}

/* ---- measurements that do not allow it ---- */

static void few_points_tell_nothing(void **state)
{
    (void)state;
    struct curves curves;
    for (enum state s = 0; s < STATES; s++) {
        look_at_quiet(s, &curves);
        size_t all = curves.input.count;
        for (curves.input.count = 0; curves.input.count < 10; curves.input.count++)
            expect(&curves.input, SPLINTER_UNKNOWN, "numbers of lines were measured");
        for (; curves.input.count < all && curves.points[curves.input.count].lines < 8000;
             curves.input.count++)
            expect(&curves.input, SPLINTER_UNKNOWN, "measure more memory");
    }
}

static void intervals_are_needed(void **state)
{
    (void)state;
    struct curves curves;
    for (enum state s = 0; s < STATES; s++) {
        look_at_quiet(s, &curves);
        for (size_t i = 0; i < curves.input.count; i += 2)
            curves.points[i].large.low = curves.points[i].large.high = NAN;
        expect(&curves.input, SPLINTER_UNKNOWN, "points have intervals");
    }
}

/* A figure that is missing takes its point with it; the rest is judged. */
static void missing_points_are_passed_over(void **state)
{
    (void)state;
    static const enum splinter_verdict right[STATES] = {
        [INTACT] = SPLINTER_NO, [SPLINTERED] = SPLINTER_YES, [HALF] = SPLINTER_UNKNOWN};
    struct curves curves;
    for (enum state s = 0; s < STATES; s++) {
        look_at_quiet(s, &curves);
        curves.points[4].small.value = NAN;
        curves.points[9].packed.value = NAN;
        curves.points[14].large.value = NAN;
        curves.points[1].large.value = -1;
        curves.points[12].small.low = curves.points[12].small.high = NAN;
        expect(&curves.input, right[s], s == HALF ? "some pages may be splintered" : "miss in the TLB");
        for (size_t i = 0; i < curves.input.count; i++)
            curves.points[i].small.value = NAN;
        expect(&curves.input, SPLINTER_UNKNOWN, "only 0 numbers");
    }
}

static void without_scattered_lines_it_is_never_wrong(void **state)
{
    (void)state;
    struct curves curves;
    uint64_t random = 11;
    unsigned yes = 0;
    for (unsigned i = 0; i < repeated(600); i++) {
        struct simulated machine = any_machine(&random, &geometries[i % GEOMETRIES]);
        machine.state = i % STATES;
        look_at(&machine, &random, &curves);
        for (size_t k = 0; k < curves.input.count; k++)
            curves.points[k].scattered = (struct splinter_figure){NAN, NAN, NAN};
        enum splinter_verdict verdict = judge(&curves.input).verdict;
        yes += verdict == SPLINTER_YES;
        assert_true(verdict == SPLINTER_UNKNOWN || (verdict == SPLINTER_NO && machine.state == INTACT) ||
                    (verdict == SPLINTER_YES && machine.state == SPLINTERED));
    }
    assert_true(yes > 0);
}

/* Small pages that cost nothing more: no TLB is seen. */
static void flat_curves_tell_nothing(void **state)
{
    (void)state;
    struct curves curves;
    look_at_quiet(INTACT, &curves);
    for (size_t i = 0; i < curves.input.count; i++)
        curves.points[i].small = curves.points[i].large;
    expect(&curves.input, SPLINTER_UNKNOWN, "even small pages show no misses");
}

static void lines_must_ascend(void **state)
{
    (void)state;
    struct curves curves;
    struct splinter splinter = {.verdict = SPLINTER_VERDICTS}, before = splinter;
    struct error error = {0};
    look_at_quiet(INTACT, &curves);
    const double wrong[] = {NAN, 0, -5, INFINITY, curves.points[4].lines};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        curves.points[5].lines = wrong[i];
        assert_int_equal(splinter_judge(&curves.input, &splinter, &error), -EINVAL);
        assert_memory_equal(&splinter, &before, sizeof splinter);
    }
}

static void verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(splinter_verdict_name(SPLINTER_UNKNOWN), "unknown");
    assert_string_equal(splinter_verdict_name(SPLINTER_NO), "no");
    assert_string_equal(splinter_verdict_name(SPLINTER_YES), "yes");
}

/* ---- noise ---- */

static void widen_all(struct curves *curves, double times)
{
    for (size_t i = 0; i < curves->input.count; i++) {
        struct splinter_figure *figures[] = {&curves->points[i].packed, &curves->points[i].scattered,
            &curves->points[i].small, &curves->points[i].large};
        for (size_t k = 0; k < 4; k++)
            *figures[k] = (struct splinter_figure){
                figures[k]->value, figures[k]->low / times, figures[k]->high * times};
    }
}

/* Less sure figures make the verdict unknown in the end, and never another one. */
static void wider_intervals_only_take_the_verdict_away(void **state)
{
    (void)state;
    struct curves curves;
    for (enum state s = 0; s < HALF; s++) {
        look_at_quiet(s, &curves);
        enum splinter_verdict first = judge(&curves.input).verdict, last = first;
        assert_int_not_equal(first, SPLINTER_UNKNOWN);
        for (unsigned i = 0; i < 40; i++) {
            widen_all(&curves, 1.02);
            last = judge(&curves.input).verdict;
            assert_true(last == SPLINTER_UNKNOWN || last == first);
        }
        assert_int_equal(last, SPLINTER_UNKNOWN);
    }
}

/* Intervals that are too short do not help: the curves show their noise themselves. */
static void curves_that_contradict_themselves_tell_nothing(void **state)
{
    (void)state;
    struct curves curves;
    for (enum state s = 0; s < STATES; s++) {
        look_at_quiet(s, &curves);
        for (size_t i = 0; i < curves.input.count; i++) {
            struct splinter_figure *large = &curves.points[i].large;
            double times = i % 2 ? 1.1 : 0.9;
            *large = (struct splinter_figure){large->value * times, large->low * times, large->high * times};
        }
        expect(&curves.input, SPLINTER_UNKNOWN, "contradict themselves");
    }
}

static void noise_never_turns_a_verdict(void **state)
{
    (void)state;
    static const enum splinter_verdict right[STATES] = {
        [INTACT] = SPLINTER_NO, [SPLINTERED] = SPLINTER_YES, [HALF] = SPLINTER_UNKNOWN};
    struct curves curves;
    uint64_t random = 5;
    for (unsigned i = 0; i < repeated(600); i++) {
        struct simulated machine = quiet(i % STATES);
        machine.noise = PICK(&random, 0.01, 0.03, 0.1, 0.3);
        machine.outlier_chance = PICK(&random, 0, 0.1, 0.3);
        machine.outlier_most = PICK(&random, 1.2, 3);
        look_at(&machine, &random, &curves);
        enum splinter_verdict verdict = judge(&curves.input).verdict;
        assert_true(verdict == SPLINTER_UNKNOWN || verdict == right[machine.state]);
    }
}

/* ---- any machine ---- */

enum kind { CLEAN, NOISY, NO_LARGE_PAGES, NO_ENTRIES, NOT_TOLD, KINDS };
enum { CURVES = 20000 };

/* Everything may be wrong with it, a little or much. */
static void disturb(uint64_t *random, struct simulated *machine)
{
    machine->noise = PICK(random, 0.003, 0.01, 0.03, 0.08);
    machine->outlier_chance = PICK(random, 0, 0.05, 0.15, 0.3);
    machine->outlier_most = PICK(random, 1.1, 1.3, 2, 3);
    machine->outliers_tell = random_below(random, 2);
    machine->drift = PICK(random, 0, 0, 0.05);
    machine->bimodal = random_below(random, 3) == 0;
}

static struct simulated make(uint64_t *random, enum kind kind)
{
    struct simulated machine = any_machine(random, &geometries[random_below(random, GEOMETRIES)]);
    machine.state = random_below(random, STATES);
    if (kind == NOISY)
        disturb(random, &machine);
    if (kind == NO_LARGE_PAGES) {
        machine.state = SPLINTERED;
        machine.splintered_walk = 1;
        machine.coalesced[1] = machine.coalesced[0];
    }
    if (kind == NO_ENTRIES || (kind == NOT_TOLD && random_below(random, 2)))
        machine.big_entries[0] = machine.big_entries[1] = 0;
    return machine;
}

/* Whether it is what it may be, or nothing. */
static bool is_right(enum kind kind, const struct simulated *machine, enum splinter_verdict verdict)
{
    static const enum splinter_verdict right[STATES] = {
        [INTACT] = SPLINTER_NO, [SPLINTERED] = SPLINTER_YES, [HALF] = SPLINTER_UNKNOWN};
    if (verdict == SPLINTER_UNKNOWN)
        return true;
    if (kind == NO_LARGE_PAGES)
        return false;
    bool entries = machine->big_entries[0] || machine->big_entries[1];
    return verdict == right[machine->state] && (entries || verdict == SPLINTER_NO);
}

static void no_machine_is_judged_wrongly(void **state)
{
    (void)state;
    uint64_t random = 2;
    unsigned decided[KINDS][STATES] = {0}, all[KINDS][STATES] = {0};
    struct curves curves;
    for (unsigned i = 0; i < repeated(CURVES); i++) {
        enum kind kind = random_below(&random, 3) ? i % 2 : random_below(&random, KINDS);
        struct simulated machine = make(&random, kind);
        look_at(&machine, &random, &curves);
        curves.input.large_share = kind == NO_LARGE_PAGES ? PICK(&random, 0, 0.4, 0.9, NAN) : 1;
        curves.input.told = kind != NOT_TOLD;
        if (kind == NOT_TOLD)
            memset(curves.input.large_entries, 0, sizeof curves.input.large_entries);
        curves.input.has_large = (machine.big_entries[0] || machine.big_entries[1]) && i % 3;
        struct splinter splinter = judge(&curves.input);
        if (!is_right(kind, &machine, splinter.verdict))
            fail_msg("curve %u of kind %d, in truth %d: %s: %s", i, kind, machine.state,
                splinter_verdict_name(splinter.verdict), splinter.reason);
        all[kind][machine.state]++;
        decided[kind][machine.state] += splinter.verdict != SPLINTER_UNKNOWN;
    }
    for (enum state s = 0; s < STATES; s++)
        print_message("# truth %d: decided %.0f %% of clean curves, %.0f %% of noisy ones\n", s,
            100.0 * decided[CLEAN][s] / all[CLEAN][s], 100.0 * decided[NOISY][s] / all[NOISY][s]);
    assert_true(decided[CLEAN][INTACT] > 0.7 * all[CLEAN][INTACT]);
    assert_true(decided[CLEAN][SPLINTERED] > 0.7 * all[CLEAN][SPLINTERED]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_is_splintered),
        cmocka_unit_test(a_tlb_that_cpuid_hides_is_measured),
        cmocka_unit_test(what_the_first_level_shows_alone_is_no_proof),
        cmocka_unit_test(clear_situations_are_told),
        cmocka_unit_test(circumstances_forbid_a_verdict),
        cmocka_unit_test(host_is_not_blamed_for_the_processor),
        cmocka_unit_test(no_needs_no_proof_of_entries),
        cmocka_unit_test(few_entries_for_large_pages_are_no_splintering),
        cmocka_unit_test(a_level_that_fractures_large_pages_says_nothing),
        cmocka_unit_test(few_points_tell_nothing),
        cmocka_unit_test(intervals_are_needed),
        cmocka_unit_test(missing_points_are_passed_over),
        cmocka_unit_test(without_scattered_lines_it_is_never_wrong),
        cmocka_unit_test(flat_curves_tell_nothing),
        cmocka_unit_test(lines_must_ascend),
        cmocka_unit_test(verdicts_have_names),
        cmocka_unit_test(wider_intervals_only_take_the_verdict_away),
        cmocka_unit_test(curves_that_contradict_themselves_tell_nothing),
        cmocka_unit_test(noise_never_turns_a_verdict),
        cmocka_unit_test(no_machine_is_judged_wrongly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
