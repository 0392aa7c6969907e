#include "inspect/regions.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* NUMA is what noise makes less often than this, costs so much and turns round by so much. Two sockets differ
 * by 1.3 and more, the halves of one by 1.1. */
static const double chance_most = 1e-4, far_least = 1.05, turned_least = 1.02;

/* Interaction of this much, though nothing turns round, is called uniform no more. */
static const double far_not_told = 1.15;

/* Signs of it: no verdict. */
static const double chance_of_signs = 0.01;

/* Of an interval of far to near: a wider one could hide NUMA. */
static const double half_width_most = 1.10;

/* Of what a CPU or region shows of the pattern: with less than that of the strongest it is in neither group.
 */
static const double part_least = 0.3;

/* Blocks of rounds: so many at least, and wanted if rounds allow (below, a block is one round). */
enum { BLOCKS_LEAST = 4, BLOCKS_WANTED = 6 };

typedef double region_table[REGION_CPUS_MAX][REGIONS_MAX]; /* logarithms */

struct look {
    const struct regions_input *in;
    region_table block[REGION_ROUNDS_MAX]; /* medians of its rounds */
    size_t blocks;
    bool several_nodes, unexplained; /* unexplained: looks only at what told nodes do not explain */
};

/* CPUs of group a are far from regions of group a, CPUs of group b from those of group b. Of all regions the
 * order of `one` (far from a) and `other` turns round most. */
struct groups {
    uint32_t cpus_a, cpus_b, far_from_a, far_from_b;
    size_t cpu_a, cpu_b, one, other; /* cpu_a, cpu_b: the two that differ most */
};

/* A mean over blocks, its 95 % interval, and the chance that it is above 0 by noise alone. */
struct region_estimate {
    double mean, low, high, chance;
};

struct seen {
    struct groups groups;
    struct region_estimate far, from_a,
        from_b;    /* far to near; of `one` and `other` the farther to the nearer */
    double chance; /* that noise alone makes such a turn */
};

const char *regions_verdict_name(enum regions_verdict verdict)
{
    static const char *const names[REGIONS_VERDICTS] = {
        [REGIONS_UNKNOWN] = "unknown",
        [REGIONS_UNIFORM] = "uniform",
        [REGIONS_NUMA_VISIBLE] = "numa-visible",
        [REGIONS_HIDDEN] = "hidden",
    };
    return names[verdict];
}

__attribute__((format(printf, 3, 4))) static void conclude(
    struct regions *out, enum regions_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    out->verdict = verdict;
}

/* ---- the table ---- */

static bool is_whole(const struct regions_input *in, size_t round)
{
    const double *ns = in->ns + round * in->cpus * in->regions;
    for (size_t i = 0; i < in->cpus * in->regions; i++)
        if (!(isfinite(ns[i]) && ns[i] > 0))
            return false;
    return true;
}

/* An odd number of rounds a block, so that one burst of noise does not move a median; the last block takes
 * the rest. */
static void fill_blocks(struct look *look)
{
    const struct regions_input *in = look->in;
    size_t whole[REGION_ROUNDS_MAX], count = 0;
    for (size_t round = 0; round < in->rounds; round++)
        if (is_whole(in, round))
            whole[count++] = round;
    size_t most = count / BLOCKS_WANTED, length = most < 3 ? 1 : most - (most + 1) % 2;
    look->blocks = count / length;
    for (size_t b = 0; b < look->blocks; b++) {
        size_t end = b + 1 == look->blocks ? count : (b + 1) * length, cell = 0;
        for (size_t c = 0; c < in->cpus; c++)
            for (size_t m = 0; m < in->regions; m++, cell++) {
                double values[REGION_ROUNDS_MAX] = {0};
                for (size_t r = b * length; r < end; r++)
                    values[r - b * length] = log(in->ns[whole[r] * in->cpus * in->regions + cell]);
                look->block[b][c][m] = statistics_median(values, end - b * length);
            }
    }
}

/* The mean over all blocks but one (blocks: over all). */
static void mean_without(const struct look *look, size_t left_out, region_table mean)
{
    double count = (double)(look->blocks - (left_out < look->blocks));
    memset(mean, 0, sizeof(region_table));
    for (size_t b = 0; b < look->blocks; b++)
        for (size_t c = 0; b != left_out && c < look->in->cpus; c++)
            for (size_t m = 0; m < look->in->regions; m++)
                mean[c][m] += look->block[b][c][m] / count;
}

static double group_mean(const region_table y, uint32_t cpus, uint32_t regions)
{
    double sum = 0;
    size_t count = 0;
    for (size_t c = 0; c < REGION_CPUS_MAX; c++)
        for (size_t m = 0; cpus >> c & 1 && m < REGIONS_MAX; m++)
            if (regions >> m & 1) {
                sum += y[c][m];
                count++;
            }
    return sum / (double)count;
}

/* How much farther region one is than the other, from these CPUs. */
static double farther(const region_table y, uint32_t cpus, size_t one, size_t other)
{
    return group_mean(y, cpus, UINT32_C(1) << one) - group_mean(y, cpus, UINT32_C(1) << other);
}

/* How much farther a region is from CPUs of group a than from those of group b. */
static double apart(const region_table y, const struct groups *g, size_t m)
{
    return group_mean(y, g->cpus_a, UINT32_C(1) << m) - group_mean(y, g->cpus_b, UINT32_C(1) << m);
}

/* ---- the rule ---- */

/* The two CPUs that differ most in how much farther one of two regions is; false: there are none. Told nodes
 * explain what CPUs of two nodes see of regions on two nodes. */
static bool find_difference(const struct look *look, const region_table y, struct groups *found)
{
    const struct regions_input *in = look->in;
    double most = 0;
    *found = (struct groups){.one = 0};
    for (size_t pair = 0; pair < in->cpus * in->cpus; pair++)
        for (size_t i = 0, a = pair / in->cpus, b = pair % in->cpus; a < b && i < in->regions; i++)
            for (size_t j = 0; j < in->regions; j++) {
                bool told =
                    in->region_node[i] != REGION_NODE_UNKNOWN && in->region_node[j] != REGION_NODE_UNKNOWN;
                bool explained =
                    in->cpu_node[a] != in->cpu_node[b] && in->region_node[i] != in->region_node[j];
                double more = y[a][i] - y[a][j] + y[b][j] - y[b][i];
                if (more > most && (told || !look->several_nodes) && !(look->unexplained && explained)) {
                    most = more;
                    *found = (struct groups){.cpu_a = a, .cpu_b = b, .one = i, .other = j};
                }
            }
    return most > 0;
}

/* CPUs by what they say of the two regions, regions by what these groups of CPUs say; then the pair whose
 * order turns round most. */
static bool find_groups(const struct look *look, const region_table y, struct groups *g)
{
    const struct regions_input *in = look->in;
    if (!find_difference(look, y, g))
        return false;
    size_t i = g->one, j = g->other;
    double a = y[g->cpu_a][i] - y[g->cpu_a][j], b = y[g->cpu_b][i] - y[g->cpu_b][j], most = -INFINITY;
    bool one_node = look->unexplained && in->cpu_node[g->cpu_a] == in->cpu_node[g->cpu_b];
    for (size_t c = 0; c < in->cpus; c++) {
        double part = (2 * (y[c][i] - y[c][j]) - a - b) / (a - b); /* 1: as cpu_a; -1: as cpu_b */
        if (one_node && in->cpu_node[c] != in->cpu_node[g->cpu_a])
            continue;
        g->cpus_a |= (uint32_t)(part >= part_least) << c;
        g->cpus_b |= (uint32_t)(-part >= part_least) << c;
    }
    a = apart(y, g, i);
    b = apart(y, g, j);
    for (size_t m = 0; m < in->regions; m++) {
        double part = (2 * apart(y, g, m) - a - b) / (a - b);
        if ((look->several_nodes && in->region_node[m] == REGION_NODE_UNKNOWN) ||
            (look->unexplained && !one_node && in->region_node[m] != in->region_node[i]))
            continue;
        g->far_from_a |= (uint32_t)(part >= part_least) << m;
        g->far_from_b |= (uint32_t)(-part >= part_least) << m;
    }
    for (size_t k = 0; k < in->regions * in->regions; k++) {
        i = k / in->regions;
        j = k % in->regions;
        if (!(g->far_from_a >> i & 1 && g->far_from_b >> j & 1))
            continue;
        double turned = fmin(farther(y, g->cpus_a, i, j), farther(y, g->cpus_b, j, i));
        if (turned > most) {
            most = turned;
            g->one = i;
            g->other = j;
        }
    }
    return true;
}

static struct region_estimate estimate(const double *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double error = sqrt(squares / (double)(count - 1) / (double)count), half = statistics_t975(count) * error;
    double chance = error > 0 ? statistics_t_chance(mean / error, count) / 2 : 0;
    return (struct region_estimate){mean, mean - half, mean + half, mean > 0 ? chance : 1};
}

/* Each block is looked at where the others say. Without NUMA `from_a` or `from_b` is at most 0, however CPUs
 * and regions differ: what is farther is so from every CPU. False: there is no difference at all. */
static bool look_at(const struct look *look, struct seen *seen)
{
    double far[REGION_ROUNDS_MAX], from_a[REGION_ROUNDS_MAX], from_b[REGION_ROUNDS_MAX];
    const struct groups *g = &seen->groups;
    region_table mean;
    for (size_t b = 0; b <= look->blocks; b++) {
        const region_table *here = &look->block[b];
        mean_without(look, b, mean);
        if (!find_groups(look, mean, &seen->groups))
            return false;
        if (b == look->blocks)
            break;
        far[b] =
            (group_mean(*here, g->cpus_a, g->far_from_a) + group_mean(*here, g->cpus_b, g->far_from_b) -
                group_mean(*here, g->cpus_a, g->far_from_b) - group_mean(*here, g->cpus_b, g->far_from_a)) /
            2;
        from_a[b] = farther(*here, g->cpus_a, g->one, g->other);
        from_b[b] = farther(*here, g->cpus_b, g->other, g->one);
    }
    seen->far = estimate(far, look->blocks);
    seen->from_a = estimate(from_a, look->blocks);
    seen->from_b = estimate(from_b, look->blocks);
    /* Noise of two groups is two things, and both must be there; but in one of so many places. */
    double places = ldexp((double)(look->in->regions * (look->in->regions - 1)), (int)look->in->cpus - 1);
    seen->chance = fmin(1, seen->from_a.chance * seen->from_b.chance * places);
    return true;
}

static bool turns_round(const struct seen *seen, double chance)
{
    return seen->chance <= chance && seen->far.mean >= log(far_least) && seen->far.low > 0 &&
           fmin(seen->from_a.mean, seen->from_b.mean) >= log(turned_least);
}

static bool is_numa(const struct seen *seen)
{
    return turns_round(seen, chance_most) && fmin(seen->from_a.low, seen->from_b.low) > 0;
}

/* ---- the verdict ---- */

static void tell(const struct seen *seen, struct regions *out)
{
    out->chance = seen->chance;
    out->far = exp(seen->far.mean);
    out->far_low = exp(seen->far.low);
    out->far_high = exp(seen->far.high);
    if (!is_numa(seen))
        return;
    out->cpus_a = seen->groups.cpus_a;
    out->cpus_b = seen->groups.cpus_b;
    out->far_from_a = seen->groups.far_from_a;
    out->far_from_b = seen->groups.far_from_b;
}

static void conclude_no_numa(const struct seen *seen, struct regions *out)
{
    double half = seen->far.high - seen->far.mean;
    if (half > log(half_width_most))
        conclude(out, REGIONS_UNKNOWN,
            "too noisy: a difference of %.0f %% between near and far regions could not be told",
            ceil((exp(half) - 1) * 100));
    else if (turns_round(seen, chance_of_signs))
        conclude(out, REGIONS_UNKNOWN,
            "there are signs that some regions are %.0f %% farther from some CPUs than from others, but not "
            "beyond doubt: measure again",
            (out->far - 1) * 100);
    else if (seen->far.chance <= chance_most && seen->far.low > log(far_not_told))
        conclude(out, REGIONS_UNKNOWN,
            "what is farther is so from every CPU, but from some by %.0f %% more than from others: CPUs that "
            "differ look so, and NUMA with a busy node too",
            (exp(2 * seen->far.mean) - 1) * 100);
    else if (seen->far.chance <= chance_most && seen->far.low > log(far_least))
        conclude(out, REGIONS_UNIFORM,
            "CPUs differ and regions differ, but no CPUs are near to what others are far from");
    else
        conclude(out, REGIONS_UNIFORM,
            "no region is farther from some CPUs than from others by more than %.0f %%",
            fmax(1, ceil((out->far_high - 1) * 100)));
}

static void conclude_numa(struct look *look, const struct seen *seen, struct regions *out)
{
    const struct regions_input *in = look->in;
    const struct groups *g = &seen->groups;
    double more = (out->far - 1) * 100;
    struct seen within;
    bool known = true;
    for (size_t c = 0; c < in->cpus; c++)
        known &= in->cpu_node[c] != REGION_NODE_UNKNOWN;
    look->unexplained = true;
    if (look->several_nodes && !known) {
        conclude(out, REGIONS_UNKNOWN, "there is NUMA, but the nodes of the CPUs are not known");
    } else if (!look->several_nodes) {
        conclude(out, REGIONS_HIDDEN,
            "two groups of regions are each near to some CPUs and %.0f %% farther from others, and this "
            "kernel is told of one node",
            more);
    } else if (in->cpu_node[g->cpu_a] == in->region_node[g->one] &&
               in->cpu_node[g->cpu_b] == in->region_node[g->other] &&
               in->cpu_node[g->cpu_a] != in->cpu_node[g->cpu_b]) {
        conclude(out, REGIONS_HIDDEN,
            "CPUs are %.0f %% nearer to memory of other nodes than to their own: the nodes told are not "
            "those that are",
            more);
    } else if (look_at(look, &within) && is_numa(&within)) {
        tell(&within, out);
        conclude(out, REGIONS_HIDDEN,
            "beside the nodes that this kernel is told, regions are near to some CPUs and %.0f %% farther "
            "from others",
            (out->far - 1) * 100);
    } else {
        conclude(out, REGIONS_NUMA_VISIBLE,
            "memory of other nodes is %.0f %% farther, as the nodes that this kernel is told explain", more);
    }
}

int regions_judge(const struct regions_input *in, struct regions *regions, struct error *error)
{
    struct regions found = {.chance = NAN, .far = NAN, .far_low = NAN, .far_high = NAN};
    struct look look = {.in = in};
    struct seen seen;
    if (in->cpus > REGION_CPUS_MAX || in->regions > REGIONS_MAX || in->rounds > REGION_ROUNDS_MAX)
        return error_set(error, EINVAL, "more CPUs, regions or rounds than can be judged");
    fill_blocks(&look);
    int first = REGION_NODE_UNKNOWN;
    for (size_t k = 0; k < in->cpus + in->regions; k++) {
        int node = k < in->cpus ? in->cpu_node[k] : in->region_node[k - in->cpus];
        look.several_nodes |= first != REGION_NODE_UNKNOWN && node != REGION_NODE_UNKNOWN && node != first;
        first = first == REGION_NODE_UNKNOWN ? node : first;
    }
    if (in->cpus < 2) {
        conclude(
            &found, REGIONS_UNKNOWN, "from one CPU nothing can be told: all it sees is that regions differ");
    } else if (in->regions < 2) {
        conclude(&found, REGIONS_UNKNOWN, "of fewer than two regions of memory nothing can be told");
    } else if (!in->from_memory) {
        conclude(&found, REGIONS_UNKNOWN, "a cache may have answered in place of the memory");
    } else if (look.blocks < BLOCKS_LEAST) {
        conclude(&found, REGIONS_UNKNOWN, "%zu whole rounds were measured: at least %d are needed",
            look.blocks, BLOCKS_LEAST);
    } else {
        if (!look_at(&look, &seen))
            seen = (struct seen){.chance = 1};
        tell(&seen, &found);
        if (is_numa(&seen))
            conclude_numa(&look, &seen, &found);
        else
            conclude_no_numa(&seen, &found);
    }
    *regions = found;
    return 0;
}

/* ---- the finding ---- */

struct finding regions_finding(const struct regions *regions)
{
    struct finding finding = {
        .name = "hidden-numa",
        .section = FINDING_BELOW,
        .title = "NUMA that is not told",
        .source = FINDING_JUDGED,
        .unit = UNIT_YES_NO,
        .number = NAN,
        .low = NAN,
        .high = NAN,
        .how =
            "a chase from each of several CPUs to each of several regions of memory: is which region is near "
            "a matter of the CPU?",
    };
    snprintf(finding.sure, sizeof finding.sure, "%s", regions->reason);
    if (regions->verdict == REGIONS_UNKNOWN) {
        finding.value = fact_unknown("%.159s", regions->reason);
        return finding;
    }
    finding.number = regions->verdict == REGIONS_HIDDEN;
    finding.value = fact_known("%s", regions->verdict == REGIONS_HIDDEN         ? "yes"
                                     : regions->verdict == REGIONS_NUMA_VISIBLE ? "no: as told"
                                                                                : "no");
    return finding;
}
