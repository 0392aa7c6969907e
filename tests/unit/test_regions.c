/* inspect/regions: NUMA that is not told is found in made-up latencies, and never where there is none. */
#include "cmocka_all.h"

#include "base/random.h"
#include "experiment/inspect_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- made-up machines ---- */

static uint64_t dice = 20240717;

static double uniform(void)
{
    return ((double)(random_next(&dice) >> 11) + 0.5) / 9007199254740992.0;
}

static double between(double least, double most)
{
    return least + (most - least) * uniform();
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static size_t below(size_t limit)
{
    return (size_t)random_below(&dice, limit);
}

struct simulated {
    size_t cpus, regions, rounds;
    double cpu_ns[REGION_CPUS_MAX];               /* of its own, on top of memory's: it differs in hybrids */
    double cpu_factor[REGION_CPUS_MAX];           /* of a slow one: on everything */
    double region_ns[REGIONS_MAX];                /* that it is farther from all */
    double path_ns[REGION_CPUS_MAX][REGIONS_MAX]; /* NUMA: what this CPU has to go more to this region */
    double noise;                                 /* relative, of every sample */
    double cpu_noise[REGION_CPUS_MAX], region_noise[REGIONS_MAX]; /* that much more of these */
    double tails;       /* share of samples that are up to three times as long */
    double bursts;      /* of these a round, each over a run of samples */
    double burst_times; /* longer */
    double drift;       /* from round to round, of each CPU by itself */
};

/* One round: CPUs in random order, regions anew for each, bursts over what is measured one after the other.
 */
static void measure_round(const struct simulated *m, double ns[][REGIONS_MAX])
{
    size_t cpus[REGION_CPUS_MAX], regions[REGIONS_MAX], burst = 0;
    double times = 1;
    random_order(&dice, cpus, m->cpus);
    for (size_t i = 0; i < m->cpus; i++) {
        size_t c = cpus[i];
        double drift = 1 + m->drift * normal();
        random_order(&dice, regions, m->regions);
        for (size_t j = 0; j < m->regions; j++) {
            size_t r = regions[j];
            double noise = m->noise * m->cpu_noise[c] * m->region_noise[r];
            double value = (90 + m->cpu_ns[c] + m->region_ns[r] + m->path_ns[c][r]) * m->cpu_factor[c];
            if (!burst && uniform() < m->bursts / (double)(m->cpus * m->regions)) {
                burst = 1 + below(m->regions * 2);
                times = between(1.05, m->burst_times);
            }
            value *= exp(noise * normal()) * drift * (burst ? times : 1);
            if (uniform() < m->tails)
                value *= between(1, 3);
            burst -= burst > 0;
            ns[c][r] = value;
        }
    }
}

static struct simulated plain(size_t cpus, size_t regions)
{
    struct simulated m = {.cpus = cpus, .regions = regions, .noise = 0.02, .burst_times = 2};
    size_t rounds = 360 / (cpus * regions);
    m.rounds = rounds > 24 ? 24 : rounds < 6 ? 6 : rounds;
    for (size_t c = 0; c < REGION_CPUS_MAX; c++)
        m.cpu_factor[c] = m.cpu_noise[c] = 1;
    for (size_t r = 0; r < REGIONS_MAX; r++)
        m.region_noise[r] = 1;
    return m;
}

/* Everything that is no NUMA, more or less of each. */
static struct simulated without_numa(void)
{
    static const size_t counts[] = {2, 2, 3, 4, 6, 8};
    struct simulated m = plain(counts[below(6)], counts[1 + below(5)]);
    m.noise = exp(between(log(0.003), log(0.12)));
    m.tails = below(3) ? 0 : between(0, 0.15);
    m.bursts = below(2) ? 0 : between(0, 3);
    m.burst_times = between(1.1, 3);
    m.drift = below(2) ? 0 : between(0, 0.1);
    for (size_t c = 0; c < m.cpus; c++) {
        m.cpu_factor[c] = below(4) ? 1 : between(0.8, 2);
        m.cpu_ns[c] = below(4) ? 0 : between(0, 60);
        m.cpu_noise[c] = below(4) ? 1 : between(1, 6);
    }
    for (size_t r = 0; r < m.regions; r++) {
        m.region_ns[r] = below(3) ? 0 : between(0, 80);
        m.region_noise[r] = below(4) ? 1 : between(1, 4);
    }
    return m;
}

/* Two nodes: CPUs and regions of both, at random but one of each at least. */
static void two_nodes(struct simulated *m, double farther, int *cpu_node, int *region_node)
{
    for (size_t c = 0; c < m->cpus; c++)
        cpu_node[c] = c < 2 ? (int)c : (int)below(2);
    for (size_t r = 0; r < m->regions; r++)
        region_node[r] = r < 2 ? (int)r : (int)below(2);
    for (size_t c = 0; c < m->cpus; c++)
        for (size_t r = 0; r < m->regions; r++)
            m->path_ns[c][r] += cpu_node[c] != region_node[r] ? 90 * (farther - 1) : 0;
}

static struct regions judge(const struct simulated *m, const int *cpu_node, const int *region_node)
{
    struct regions_input input = {.cpus = m->cpus, .regions = m->regions, .rounds = m->rounds};
    for (size_t round = 0; round < m->rounds; round++)
        measure_round(m, input.ns[round]);
    if (cpu_node)
        memcpy(input.cpu_node, cpu_node, m->cpus * sizeof *cpu_node);
    if (region_node)
        memcpy(input.region_node, region_node, m->regions * sizeof *region_node);
    struct regions found = regions_judge(&input);
    assert_true(found.reason[0]);
    return found;
}

/* ---- how often ---- */

struct tally {
    unsigned verdicts[REGIONS_VERDICTS];
};

static void print_tally(const char *name, const struct tally *tally)
{
    print_message("# %s: unknown %u, uniform %u, visible %u, hidden %u\n", name,
        tally->verdicts[REGIONS_UNKNOWN], tally->verdicts[REGIONS_UNIFORM],
        tally->verdicts[REGIONS_NUMA_VISIBLE], tally->verdicts[REGIONS_HIDDEN]);
}

enum { MACHINES = 2000 };

static void no_hidden_numa_where_there_is_none(void **state)
{
    struct tally tally = {{0}};
    (void)state;
    for (unsigned i = 0; i < MACHINES; i++) {
        struct simulated m = without_numa();
        tally.verdicts[judge(&m, NULL, NULL).verdict]++;
    }
    print_tally("no NUMA", &tally);
    assert_true(tally.verdicts[REGIONS_HIDDEN] <= MACHINES / 1000);
    assert_int_equal(tally.verdicts[REGIONS_NUMA_VISIBLE], 0);
    assert_true(tally.verdicts[REGIONS_UNIFORM] > MACHINES / 2);
}

/* One kind at a time, so that no kind is drowned by the others. */
static void no_kind_of_noise_is_taken_for_numa(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 6; kind++) {
        struct tally tally = {{0}};
        for (unsigned i = 0; i < MACHINES; i++) {
            struct simulated m = plain(2 + 2 * below(4), 4 + 4 * below(2));
            if (kind == 0)
                m.noise = 0.08;
            if (kind == 1)
                m.cpu_noise[below(m.cpus)] = 10;
            if (kind == 2)
                m.region_noise[below(m.regions)] = 10;
            if (kind == 3)
                m.tails = 0.2;
            if (kind == 4) {
                m.bursts = 3;
                m.burst_times = 3;
            }
            if (kind == 5) { /* a slow core and a region far from all: interaction without NUMA */
                m.cpu_ns[below(m.cpus)] = 120;
                m.region_ns[below(m.regions)] = 90;
                m.noise = 0.005;
            }
            tally.verdicts[judge(&m, NULL, NULL).verdict]++;
        }
        print_tally("no NUMA, one kind", &tally);
        assert_true(tally.verdicts[REGIONS_HIDDEN] <= MACHINES / 1000);
    }
}

static void hidden_numa_is_found(void **state)
{
    int cpu_node[REGION_CPUS_MAX], region_node[REGIONS_MAX];
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct tally tally = {{0}};
        for (unsigned i = 0; i < MACHINES / 4; i++) {
            struct simulated m = plain(2 + 2 * below(4), 4 + 4 * below(2));
            m.noise = kind == 0 ? 0.02 : 0.05;
            m.bursts = kind == 2 ? 1 : 0;
            for (size_t r = 0; kind == 3 && r < m.regions; r++)
                m.region_ns[r] = between(0, 20);
            two_nodes(&m, between(1.3, 1.8), cpu_node, region_node);
            struct regions found = judge(&m, NULL, NULL);
            tally.verdicts[found.verdict]++;
            assert_int_not_equal(found.verdict, REGIONS_NUMA_VISIBLE);
        }
        print_tally("hidden NUMA", &tally);
        assert_true(tally.verdicts[REGIONS_HIDDEN] >= MACHINES / 4 * (kind == 2 ? 80 : 95) / 100);
        assert_true(tally.verdicts[REGIONS_UNIFORM] <= MACHINES / 4 / 50);
    }
}

static void numa_that_is_told_is_not_hidden(void **state)
{
    int cpu_node[REGION_CPUS_MAX], region_node[REGIONS_MAX];
    struct tally tally = {{0}};
    (void)state;
    for (unsigned i = 0; i < MACHINES; i++) {
        struct simulated m = without_numa();
        m.noise = between(0.01, 0.06);
        two_nodes(&m, between(1.2, 1.9), cpu_node, region_node);
        tally.verdicts[judge(&m, cpu_node, region_node).verdict]++;
    }
    print_tally("told NUMA", &tally);
    assert_true(tally.verdicts[REGIONS_HIDDEN] <= MACHINES / 1000);
    assert_true(tally.verdicts[REGIONS_NUMA_VISIBLE] >= MACHINES / 2);
}

/* Two nodes are told, and each is two. */
static void numa_within_told_nodes_is_hidden(void **state)
{
    static const int cpu_node[] = {0, 0, 0, 0, 1, 1, 1, 1}, region_node[] = {0, 0, 0, 0, 1, 1, 1, 1};
    struct tally tally = {{0}};
    (void)state;
    for (unsigned i = 0; i < MACHINES / 10; i++) {
        struct simulated m = plain(8, 8);
        for (size_t c = 0; c < 8; c++)
            for (size_t r = 0; r < 8; r++)
                m.path_ns[c][r] = c / 4 != r / 4 ? 60 : c / 2 != r / 2 ? 25 : 0;
        tally.verdicts[judge(&m, cpu_node, region_node).verdict]++;
    }
    print_tally("hidden within told", &tally);
    assert_true(tally.verdicts[REGIONS_HIDDEN] >= MACHINES / 10 * 95 / 100);
}

static void nodes_told_the_wrong_way_round_are_hidden_numa(void **state)
{
    static const int cpu_node[] = {0, 0, 1, 1}, region_node[] = {1, 1, 0, 0};
    struct simulated m = plain(4, 4);
    (void)state;
    for (size_t c = 0; c < 4; c++)
        for (size_t r = 0; r < 4; r++)
            m.path_ns[c][r] = c / 2 != r / 2 ? 50 : 0;
    struct regions found = judge(&m, cpu_node, region_node);
    assert_int_equal(found.verdict, REGIONS_HIDDEN);
    assert_non_null(strstr(found.reason, "own"));
}

/* Halves of one node are not taken for two nodes that are told the wrong way round. */
static void halves_of_a_node_are_no_wrong_nodes(void **state)
{
    static const int cpu_node[] = {0, 0, 1, 1}, region_node[] = {0, 0, 1, 1};
    struct simulated m = plain(4, 4);
    (void)state;
    for (size_t c = 0; c < 2; c++)
        m.path_ns[c][1 - c] = 50;
    struct regions found = judge(&m, cpu_node, region_node);
    assert_int_equal(found.verdict, REGIONS_HIDDEN);
    assert_non_null(strstr(found.reason, "beside the nodes"));
}

static void nodes_that_make_no_difference_are_uniform(void **state)
{
    static const int cpu_node[] = {0, 0, 1, 1}, region_node[] = {0, 0, 1, 1};
    struct simulated m = plain(4, 4);
    (void)state;
    m.noise = 0.01;
    assert_int_equal(judge(&m, cpu_node, region_node).verdict, REGIONS_UNIFORM);
}

/* Little farther: two sockets are not, but halves of one. */
static void numa_that_costs_little_is_found(void **state)
{
    static const double farther[] = {1.06, 1.10};
    static const unsigned least[] = {MACHINES / 4 * 90 / 100, MACHINES / 4 * 98 / 100};
    int cpu_node[REGION_CPUS_MAX], region_node[REGIONS_MAX];
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct tally tally = {{0}};
        for (unsigned i = 0; i < MACHINES / 4; i++) {
            struct simulated m = plain(2 + 2 * below(4), 4 + 4 * below(2));
            two_nodes(&m, farther[kind], cpu_node, region_node);
            tally.verdicts[judge(&m, NULL, NULL).verdict]++;
        }
        print_tally("hidden NUMA that costs little", &tally);
        assert_true(tally.verdicts[REGIONS_HIDDEN] >= least[kind]);
    }
}

/* Memory of a busy node may be the farther from everywhere. Then no order turns round, but nothing is
 * uniform. */
static void numa_with_a_busy_node_is_not_called_uniform(void **state)
{
    int cpu_node[REGION_CPUS_MAX], region_node[REGIONS_MAX];
    (void)state;
    for (unsigned i = 0; i < MACHINES / 4; i++) {
        struct simulated m = plain(2 + 2 * below(4), 4 + 4 * below(2));
        two_nodes(&m, between(1.3, 1.8), cpu_node, region_node);
        for (size_t r = 0; r < m.regions; r++)
            m.region_ns[r] = region_node[r] ? 80 : 0;
        assert_int_not_equal(judge(&m, NULL, NULL).verdict, REGIONS_UNIFORM);
    }
}

/* ---- what is told of it ---- */

static void the_regions_and_the_factor_are_told(void **state)
{
    struct simulated m = plain(4, 6);
    (void)state;
    for (size_t c = 0; c < 4; c++)
        for (size_t r = 0; r < 6; r++)
            m.path_ns[c][r] = c % 2 != r % 2 ? 45 : 0;
    const struct regions found = judge(&m, NULL, NULL);
    const struct turn *turn = &found.turn;
    assert_int_equal(found.verdict, REGIONS_HIDDEN);
    assert_int_not_equal(turn->cpu % 2, turn->other_cpu % 2);
    assert_int_not_equal(turn->cpu % 2, turn->far % 2);
    assert_int_equal(turn->cpu % 2, turn->near % 2);
    assert_true(turn->times.median > 1.45 && turn->times.median < 1.55);
    assert_true(turn->times.low < 1.5 && turn->times.high > 1.45);
    assert_true(turn->chance < 1e-6);
}

static void regions_that_are_far_from_all_are_no_numa(void **state)
{
    struct simulated m = plain(4, 4);
    (void)state;
    m.region_ns[0] = m.region_ns[1] = 70;
    struct regions found = judge(&m, NULL, NULL);
    assert_int_equal(found.verdict, REGIONS_UNIFORM);
    assert_true(found.turn.times.low < 1.02);
}

static void what_cannot_be_told_is_unknown(void **state)
{
    struct simulated m = plain(1, 8), noisy = plain(2, 4), few = plain(4, 4);
    (void)state;
    assert_int_equal(judge(&m, NULL, NULL).verdict, REGIONS_UNKNOWN);
    noisy.noise = 0.6;
    noisy.rounds = 6;
    assert_int_equal(judge(&noisy, NULL, NULL).verdict, REGIONS_UNKNOWN);
    few.rounds = 3;
    struct regions found = judge(&few, NULL, NULL);
    assert_int_equal(found.verdict, REGIONS_UNKNOWN);
    assert_non_null(strstr(found.reason, "rounds"));
    struct result result = {0};
    struct inspection inspection = {.result = &result, .regions = found};
    struct error error;
    assert_int_equal(inspect_find_regions(&inspection, &error), 0);
    const struct finding *finding = findings_find(&result.findings, "hidden-numa", NULL);
    assert_non_null(finding);
    assert_false(finding->value.known);
    assert_true(isnan(finding->number));
    findings_free(&result.findings);
    struct regions_input cached = {.cpus = 4, .regions = 4, .rounds = 6};
    for (size_t cell = 0; cell < sizeof cached.ns / sizeof(double); cell++)
        (&cached.ns[0][0][0])[cell] = 20;
    found = regions_judge(&cached);
    assert_int_equal(found.verdict, REGIONS_UNKNOWN);
    assert_non_null(strstr(found.reason, "cache"));
}

/* Nothing is concluded from what is missing; figures without any noise are no division by 0. */
static void holes_and_perfect_figures_do_no_harm(void **state)
{
    struct regions_input input = {.cpus = 2, .regions = 2, .rounds = 10};
    (void)state;
    for (size_t i = 0; i < 40; i++)
        input.ns[i / 4][i / 2 % 2][i % 2] = 100;
    assert_int_equal(regions_judge(&input).verdict, REGIONS_UNIFORM);
    for (size_t i = 0; i < 10; i++)
        input.ns[i][0][1] = input.ns[i][1][0] = 150;
    const struct regions found = regions_judge(&input);
    assert_int_equal(found.verdict, REGIONS_HIDDEN);
    assert_true(fabs(found.turn.times.median - 1.5) < 1e-9);
    input.ns[1][0][1] = NAN;
    assert_int_equal(regions_judge(&input).verdict, REGIONS_UNKNOWN);
    assert_non_null(strstr(regions_judge(&input).reason, "each CPU"));
    for (size_t i = 0; i < 10; i++)
        input.ns[i][0][0] = 0;
    assert_int_equal(regions_judge(&input).verdict, REGIONS_UNKNOWN);
}

/* ---- on this machine ---- */

struct here {
    struct setting setting;
    struct result result;
    struct inspect_experiment experiment;
    struct inspection inspection;
};

/* False: nothing can be measured here. */
static bool open_here(struct here *here, const struct stop *stop)
{
    static const struct inspect_plan plan = {.region_seconds = 0.4};
    struct error error;
    here->experiment = (struct inspect_experiment){.setting = &here->setting, .seed = 1};
    here->inspection = (struct inspection){
        .experiment = &here->experiment, .plan = &plan, .result = &here->result, .scale = 1};
    here->result.complete = true;
    return setting_open(&here->setting, -1, stop, &error) == 0;
}

static void assert_back_on_its_cpu(const struct here *here)
{
    cpu_set_t now;
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_int_equal(CPU_COUNT(&now), 1);
    assert_true(CPU_ISSET(here->setting.pin.cpu, &now));
}

static void close_here(struct here *here)
{
    findings_free(&here->result.findings);
    setting_close(&here->setting);
}

/* Whatever this machine is: it is measured, told as a finding, and the thread is back on its CPU. */
static void a_measurement_here_comes_to_an_end(void **state)
{
    const struct stop never = {.asked = NULL};
    const struct progress silent = {NULL, NULL};
    struct here here = {0};
    struct error error = {0};
    (void)state;
    if (!open_here(&here, &never)) {
        close_here(&here);
        skip();
    }
    const struct inspection *inspection = &here.inspection;
    assert_int_equal(inspect_regions(&here.inspection, &silent, &error), 0);
    print_message("# %s%s (%zu CPUs, %zu rounds, %.0f ns)\n", inspection->regions.reason,
        inspection->no_regions, inspection->regions_input.cpus, inspection->regions_input.rounds,
        inspection->regions_input.ns[0][0][0]);
    assert_int_not_equal(!inspection->regions.reason[0], !inspection->no_regions[0]);
    if (inspection->regions_input.cpus > 1 && !inspection->no_regions[0])
        assert_true(inspection->regions_input.rounds >= 4);
    assert_int_equal(inspect_find_regions(&here.inspection, &error), 0);
    assert_int_equal(here.result.findings.count, inspection->regions.reason[0] != 0);
    assert_back_on_its_cpu(&here);
    close_here(&here);
}

/* A CPU may go away after it was allowed: nothing is told of regions, and why. */
static void a_cpu_that_is_gone_is_a_reason(void **state)
{
    const struct stop never = {.asked = NULL};
    const struct progress silent = {NULL, NULL};
    struct here here = {0};
    struct error error = {0};
    (void)state;
    if (!open_here(&here, &never)) {
        close_here(&here);
        skip();
    }
    cpu_set_t *allowed = here.setting.pin.before;
    memset(allowed, 0, here.setting.pin.bytes);
    CPU_SET_S(here.setting.pin.cpu, here.setting.pin.bytes, allowed);
    CPU_SET_S(here.setting.pin.bytes * 8 - 1, here.setting.pin.bytes, allowed);
    assert_int_equal(inspect_regions(&here.inspection, &silent, &error), 0);
    assert_non_null(strstr(here.inspection.no_regions, "cannot bind"));
    assert_int_equal(inspect_find_regions(&here.inspection, &error), 0);
    assert_int_equal(here.result.findings.count, 0);
    assert_back_on_its_cpu(&here);
    close_here(&here);
}

static bool at_once(void *context)
{
    (void)context;
    return true;
}

static void a_measurement_can_be_stopped(void **state)
{
    const struct stop stop = {.asked = at_once};
    const struct progress silent = {NULL, NULL};
    struct here here = {0};
    struct error error = {0};
    (void)state;
    if (open_here(&here, &stop))
        assert_int_equal(inspect_regions(&here.inspection, &silent, &error), -EINTR);
    close_here(&here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_hidden_numa_where_there_is_none),
        cmocka_unit_test(no_kind_of_noise_is_taken_for_numa),
        cmocka_unit_test(hidden_numa_is_found),
        cmocka_unit_test(numa_that_is_told_is_not_hidden),
        cmocka_unit_test(numa_within_told_nodes_is_hidden),
        cmocka_unit_test(nodes_told_the_wrong_way_round_are_hidden_numa),
        cmocka_unit_test(halves_of_a_node_are_no_wrong_nodes),
        cmocka_unit_test(nodes_that_make_no_difference_are_uniform),
        cmocka_unit_test(numa_that_costs_little_is_found),
        cmocka_unit_test(numa_with_a_busy_node_is_not_called_uniform),
        cmocka_unit_test(the_regions_and_the_factor_are_told),
        cmocka_unit_test(regions_that_are_far_from_all_are_no_numa),
        cmocka_unit_test(what_cannot_be_told_is_unknown),
        cmocka_unit_test(a_measurement_here_comes_to_an_end),
        cmocka_unit_test(a_cpu_that_is_gone_is_a_reason),
        cmocka_unit_test(a_measurement_can_be_stopped),
        cmocka_unit_test(holes_and_perfect_figures_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
