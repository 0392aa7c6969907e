#include "inspect/regions.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* NUMA is what noise makes less often than this, costs so much and turns round by so much. Two sockets differ
 * by 1.3 and more, the halves of one by 1.1. */
static const double chance_most = 1e-4, times_least = 1.05, turned_least = 1.02;

/* No verdict: signs of it; CPUs that differ so much, though nothing turns round; noise that could hide it;
 * latencies that can be those of a cache. */
static const double chance_of_signs = 0.01, differ_most = 1.15, noise_most = 1.15, cache_ns = 40;

enum { BLOCKS = 8, BLOCKS_LEAST = 4 };

/* From a CPU, how much farther one region is than another; and the chance that noise alone makes it so. */
struct farther {
    double mean, half, chance; /* logarithms; half of the 95 % interval */
};

struct table {
    size_t cpus, regions, blocks;
    double medians[BLOCKS][REGION_CPUS_MAX][REGIONS_MAX]; /* logarithms, of blocks of rounds */
    struct farther farther[REGION_CPUS_MAX][REGIONS_MAX][REGIONS_MAX];
    double places; /* two CPUs and two regions */
    bool missing;  /* is a sample? */
};

/* Blocks of rounds that follow one another, so that a burst of noise moves few medians. */
static void fill_medians(struct table *t, const struct regions_input *in)
{
    size_t cells = t->cpus * t->regions;
    t->blocks = in->rounds < BLOCKS ? in->rounds : BLOCKS;
    t->places = (double)(t->cpus * (t->cpus - 1) * t->regions * (t->regions - 1)) / 2;
    for (size_t k = 0; k < t->blocks * cells; k++) {
        size_t block = k / cells, cpu = k % cells / t->regions, region = k % t->regions;
        size_t first = block * in->rounds / t->blocks, end = (block + 1) * in->rounds / t->blocks;
        double values[REGION_ROUNDS_MAX];
        for (size_t round = first; round < end; round++) {
            values[round - first] = log(in->ns[round][cpu][region]);
            t->missing |= !(in->ns[round][cpu][region] > 0);
        }
        t->medians[block][cpu][region] = statistics_median(values, end - first);
    }
}

static struct farther compare(const struct table *t, size_t cpu, size_t far, size_t near)
{
    double values[BLOCKS] = {0};
    for (size_t b = 0; b < t->blocks; b++)
        values[b] = t->medians[b][cpu][far] - t->medians[b][cpu][near];
    const struct estimate e = statistics_difference(values, t->blocks);
    double mean = (e.low + e.high) / 2, half = (e.high - e.low) / 2;
    double t_value = mean / half * statistics_t975(t->blocks);
    double chance = half > 0 ? statistics_t_chance(t_value, t->blocks) / 2 : 0;
    return (struct farther){mean, half, mean > 0 ? chance : 1};
}

static void fill_farther(struct table *t)
{
    for (size_t k = 0; k < t->cpus * t->regions * t->regions; k++) {
        size_t cpu = k % t->cpus, far = k / t->cpus % t->regions, near = k / t->cpus / t->regions;
        t->farther[cpu][far][near] = compare(t, cpu, far, near);
    }
}

/* Noise from two CPUs is two things, and both must be there; but in one of so many places. */
static struct turn turn_at(const struct table *t, size_t cpu, size_t other, size_t far, size_t near)
{
    const struct farther *here = &t->farther[cpu][far][near], *there = &t->farther[other][near][far];
    double mean = (here->mean + there->mean) / 2, half = hypot(here->half, there->half) / 2;
    struct turn turn = {cpu, other, far, near, {exp(mean), exp(mean - half), exp(mean + half)}, 1};
    if (mean >= log(times_least) && fmin(here->mean, there->mean) >= log(turned_least))
        turn.chance = fmin(1, pow(fmax(here->chance, there->chance), 2) * t->places);
    return turn;
}

struct seen {
    struct turn surest, unexplained, widest; /* unexplained: surest beside the nodes that are told */
    double clearness;                        /* 1 / half of the interval, summed up */
    bool told;                               /* are there several nodes? */
};

static void note(struct seen *seen, const struct turn *turn, bool explained)
{
    seen->told |= explained;
    seen->clearness += 1 / log(turn->times.high / turn->times.median);
    if (turn->chance < seen->surest.chance)
        seen->surest = *turn;
    if (turn->chance < seen->unexplained.chance && !explained)
        seen->unexplained = *turn;
    if (turn->times.median > seen->widest.times.median)
        seen->widest = *turn;
}

/* Told nodes explain what CPUs of two of them see of regions on two. */
static struct seen look(struct table *t, const struct regions_input *in)
{
    const struct turn none = {.times = {1, 1, 1}, .chance = 1};
    struct seen seen = {none, none, none, 0, false};
    if (t->blocks < BLOCKS_LEAST || t->missing)
        return seen;
    fill_farther(t);
    for (size_t k = 0; k < t->cpus * t->cpus * t->regions * t->regions; k++) {
        size_t cpu = k % t->cpus, other = k / t->cpus % t->cpus;
        size_t far = k / t->cpus / t->cpus % t->regions, near = k / t->cpus / t->cpus / t->regions;
        const struct turn turn = turn_at(t, cpu, other, far, near);
        if (cpu != other && far != near)
            note(&seen, &turn,
                in->cpu_node[cpu] != in->cpu_node[other] && in->region_node[far] != in->region_node[near]);
    }
    return seen;
}

static double percent(double times)
{
    return (times - 1) * 100;
}

struct reason {
    bool so;
    enum regions_verdict verdict;
    double percent;
    const char *text; /* #: that many per cent */
};

static struct regions conclude(const struct reason *reason, const struct turn *turn)
{
    struct regions found = {.verdict = reason->verdict, .turn = *turn};
    const char *text = reason->text, *number = strchrnul(text, '#');
    int length = snprintf(found.reason, sizeof found.reason, "%.*s", (int)(number - text), text);
    if (*number)
        snprintf(found.reason + length, sizeof found.reason - (size_t)length, "%.0f %%%s", reason->percent,
            number + 1);
    return found;
}

/* By the first reason that is so. */
struct regions regions_judge(const struct regions_input *in)
{
    struct table t = {.cpus = in->cpus, .regions = in->regions};
    fill_medians(&t, in);
    const struct seen seen = look(&t, in);
    const struct turn *surest = &seen.surest, *widest = &seen.widest;
    bool numa = surest->chance <= chance_most, hidden = seen.unexplained.chance <= chance_most;
    bool wrong = in->cpu_node[surest->cpu] == in->region_node[surest->far] &&
                 in->cpu_node[surest->other_cpu] == in->region_node[surest->near] &&
                 in->cpu_node[surest->cpu] != in->cpu_node[surest->other_cpu];
    double noise = exp(2 * t.places / seen.clearness), far = percent(surest->times.median);
    const struct reason reasons[] = {
        {in->cpus < 2, REGIONS_UNKNOWN, 0,
            "from one CPU nothing can be told: all it sees is that regions differ"},
        {in->regions < 2, REGIONS_UNKNOWN, 0, "of fewer than two regions of memory nothing can be told"},
        {t.blocks < BLOCKS_LEAST, REGIONS_UNKNOWN, 0, "fewer than four rounds were measured"},
        {t.missing, REGIONS_UNKNOWN, 0, "not each region was reached from each CPU in every round"},
        {t.medians[0][0][0] < log(cache_ns), REGIONS_UNKNOWN, 0,
            "a cache may have answered in place of the memory"},
        {numa && !seen.told, REGIONS_HIDDEN, far,
            "two groups of regions are each near to some CPUs and # farther from others, and this kernel is "
            "told of one node"},
        {numa && wrong, REGIONS_HIDDEN, far,
            "CPUs are # nearer to memory of other nodes than to their own: the nodes told are not those that "
            "are"},
        {hidden, REGIONS_HIDDEN, percent(seen.unexplained.times.median),
            "beside the nodes that this kernel is told, regions are near to some CPUs and # farther from "
            "others"},
        {numa, REGIONS_NUMA_VISIBLE, far,
            "memory of other nodes is # farther, as the nodes that this kernel is told explain"},
        {noise > noise_most, REGIONS_UNKNOWN, ceil(percent(noise)),
            "too noisy: a difference of # between near and far regions could not be told"},
        {surest->chance <= chance_of_signs, REGIONS_UNKNOWN, far,
            "there are signs that some regions are # farther from some CPUs than from others, but not beyond "
            "doubt: measure again"},
        {widest->times.low > differ_most, REGIONS_UNKNOWN, percent(pow(widest->times.median, 2)),
            "what is farther is so from every CPU, but from some by # more than from others: CPUs that "
            "differ look so, and NUMA with a busy node too"},
        {widest->times.low > times_least, REGIONS_UNIFORM, 0,
            "CPUs differ and regions differ, but no CPUs are near to what others are far from"},
        {true, REGIONS_UNIFORM, fmax(1, ceil(percent(fmax(1, widest->times.low) * noise))),
            "no region is farther from some CPUs than from others by more than #"},
    };
    size_t k = 0;
    while (!reasons[k].so)
        k++;
    return conclude(&reasons[k], numa ? surest : widest);
}
