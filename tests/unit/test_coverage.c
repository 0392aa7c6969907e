/* How often the 95 % intervals hold the truth: whole experiments are simulated, with all their samples, and
 * analysed by the very functions that analyse real ones. What chance alone could leave is judged by the exact
 * binomial distribution. */
#include "cmocka_all.h"
#include "repeated.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "measure/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8, CELLS = 2 };
static unsigned experiments; /* of each kind: 4000 */
static const unsigned placements_tried[] = {3, 4, 6, 12};
enum { TRIED = sizeof placements_tried / sizeof placements_tried[0] };
static const double true_ns = 10, true_ratio = 1.05;

/* What may be wrong with the samples of an experiment. All spreads are those of logarithms. */
struct world {
    const char *name;
    double placement_spread; /* of what both cells share in a placement: its frames */
    double own_spread;       /* of what each cell has for itself in a placement */
    double noise;            /* of each sample */
    double correlation;      /* of a sample's noise with that of the one before it (AR(1)) */
    double mode_share, mode; /* samples that are slower by `mode`, each for itself */
    double placement_mode_share, placement_mode; /* placements that are slower by this, for both cells */
    bool only_second;                            /* these are slower for the second cell alone */
    double drift;                                /* of the whole machine, from the first sample to the last */
    double disturbed_share; /* samples that something made slow by half, and that are marked … */
    double disturbed_most;  /* … or slow by any factor up to this */
    unsigned rounds;        /* 0: ROUNDS */
};

static const struct world worlds[] = {
    {.name = "independent", .placement_spread = 0.05, .own_spread = 0.01, .noise = 0.02},
    {.name = "autocorrelated",
        .placement_spread = 0.05,
        .own_spread = 0.01,
        .noise = 0.02,
        .correlation = 0.9},
    {.name = "bimodal from sample to sample",
        .placement_spread = 0.05,
        .own_spread = 0.01,
        .noise = 0.01,
        .mode_share = 0.3,
        .mode = 0.25},
    {.name = "bimodal from placement to placement",
        .placement_spread = 0.02,
        .own_spread = 0.01,
        .noise = 0.02,
        .placement_mode_share = 0.4,
        .placement_mode = 0.25},
    {.name = "one cell bimodal from placement to placement",
        .placement_spread = 0.05,
        .own_spread = 0.01,
        .noise = 0.02,
        .placement_mode_share = 0.4,
        .placement_mode = 0.25,
        .only_second = true},
    {.name = "drifting", .placement_spread = 0.05, .own_spread = 0.01, .noise = 0.02, .drift = 0.2},
    {.name = "disturbed",
        .placement_spread = 0.05,
        .own_spread = 0.01,
        .noise = 0.02,
        .correlation = 0.5,
        .disturbed_share = 0.2},
};
enum { WORLDS = sizeof worlds / sizeof worlds[0] };

/* ---- random numbers ---- */

static double uniform(uint64_t *random)
{
    return ((double)(random_next(random) >> 11) + 0.5) * 0x1p-53;
}

/* Box and Muller. */
static double normal(uint64_t *random)
{
    return sqrt(-2 * log(uniform(random))) * cos(2 * M_PI * uniform(random));
}

/* ---- one experiment ---- */

struct simulated {
    struct result result;
    struct result_cell cells[CELLS];
    struct result_sample samples[CELLS][PLACEMENTS_MAX * ROUNDS];
    struct result_comparison comparison;
};

static void empty(struct simulated *made)
{
    memset(made->cells, 0, sizeof made->cells);
    made->result = (struct result){.cells = made->cells, .cell_count = CELLS};
    for (size_t cell = 0; cell < CELLS; cell++) {
        made->cells[cell].samples = made->samples[cell];
        made->cells[cell].pages.as_asked = true;
    }
}

/* What one cell's sample is off by, in logarithms, the correlated noise being moved on. */
static double sample_noise(const struct world *world, double *correlated, uint64_t *random)
{
    double own = sqrt(1 - world->correlation * world->correlation);
    *correlated = world->correlation * *correlated + own * world->noise * normal(random);
    return *correlated + (uniform(random) < world->mode_share ? world->mode : 0);
}

static void simulate_placement(const struct world *world, struct simulated *made, unsigned placement,
    unsigned placements, uint64_t *random)
{
    double shared = world->placement_spread * normal(random), own[CELLS], correlated[CELLS];
    double slower = uniform(random) < world->placement_mode_share ? world->placement_mode : 0;
    for (size_t cell = 0; cell < CELLS; cell++) {
        own[cell] = world->own_spread * normal(random) + (cell || !world->only_second ? slower : 0);
        correlated[cell] = world->noise * normal(random);
    }
    for (unsigned round = 0; round < (world->rounds ? world->rounds : ROUNDS); round++) {
        double passed = (placement + (double)round / ROUNDS) / placements - 0.5;
        for (size_t cell = 0; cell < CELLS; cell++) {
            bool disturbed = uniform(random) < world->disturbed_share;
            double slower_by = world->disturbed_most > 0 ? pow(world->disturbed_most, uniform(random)) : 1.5;
            double off =
                shared + own[cell] + sample_noise(world, &correlated[cell], random) + world->drift * passed;
            made->samples[cell][made->cells[cell].sample_count++] = (struct result_sample){
                .ns = true_ns * (cell ? true_ratio : 1) * exp(off) * (disturbed ? slower_by : 1),
                .round = round,
                .placement = placement,
                .disturbed = disturbed ? DISTURBED_STEAL : DISTURBED_NOT,
            };
        }
    }
}

static void analyse(struct simulated *made, unsigned placements)
{
    for (size_t cell = 0; cell < CELLS; cell++)
        assert_int_equal(analyse_cell(&made->cells[cell], placements, "", NULL), 0);
    assert_int_equal(analyse_comparison(&made->result, 1, 0, true, NULL), 0);
    assert_int_equal(made->result.comparison_count, 1);
    made->comparison = made->result.comparisons[0];
    free(made->result.comparisons);
}

static void simulate(const struct world *world, unsigned placements, struct simulated *made, uint64_t *random)
{
    empty(made);
    for (unsigned placement = 0; placement < placements; placement++)
        simulate_placement(world, made, placement, placements, random);
    analyse(made, placements);
}

/* ---- the truth ---- */

struct truth {
    double cell, ratio;
};

/* What a result claims to know: the median of what placements give, were there as many as one likes. It is
 * found from so many that its own error is small beside any interval: experiments of one placement each,
 * whose figures are the placement's. */
static struct truth find_truth(const struct world *world, unsigned placements, uint64_t *random)
{
    enum { MANY = 24000 };
    static struct simulated made;
    static double cells[MANY], ratios[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        empty(&made);
        simulate_placement(world, &made, i % placements, placements, random);
        analyse(&made, 1);
        cells[i] = made.cells[1].median;
        ratios[i] = made.comparison.ratio;
    }
    return (struct truth){statistics_median(cells, MANY), statistics_median(ratios, MANY)};
}

/* ---- judging ---- */

/* The probability of `successes` or fewer in `trials` of probability p: the sum of exact terms. */
static double binomial_at_most(unsigned trials, unsigned successes, double p)
{
    double sum = 0;
    for (unsigned k = 0; k <= successes; k++)
        sum += exp(lgamma(trials + 1.0) - lgamma(k + 1.0) - lgamma(trials - k + 1.0) + k * log(p) +
                   (trials - k) * log1p(-p));
    return sum;
}

/* Whether so few hits can be chance if each interval holds the truth with probability p: once in a thousand
 * it is. */
static bool can_be(double p, unsigned hits)
{
    return binomial_at_most(experiments, hits, p) >= 0.001;
}

struct hits {
    unsigned cell, ratio, student, pooled;
    unsigned modes, trends, drifts; /* experiments that tell of them */
};

static bool holds(double low, double high, double truth)
{
    return low <= truth && truth <= high;
}

/* An interval as if all samples were independent: the mistake that placements are there to avoid. */
static bool pooled_holds(const struct simulated *made, double truth)
{
    double values[PLACEMENTS_MAX * ROUNDS];
    size_t count = made->cells[1].sample_count;
    for (size_t i = 0; i < count; i++)
        values[i] = made->samples[1][i].ns;
    struct estimate estimate = statistics_estimate(values, count);
    return holds(estimate.low, estimate.high, truth);
}

/* Of the undisturbed samples, or of all where there is none. */
static double placement_median(const struct result_cell *cell, unsigned placement)
{
    double clean[ROUNDS], all[ROUNDS];
    size_t clean_count = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct result_sample *sample = &cell->samples[placement * ROUNDS + round];
        all[round] = sample->ns;
        if (sample->disturbed == DISTURBED_NOT)
            clean[clean_count++] = sample->ns;
    }
    return clean_count ? statistics_median(clean, clean_count) : statistics_median(all, ROUNDS);
}

/* Student's interval of the mean logarithm of the placements' medians, by itself. */
static bool student_holds(const struct simulated *made, unsigned placements, double truth)
{
    double sum = 0, squares = 0;
    for (unsigned placement = 0; placement < placements; placement++) {
        double figure = log(placement_median(&made->cells[1], placement));
        sum += figure;
        squares += figure * figure;
    }
    double mean = sum / placements, variance = (squares - sum * mean) / (placements - 1) / placements;
    return fabs(log(truth) - mean) <= statistics_t975(placements) * sqrt(variance);
}

static struct hits simulate_all(const struct world *world, unsigned placements)
{
    static struct simulated made;
    struct hits hits = {0};
    uint64_t random = 20081024 + placements;
    struct truth truth = find_truth(world, placements, &random);
    for (unsigned i = 0; i < experiments; i++) {
        simulate(world, placements, &made, &random);
        hits.cell += holds(made.cells[1].low, made.cells[1].high, truth.cell);
        hits.ratio += holds(made.comparison.low, made.comparison.high, truth.ratio);
        hits.student += student_holds(&made, placements, truth.cell);
        hits.pooled += pooled_holds(&made, truth.cell);
        hits.modes += made.cells[1].modes.two;
        hits.trends += made.cells[1].trend_percent != 0;
        hits.drifts += made.cells[1].drift_percent != 0;
    }
    return hits;
}

static double percent(unsigned hits)
{
    return 100.0 * hits / experiments;
}

static void tell(const struct world *world, unsigned placements, const struct hits *hits)
{
    print_message(
        "# coverage, %s, %u placements, %d experiments: ratio %.2f %%, cell %.2f %% (Student alone "
        "%.2f %%, pooled samples %.2f %%); two modes told in %.2f %%, trends %.2f %%, drift %.2f %%\n",
        world->name, placements, experiments, percent(hits->ratio), percent(hits->cell),
        percent(hits->student), percent(hits->pooled), percent(hits->modes), percent(hits->trends),
        percent(hits->drifts));
}

/* Each world once. */
static struct hits count_hits(const struct world *world, unsigned placements)
{
    static struct hits known[WORLDS][PLACEMENTS_MAX + 1];
    struct hits *hits = &known[world - worlds][placements];
    if (hits->ratio == 0) {
        *hits = simulate_all(world, placements);
        tell(world, placements, hits);
    }
    return *hits;
}

/* ---- the tests ---- */

/* What `placements` figures can be sure of if they may fall into two groups: with 2^(1-n) all lie on one side
 * of their median, and then no interval that is made of them can know of the other group. */
static double attainable(unsigned placements)
{
    return fmin(0.95, 1 - ldexp(1, 1 - (int)placements));
}

/* A ratio is made from pairs of the same placement: neither modes that both cells share nor a drift of the
 * machine is in it. */
static void intervals_of_ratios_hold_the_truth(void **state)
{
    (void)state;
    for (size_t w = 0; w < WORLDS; w++)
        for (size_t p = 0; p < TRIED; p++)
            assert_true(can_be(worlds[w].only_second ? attainable(placements_tried[p]) : 0.95,
                count_hits(&worlds[w], placements_tried[p]).ratio));
}

static void intervals_of_cells_hold_the_truth(void **state)
{
    (void)state;
    for (size_t w = 0; w < WORLDS; w++)
        for (size_t p = 0; p < TRIED; p++)
            assert_true(can_be(worlds[w].placement_mode_share > 0 ? attainable(placements_tried[p]) : 0.95,
                count_hits(&worlds[w], placements_tried[p]).cell));
}

/* What the widening by ranks is for: the more placements, the surer Student's interval is of a mean where no
 * placement is. */
static void students_interval_alone_fails_where_placements_have_modes(void **state)
{
    (void)state;
    for (size_t w = 0; w < WORLDS; w++)
        if (worlds[w].placement_mode_share > 0)
            assert_false(can_be(0.95, count_hits(&worlds[w], 12).student));
}

/* The worst that is known: two groups of placements of nearly the same size, and a number of them between two
 * ranks. What is reached is asserted, so that it is known. */
static void groups_of_nearly_the_same_size_are_held_hardly(void **state)
{
    const struct world world = {.name = "bimodal, nearly half of the placements",
        .placement_spread = 0.02,
        .noise = 0.02,
        .placement_mode_share = 0.48,
        .placement_mode = 0.25};
    (void)state;
    for (unsigned placements = 7; placements <= 9; placements++) {
        struct hits hits = simulate_all(&world, placements);
        tell(&world, placements, &hits);
        assert_true(can_be(0.92, hits.cell));
    }
}

static void assert_hardly_ever(unsigned told)
{
    assert_in_range(told, 0, experiments / 100);
}

/* Also where samples follow one another, or some were disturbed. A drift of the machine goes on within
 * placements and is a trend there too. */
static void modes_and_trends_are_hardly_ever_told_where_there_are_none(void **state)
{
    (void)state;
    for (size_t w = 0; w < WORLDS; w++)
        for (size_t p = 0; p < TRIED; p++) {
            struct hits hits = count_hits(&worlds[w], placements_tried[p]);
            if (worlds[w].mode_share == 0 && worlds[w].placement_mode_share == 0)
                assert_hardly_ever(hits.modes);
            if (worlds[w].drift != 0)
                continue;
            assert_hardly_ever(hits.trends);
            assert_hardly_ever(hits.drifts);
        }
}

static void samples_that_jump_between_two_modes_are_told(void **state)
{
    (void)state;
    for (size_t w = 0; w < WORLDS; w++)
        for (size_t p = 0; p < TRIED && worlds[w].mode_share > 0; p++)
            assert_in_range(
                count_hits(&worlds[w], placements_tried[p]).modes, experiments * 9 / 10, experiments);
}

/* ---- a process that takes the measured CPU ---- */

/* Half of all samples, short ones and few in a placement. Both cells suffer alike. */
static const struct world hog = {.name = "a process on the measured CPU",
    .placement_spread = 0.05,
    .own_spread = 0.01,
    .noise = 0.02,
    .disturbed_share = 0.5,
    .disturbed_most = 8,
    .rounds = 2};

/* Whether so many of all are by chance no more than a share p, once in a thousand. */
static bool can_be_few(unsigned count, unsigned all, double p)
{
    return count == 0 || 1 - binomial_at_most(all, count - 1, p) >= 0.001;
}

struct errors {
    unsigned all, above, below; /* intervals, and those that lie above and below the truth */
    unsigned over;              /* ratios above it */
};

static void count_errors(const struct estimate *ratio, double truth, struct errors *errors)
{
    if (!isfinite(ratio->low))
        return;
    errors->all++;
    errors->above += ratio->low > truth;
    errors->below += ratio->high < truth;
    errors->over += ratio->median > truth;
}

static void assert_fair(const struct errors *errors)
{
    assert_true(errors->all > experiments / 4);
    assert_true(can_be_few(errors->above, errors->all, 0.025));
    assert_true(can_be_few(errors->below, errors->all, 0.025));
    assert_true(can_be_few(errors->over, errors->all, 0.5));
    assert_true(can_be_few(errors->all - errors->over, errors->all, 0.5));
}

static void ratios_of_what_is_disturbed_alike_err_to_both_sides_alike(void **state)
{
    static struct simulated made;
    (void)state;
    for (size_t p = 0; p < TRIED; p++) {
        struct errors errors = {0};
        uint64_t random = 20081024 + placements_tried[p];
        for (unsigned i = 0; i < experiments; i++) {
            simulate(&hog, placements_tried[p], &made, &random);
            count_errors(&(struct estimate){made.comparison.ratio, made.comparison.low, made.comparison.high},
                true_ratio, &errors);
        }
        print_message("# %s, %u placements: %u of %d have an interval, %u above the truth, %u below; %u "
                      "ratios above\n",
            hog.name, placements_tried[p], errors.all, experiments, errors.above, errors.below, errors.over);
        assert_fair(&errors);
    }
}

/* Two results, as `vcost compare` takes them: one cell of each, which are the same. */
static void simulate_two(
    const struct world worlds_of[2], unsigned placements, struct estimate *ratio, uint64_t *random)
{
    static struct simulated made[2];
    struct pool pool = {0};
    struct figures figures[2];
    for (size_t i = 0; i < 2; i++) {
        simulate(&worlds_of[i], placements, &made[i], random);
        figures[i] = figures_by_placement(&made[i].cells[0], NULL, &pool);
    }
    *ratio = statistics_ratio(figures[1].values, figures[1].count, figures[0].values, figures[0].count);
    pool_free(&pool);
}

static void two_results_of_what_is_disturbed_alike_err_to_both_sides_alike(void **state)
{
    const struct world both[2] = {hog, hog};
    (void)state;
    for (size_t p = 0; p < TRIED; p++) {
        struct errors errors = {0};
        struct estimate ratio;
        uint64_t random = 19341113 + placements_tried[p];
        for (unsigned i = 0; i < experiments; i++) {
            simulate_two(both, placements_tried[p], &ratio, &random);
            count_errors(&ratio, 1, &errors);
        }
        assert_fair(&errors);
    }
}

/* What is compared are medians, of placements in two groups: how many are in which moves the mean, and
 * Welch's interval with it. With 6 placements that alone holds the truth in 90 %, with more in fewer. */
static void ratios_of_two_results_hold_the_truth_where_placements_have_modes(void **state)
{
    struct world few = {.name = "few placements in the upper group",
        .placement_spread = 0.02,
        .noise = 0.02,
        .placement_mode_share = 0.05,
        .placement_mode = 0.25};
    struct world more = few;
    uint64_t random = 20000229;
    (void)state;
    more.placement_mode_share = 0.35;
    double truth[] = {find_truth(&few, 12, &random).cell, find_truth(&more, 12, &random).cell};
    for (size_t p = 0; p < TRIED; p++) {
        unsigned hits = 0;
        for (unsigned i = 0; i < experiments; i++) {
            struct estimate ratio;
            simulate_two((struct world[]){few, more}, placements_tried[p], &ratio, &random);
            hits += holds(ratio.low, ratio.high, truth[1] / truth[0]);
        }
        print_message(
            "# two results with modes, %u placements: %.2f %%\n", placements_tried[p], percent(hits));
        assert_true(can_be(attainable(placements_tried[p]), hits));
    }
}

/* The judge can say no: intervals from samples alone are far from 95 %. */
static void intervals_from_samples_without_placements_are_refused(void **state)
{
    (void)state;
    for (size_t w = 0; w < WORLDS; w++)
        for (size_t p = 0; p < TRIED; p++)
            assert_false(can_be(0.95, count_hits(&worlds[w], placements_tried[p]).pooled));
}

static void the_exact_binomial_is_exact(void **state)
{
    (void)state;
    assert_float_equal(binomial_at_most(10, 10, 0.95), 1, 1e-9);
    assert_float_equal(binomial_at_most(2, 1, 0.5), 0.75, 1e-9);
    assert_float_equal(binomial_at_most(20, 16, 0.95), 0.0159, 5e-5); /* any table of the distribution */
    assert_true(can_be(0.95, experiments) && can_be(0.95, experiments * 95 / 100) &&
                !can_be(0.95, experiments * 92 / 100));
}

int main(void)
{
    experiments = repeated(4000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_binomial_is_exact),
        cmocka_unit_test(intervals_of_ratios_hold_the_truth),
        cmocka_unit_test(intervals_of_cells_hold_the_truth),
        cmocka_unit_test(students_interval_alone_fails_where_placements_have_modes),
        cmocka_unit_test(groups_of_nearly_the_same_size_are_held_hardly),
        cmocka_unit_test(modes_and_trends_are_hardly_ever_told_where_there_are_none),
        cmocka_unit_test(samples_that_jump_between_two_modes_are_told),
        cmocka_unit_test(ratios_of_what_is_disturbed_alike_err_to_both_sides_alike),
        cmocka_unit_test(two_results_of_what_is_disturbed_alike_err_to_both_sides_alike),
        cmocka_unit_test(ratios_of_two_results_hold_the_truth_where_placements_have_modes),
        cmocka_unit_test(intervals_from_samples_without_placements_are_refused),
    };
    return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
