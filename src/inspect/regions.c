#include "inspect/regions.h"

#include "inspect/regions_layout.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NUMA is what noise makes less often than this, costs so much and turns round by so much. Two sockets differ
 * by 1.3 and more, the halves of one by 1.1. */
static const double chance_most = 1e-4;
static const double far_least = 1.05, turned_least = 1.02;

/* Interaction of this much, though nothing turns round, is called uniform no more. */
static const double far_not_told = 1.15;

/* Signs of it: no verdict. */
static const double chance_of_signs = 0.01;

/* Of an interval of far to near: a wider one could hide NUMA. */
static const double half_width_most = 1.10;

enum { BLOCKS_LEAST = 4 };

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

static void conclude(struct regions *out, enum regions_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void conclude(struct regions *out, enum regions_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    out->verdict = verdict;
}

/* ---- told nodes ---- */

/* More than one node is told, of CPUs or of regions. */
static bool several_nodes(const struct regions_input *in)
{
    int first = REGION_NODE_UNKNOWN;
    for (size_t i = 0; i < in->cpus + in->regions; i++) {
        int node = i < in->cpus ? in->cpu_node[i] : in->region_node[i - in->cpus];
        if (node != REGION_NODE_UNKNOWN && first == REGION_NODE_UNKNOWN)
            first = node;
        else if (node != REGION_NODE_UNKNOWN && node != first)
            return true;
    }
    return false;
}

static bool cpus_are_known(const struct regions_input *in)
{
    for (size_t c = 0; c < in->cpus; c++)
        if (in->cpu_node[c] == REGION_NODE_UNKNOWN)
            return false;
    return true;
}

/* CPUs and regions that are judged by themselves, by their numbers. */
struct part {
    size_t cpus[REGION_CPUS_MAX], regions[REGIONS_MAX];
    size_t cpu_count, region_count;
};

/* All CPUs and regions; with nodes told, regions that are on one node each. */
static struct part whole_of(const struct regions_input *in)
{
    struct part part = {.cpu_count = 0};
    bool nodes = several_nodes(in);
    for (size_t c = 0; c < in->cpus; c++)
        part.cpus[part.cpu_count++] = c;
    for (size_t m = 0; m < in->regions; m++)
        if (!nodes || in->region_node[m] != REGION_NODE_UNKNOWN)
            part.regions[part.region_count++] = m;
    return part;
}

static bool on_same_node(int node, int other)
{
    return node == other || other == REGION_NODE_UNKNOWN;
}

/* Of a part the CPUs of one node, or the regions of one; REGION_NODE_UNKNOWN: of all. */
static struct part of_node(
    const struct regions_input *in, const struct part *all, int cpu_node, int region_node)
{
    struct part part = {.cpu_count = 0};
    for (size_t c = 0; c < all->cpu_count; c++)
        if (on_same_node(in->cpu_node[all->cpus[c]], cpu_node))
            part.cpus[part.cpu_count++] = all->cpus[c];
    for (size_t m = 0; m < all->region_count; m++)
        if (on_same_node(in->region_node[all->regions[m]], region_node))
            part.regions[part.region_count++] = all->regions[m];
    return part;
}

/* Its samples; ns has room for them. */
static struct regions_input input_of(const struct regions_input *in, const struct part *part, double *ns)
{
    struct regions_input input = *in;
    size_t used = 0;
    input.cpus = part->cpu_count;
    input.regions = part->region_count;
    input.ns = ns;
    for (size_t c = 0; c < input.cpus; c++)
        input.cpu_node[c] = in->cpu_node[part->cpus[c]];
    for (size_t m = 0; m < input.regions; m++)
        input.region_node[m] = in->region_node[part->regions[m]];
    for (size_t round = 0; round < in->rounds; round++)
        for (size_t c = 0; c < input.cpus; c++)
            for (size_t m = 0; m < input.regions; m++)
                ns[used++] = in->ns[(round * in->cpus + part->cpus[c]) * in->regions + part->regions[m]];
    return input;
}

/* Are CPUs nearer to the memory of other nodes than to their own? */
static bool wrong_way_round(const struct regions_input *in, const struct region_layout *layout)
{
    double own = 0, others = 0;
    size_t own_count = 0, other_count = 0;
    for (size_t c = 0; c < in->cpus; c++)
        for (size_t m = 0; m < in->regions; m++) {
            bool same = in->cpu_node[c] == in->region_node[m];
            *(same ? &own : &others) += layout->mean[c][m];
            *(same ? &own_count : &other_count) += 1;
        }
    return own_count && other_count && own / (double)own_count > others / (double)other_count;
}

/* ---- what is seen ---- */

/* How far the effects of CPUs or of regions are apart. */
static double spread(const struct region_layout *l, bool of_regions)
{
    size_t count = of_regions ? l->regions : l->cpus, others = of_regions ? l->cpus : l->regions;
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t b = 0; b < l->blocks; b++)
            for (size_t j = 0; j < others; j++)
                sum += of_regions ? l->y[b][j][i] : l->y[b][i][j];
        least = fmin(least, sum);
        most = fmax(most, sum);
    }
    return exp((most - least) / (double)(others * l->blocks));
}

/* The layout's chance and pattern. */
struct seen {
    double chance;
    struct region_pattern pattern;
};

static struct seen look(const struct region_layout *layout)
{
    struct seen seen = {.chance = region_layout_chance(layout)};
    region_layout_pattern(layout, &seen.pattern);
    return seen;
}

static bool is_numa(const struct seen *seen)
{
    const struct region_pattern *p = &seen->pattern;
    return seen->chance <= chance_most && p->far.mean >= log(far_least) && p->far.low > 0 &&
           p->turned.mean >= log(turned_least) && p->turned.low > 0;
}

static bool has_signs(const struct seen *seen)
{
    const struct region_pattern *p = &seen->pattern;
    return seen->chance <= chance_of_signs && p->far.mean >= log(far_least) && p->far.low > 0 &&
           p->turned.mean >= log(turned_least);
}

static void tell(const struct seen *seen, struct regions *out)
{
    const struct region_pattern *p = &seen->pattern;
    out->chance = seen->chance;
    out->far = exp(p->far.mean);
    out->far_low = exp(p->far.low);
    out->far_high = exp(p->far.high);
}

static uint32_t numbered(uint32_t group, const size_t *numbers, size_t count)
{
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++)
        all |= group >> i & 1 ? UINT32_C(1) << numbers[i] : 0;
    return all;
}

static void tell_groups(const struct seen *seen, const struct part *part, struct regions *out)
{
    const struct region_pattern *p = &seen->pattern;
    out->cpus_a = numbered(p->cpus_a, part->cpus, part->cpu_count);
    out->cpus_b = numbered(p->cpus_b, part->cpus, part->cpu_count);
    out->far_from_a = numbered(p->far_from_a, part->regions, part->region_count);
    out->far_from_b = numbered(p->far_from_b, part->regions, part->region_count);
}

/* ---- the verdict ---- */

static void conclude_no_numa(const struct seen *seen, struct regions *out)
{
    if (has_signs(seen))
        conclude(out, REGIONS_UNKNOWN,
            "there are signs that some regions are %.0f %% farther from some CPUs than from others, but not "
            "beyond doubt: measure again",
            (out->far - 1) * 100);
    else if (seen->chance <= chance_most && seen->pattern.far.low > log(far_not_told))
        conclude(out, REGIONS_UNKNOWN,
            "what is farther is so from every CPU, but from some by %.0f %% more than from others: CPUs that "
            "differ look so, and NUMA with a busy node too",
            (exp(2 * seen->pattern.far.mean) - 1) * 100);
    else if (seen->chance <= chance_most && seen->pattern.far.low > log(far_least))
        conclude(out, REGIONS_UNIFORM,
            "CPUs differ and regions differ, but no CPUs are near to what others are far from");
    else
        conclude(out, REGIONS_UNIFORM,
            "no region is farther from some CPUs than from others by more than %.0f %%",
            fmax(1, ceil((out->far_high - 1) * 100)));
}

/* One part of the whole. seen->chance is 1 where there is nothing to see. */
static int look_at_part(const struct regions_input *in, const struct part *part, double *ns,
    struct seen *seen, struct error *error)
{
    struct region_layout layout;
    struct regions_input input = input_of(in, part, ns);
    *seen = (struct seen){.chance = 1};
    if (part->cpu_count < 2 || part->region_count < 2)
        return 0;
    int rc = region_layout_make(&input, &layout, error);
    if (rc < 0)
        return rc;
    *seen = look(&layout);
    region_layout_free(&layout);
    return 0;
}

/* What told nodes cannot explain: CPUs of one node see all regions in the same order, and so do all CPUs
 * those of one node. Looks at each such part; *seen and *found are of the first that has NUMA within. */
static int look_within_nodes(const struct regions_input *in, const struct part *all, double *ns,
    struct seen *seen, struct part *found, bool *hidden, struct error *error)
{
    int rc = 0;
    double tests = (double)(all->cpu_count + all->region_count); /* at most so many */
    *hidden = false;
    for (size_t i = 0; rc == 0 && !*hidden && i < all->cpu_count + all->region_count; i++) {
        bool of_cpu = i < all->cpu_count;
        int node = of_cpu ? in->cpu_node[all->cpus[i]] : in->region_node[all->regions[i - all->cpu_count]];
        *found = of_node(in, all, of_cpu ? node : REGION_NODE_UNKNOWN, of_cpu ? REGION_NODE_UNKNOWN : node);
        rc = look_at_part(in, found, ns, seen, error);
        seen->chance = fmin(1, seen->chance * tests);
        *hidden = rc == 0 && is_numa(seen);
    }
    return rc;
}

static int conclude_with_nodes(const struct regions_input *in, const struct part *part, double *ns,
    struct regions *out, struct error *error)
{
    double more = (out->far - 1) * 100;
    struct seen within;
    struct part found;
    bool hidden;
    int rc = look_within_nodes(in, part, ns, &within, &found, &hidden, error);
    if (rc < 0)
        return rc;
    if (!hidden) {
        conclude(out, REGIONS_NUMA_VISIBLE,
            "memory of other nodes is %.0f %% farther, as the nodes that this kernel is told explain", more);
        return 0;
    }
    tell(&within, out);
    tell_groups(&within, &found, out);
    conclude(out, REGIONS_HIDDEN,
        "beside the nodes that this kernel is told, regions are near to some CPUs and %.0f %% farther from "
        "others",
        (out->far - 1) * 100);
    return 0;
}

static int conclude_numa(const struct regions_input *in, const struct part *part,
    const struct region_layout *layout, double *ns, const struct seen *seen, struct regions *out,
    struct error *error)
{
    double more = (out->far - 1) * 100;
    struct regions_input own = input_of(in, part, ns);
    if (!several_nodes(in)) {
        tell_groups(seen, part, out);
        conclude(out, REGIONS_HIDDEN,
            "two groups of regions are each near to some CPUs and %.0f %% farther from others, and this "
            "kernel "
            "is told of one node",
            more);
    } else if (!cpus_are_known(in)) {
        conclude(out, REGIONS_UNKNOWN, "there is NUMA, but the nodes of the CPUs are not known");
    } else if (wrong_way_round(&own, layout)) {
        tell_groups(seen, part, out);
        conclude(out, REGIONS_HIDDEN,
            "CPUs are %.0f %% nearer to memory of other nodes than to their own: the nodes told are not "
            "those "
            "that are",
            more);
    } else {
        return conclude_with_nodes(in, part, ns, out, error);
    }
    return 0;
}

static int judge_layout(const struct regions_input *in, const struct part *part,
    const struct region_layout *layout, double *ns, struct regions *out, struct error *error)
{
    struct seen seen = look(layout);
    double half = seen.pattern.far.high - seen.pattern.far.mean;
    out->region_spread = spread(layout, true);
    out->cpu_spread = spread(layout, false);
    tell(&seen, out);
    if (is_numa(&seen))
        return conclude_numa(in, part, layout, ns, &seen, out, error);
    if (half > log(half_width_most))
        conclude(out, REGIONS_UNKNOWN,
            "too noisy: a difference of %.0f %% between near and far regions could not be told",
            ceil((exp(half) - 1) * 100));
    else
        conclude_no_numa(&seen, out);
    return 0;
}

static bool can_be_told(const struct regions_input *in, const struct part *part, struct regions *out)
{
    if (part->cpu_count < 2)
        conclude(
            out, REGIONS_UNKNOWN, "from one CPU nothing can be told: all it sees is that regions differ");
    else if (part->region_count < 2)
        conclude(out, REGIONS_UNKNOWN, "of fewer than two regions of memory nothing can be told");
    else if (!in->from_memory)
        conclude(out, REGIONS_UNKNOWN, "a cache may have answered in place of the memory");
    else
        return true;
    return false;
}

static int judge_part(const struct regions_input *in, const struct part *part, double *ns,
    struct regions *out, struct error *error)
{
    struct region_layout layout;
    struct regions_input input = input_of(in, part, ns);
    if (!can_be_told(in, part, out))
        return 0;
    int rc = region_layout_make(&input, &layout, error);
    if (rc < 0)
        return rc;
    if (layout.blocks < BLOCKS_LEAST)
        conclude(out, REGIONS_UNKNOWN, "%zu whole rounds were measured: at least %d are needed",
            layout.blocks, BLOCKS_LEAST);
    else
        rc = judge_layout(in, part, &layout, ns, out, error);
    region_layout_free(&layout);
    return rc;
}

int regions_judge(const struct regions_input *in, struct regions *regions, struct error *error)
{
    struct regions found = {
        .chance = NAN, .far = NAN, .far_low = NAN, .far_high = NAN, .region_spread = NAN, .cpu_spread = NAN};
    if (in->cpus > REGION_CPUS_MAX || in->regions > REGIONS_MAX || in->rounds > REGION_ROUNDS_MAX)
        return error_set(error, EINVAL, "more CPUs, regions or rounds than can be judged");
    struct part whole = whole_of(in);
    double *ns = calloc(in->rounds * in->cpus * in->regions + 1, sizeof *ns);
    if (!ns)
        return error_set(error, ENOMEM, "not enough memory to judge regions of memory");
    int rc = judge_part(in, &whole, ns, &found, error);
    free(ns);
    if (rc == 0)
        *regions = found;
    return rc;
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
