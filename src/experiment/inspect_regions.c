#include "experiment/inspect_regions.h"

#include "base/random.h"
#include "base/size.h"
#include "measure/statistics.h"
#include "runner/chase_kind.h"

#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ELEMENT_BYTES = 256, /* beyond what a prefetcher takes along */
    WARM_HOPS = 512,     /* untimed, after each change of CPU or region */
    BATCHES = 8,         /* of a sample; the slowest is left out */
    ROUNDS_LEAST = 4,
    ROUNDS_AIMED = 20,
    PROBE_HOPS = 512, /* lines that are timed hot and flushed */
    CPUS_CONSIDERED = 8192
};

#define REGION_BYTES (16 * MIB)

static const double sample_seconds_least = 0.5e-3, sample_seconds_most = 3e-3;
static const double walking_share = 0.55; /* of a round; the rest is flushing and changing CPUs */

/* Flushing works if lines take so many times longer after it. */
static const double flushed_least = 3;

struct region {
    struct placement placement;
    struct runner *runner;
    uint64_t position; /* of the cursor in the list */
};

struct visit {
    struct setting *setting;
    unsigned cpus[REGION_CPUS_MAX];
    struct region regions[REGIONS_MAX];
    struct regions_input input;
    double *ns; /* what input.ns points to */
    double start, end;
    uint64_t hops; /* timed, of a sample */
    uint64_t random;
    bool flushes_at_once; /* CLFLUSHOPT */
    struct region_effort effort;
};

/* ---- CPUs ---- */

static int bind_to(const struct visit *v, unsigned cpu, struct error *error)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_CONSIDERED);
    if (!set)
        return error_set(error, ENOMEM, "no memory for a set of CPUs");
    size_t bytes = v->setting->pin.bytes;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(cpu, bytes, set);
    int rc = sched_setaffinity(0, bytes, set) < 0 ? -errno : 0;
    CPU_FREE(set);
    return rc < 0 ? error_errno(error, -rc, "cannot bind the measuring thread to CPU %u", cpu) : 0;
}

static size_t count_allowed(const struct pin *pin)
{
    size_t count = 0;
    for (size_t cpu = 0; cpu < pin->bytes * 8; cpu++)
        count += CPU_ISSET_S(cpu, pin->bytes, pin->before) != 0;
    return count;
}

/* Spread over those that are allowed. */
static void choose_cpus(struct visit *v)
{
    const struct pin *pin = &v->setting->pin;
    size_t allowed = count_allowed(pin), seen = 0;
    size_t wanted = allowed < REGION_CPUS_MAX ? allowed : REGION_CPUS_MAX;
    for (size_t cpu = 0; cpu < pin->bytes * 8 && v->input.cpus < wanted; cpu++)
        if (CPU_ISSET_S(cpu, pin->bytes, pin->before) && seen++ == v->input.cpus * allowed / wanted)
            v->cpus[v->input.cpus++] = (unsigned)cpu;
}

static int node_here(void)
{
    unsigned cpu, node;
    return syscall(SYS_getcpu, &cpu, &node, NULL) == 0 ? (int)node : REGION_NODE_UNKNOWN;
}

/* ---- regions ---- */

/* Up to so many nodes that may be used; none if there is one alone. */
static size_t find_nodes(struct numa_nodes nodes[static REGIONS_MAX])
{
    size_t count = 0;
    for (unsigned node = 0; node < 64 && count < REGIONS_MAX; node++) {
        char text[8];
        snprintf(text, sizeof text, "%u", node);
        count += numa_nodes_parse(text, &nodes[count], NULL) == 0;
    }
    return count > 1 ? count : 0;
}

/* Large pages where there are any, so that the caches of page tables have less part in it. Without
 * /proc/stat, which takes as long to read as a sample: rounds tell the noise. */
static int map_region(
    struct visit *v, struct placement *placement, const struct numa_nodes *nodes, struct error *error)
{
    struct placement_config config = {
        .memory = {.page_bytes = 2 * MIB, .source = MEMORY_THP},
        .image = &v->setting->image,
        .clock = &v->setting->clock,
        .stop = &v->setting->stop,
    };
    if (nodes)
        config.memory.nodes = *nodes;
    placement_open(placement, &config);
    watch_close(&placement->watch);
    int rc = placement_map(placement, REGION_BYTES, 2 * MIB, error);
    v->effort.large_pages = rc == 0;
    if (rc == -ENOTSUP || rc == -EINVAL) {
        placement->config.memory.page_bytes = 4 * KIB;
        placement->config.memory.source = MEMORY_SMALL;
        rc = placement_map(placement, REGION_BYTES, 2 * MIB, error);
    }
    return rc;
}

/* The node that it is on; several: not known. */
static int node_of(const struct memory *memory)
{
    struct memory_nodes nodes;
    memory_nodes_obtained(memory, &nodes);
    for (int node = 0; nodes.proof.known && node < NUMA_NODES_MAX; node++)
        if ((double)nodes.node_bytes[node] > 0.9 * (double)nodes.resident_bytes)
            return node;
    return REGION_NODE_UNKNOWN;
}

static bool can_flush_at_once(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1u << 23;
}

/* The list fills the memory. */
static const char *line_at(const struct region *region, uint64_t position)
{
    const struct placement *placement = &region->placement;
    return (const char *)placement->data.base + chase_layout_offset(&placement->layout, position);
}

/* One after the other: several times slower. */
static void flush_each(const struct region *region, uint64_t position, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        _mm_clflush(line_at(region, position + i));
}

__attribute__((target("clflushopt"))) static void flush_at_once(
    const struct region *region, uint64_t position, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        _mm_clflushopt((void *)line_at(region, position + i));
}

static void flush(const struct visit *v, const struct region *region, uint64_t position, uint64_t count)
{
    (v->flushes_at_once ? flush_at_once : flush_each)(region, position, count);
    _mm_mfence();
}

static int lay_out(struct visit *v, struct region *region, struct error *error)
{
    const struct workload chase =
        chase_workload(&(struct chase_shape){REGION_BYTES, ELEMENT_BYTES, CHASE_RANDOM, false, 1});
    const struct runner_config native = runner_here(&runner_native, &region->placement, NULL, 0);
    int rc = runner_open(&native, &region->runner, error);
    return rc < 0 ? rc : runner_prepare(region->runner, &chase, random_next(&v->random), error);
}

/* Each from another CPU, and on another node where there are several. */
static int make_regions(struct visit *v, struct error *error)
{
    struct numa_nodes nodes[REGIONS_MAX] = {0};
    size_t node_count = find_nodes(nodes);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < REGIONS_MAX; i++) {
        struct region *region = &v->regions[i];
        rc = bind_to(v, v->cpus[i % v->input.cpus], error);
        v->input.cpu_node[i % v->input.cpus] = node_here();
        if (rc == 0)
            rc = map_region(v, &region->placement, node_count ? &nodes[i % node_count] : NULL, error);
        if (rc == 0)
            rc = lay_out(v, region, error);
        v->input.regions += rc == 0;
        v->input.region_node[i] = rc < 0       ? REGION_NODE_UNKNOWN
                                  : node_count ? node_of(&region->placement.data)
                                               : 0;
    }
    for (size_t c = 0; node_count == 0 && c < v->input.cpus; c++)
        v->input.cpu_node[c] = 0;
    return rc;
}

static void release(struct visit *v)
{
    for (size_t i = 0; i < REGIONS_MAX; i++) {
        runner_close(v->regions[i].runner);
        placement_close(&v->regions[i].placement);
    }
    free(v->ns);
}

/* ---- samples ---- */

static int walk(
    struct visit *v, struct region *region, uint64_t steps, uint64_t batches, double *ns, struct error *error)
{
    const struct effort effort = {.steps = steps, .batches = batches};
    struct sample sample;
    int rc = runner_sample(region->runner, &effort, &sample, error);
    if (rc < 0)
        return rc;
    region->position += sample.operations;
    double all = sample_value(&sample) * (double)sample.operations, hops = (double)sample.operations;
    double slowest = clock_ns(&v->setting->clock, v->setting->image.job->slowest_batch);
    bool leave_out = batches > 1 && slowest < all;
    *ns = leave_out ? (all - slowest) / (hops - (double)steps) : all / hops;
    return 0;
}

/* From the CPU that the thread is on. The lines are flushed, so that none is where another CPU left it. */
static int take_sample(struct visit *v, struct region *region, double *ns, struct error *error)
{
    double warm;
    if (stop_asked(&v->setting->stop))
        return error_set(error, EINTR, "stopped while latencies to regions of memory were measured");
    flush(v, region, region->position, WARM_HOPS + v->hops);
    int rc = walk(v, region, WARM_HOPS, 1, &warm, error);
    return rc < 0 ? rc : walk(v, region, v->hops / BATCHES, BATCHES, ns, error);
}

/* The same lines twice: as they are after a walk, and flushed. */
static int try_flushing(struct visit *v, struct error *error)
{
    struct region *region = &v->regions[0];
    uint64_t cursor = region->placement.cursor[0], position = region->position;
    double *figures[] = {&v->effort.flushed_ns, &v->effort.cached_ns, &v->effort.cached_ns};
    int rc = 0;
    flush(v, region, position, PROBE_HOPS);
    for (size_t i = 0; rc == 0 && i < sizeof figures / sizeof figures[0]; i++) {
        region->placement.cursor[0] = cursor;
        region->position = position;
        rc = walk(v, region, PROBE_HOPS, 1, figures[i], error);
    }
    v->input.from_memory = v->effort.flushed_ns > flushed_least * v->effort.cached_ns;
    return rc;
}

/* How long a sample may be for so many rounds, from what a hop took. */
static void plan_samples(struct visit *v)
{
    double left = v->end - clock_seconds();
    double samples = (double)(v->input.cpus * v->input.regions * ROUNDS_AIMED);
    double seconds = fmin(fmax(left * walking_share / samples, sample_seconds_least), sample_seconds_most);
    double hops = seconds * 1e9 / fmin(fmax(v->effort.flushed_ns, 20), 5000);
    v->hops = (uint64_t)fmax(ceil(hops / BATCHES), 16) * BATCHES;
}

/* ---- rounds ---- */

static int take_row(struct visit *v, size_t cpu, double *row, struct error *error)
{
    size_t order[REGIONS_MAX];
    double unused;
    int rc = bind_to(v, v->cpus[cpu], error);
    random_order(&v->random, order, v->input.regions);
    if (rc == 0) /* this CPU may have slept: what comes first is not to be any region's */
        rc = walk(v, &v->regions[order[v->input.regions - 1]], WARM_HOPS, 1, &unused, error);
    for (size_t i = 0; rc == 0 && i < v->input.regions; i++)
        rc = take_sample(v, &v->regions[order[i]], &row[order[i]], error);
    return rc;
}

/* CPUs in random order, regions in random order anew for each: what disturbs for a while hits other cells in
 * every round. */
static int take_round(struct visit *v, double *cells, struct error *error)
{
    size_t order[REGION_CPUS_MAX];
    int rc = 0;
    random_order(&v->random, order, v->input.cpus);
    for (size_t i = 0; rc == 0 && i < v->input.cpus; i++)
        rc = take_row(v, order[i], cells + order[i] * v->input.regions, error);
    return rc;
}

static int take_rounds(struct visit *v, struct error *error)
{
    size_t cells = v->input.cpus * v->input.regions;
    double longest = 0;
    int rc = 0;
    while (rc == 0 && v->input.rounds < REGION_ROUNDS_MAX &&
           (v->input.rounds < ROUNDS_LEAST || clock_seconds() + longest < v->end)) {
        double before = clock_seconds();
        rc = take_round(v, v->ns + v->input.rounds * cells, error);
        v->input.rounds += rc == 0;
        longest = fmax(longest, clock_seconds() - before);
    }
    return rc;
}

/* ---- all of it ---- */

static double median_of(const double *values, size_t count)
{
    static double sorted[REGION_ROUNDS_MAX * REGION_CPUS_MAX * REGIONS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    return statistics_median(sorted, count);
}

static int measure(struct visit *v, struct error *error)
{
    int rc = make_regions(v, error);
    if (rc == 0)
        rc = try_flushing(v, error);
    if (rc < 0)
        return rc;
    plan_samples(v);
    v->effort.ready_seconds = clock_seconds() - v->start;
    return take_rounds(v, error);
}

static void tell_effort(struct visit *v, struct region_effort *effort)
{
    v->effort.cpus = v->input.cpus;
    v->effort.regions = v->input.regions;
    v->effort.rounds = v->input.rounds;
    v->effort.region_bytes = REGION_BYTES;
    v->effort.seconds = clock_seconds() - v->start;
    v->effort.median_ns = median_of(v->ns, v->input.rounds * v->input.cpus * v->input.regions);
    *effort = v->effort;
}

static void no_verdict(struct regions *regions, const char *reason)
{
    *regions = (struct regions){.verdict = REGIONS_UNKNOWN,
        .chance = NAN,
        .far = NAN,
        .far_low = NAN,
        .far_high = NAN,
        .region_spread = NAN,
        .cpu_spread = NAN};
    snprintf(regions->reason, sizeof regions->reason, "%.255s", reason);
}

/* What is measured on one CPU says nothing: no memory is made for it. */
static int visit_all(struct visit *v, struct regions *regions, struct error *error)
{
    struct error wrong = {0};
    choose_cpus(v);
    if (v->input.cpus < 2)
        return regions_judge(&v->input, regions, error);
    int rc = measure(v, &wrong);
    int back = bind_to(v, v->setting->pin.cpu, rc < 0 ? NULL : &wrong);
    rc = rc < 0 ? rc : back;
    if (rc == -EINTR)
        return error_set(error, EINTR, "%s", wrong.text);
    if (rc == 0)
        return regions_judge(&v->input, regions, error);
    no_verdict(regions, wrong.text);
    return 0;
}

int inspect_regions_measure(struct setting *setting, double seconds, uint64_t seed, struct regions *regions,
    struct region_effort *effort, struct error *error)
{
    double now = clock_seconds();
    struct visit *v = calloc(1, sizeof *v);
    double *ns = calloc((size_t)REGION_ROUNDS_MAX * REGION_CPUS_MAX * REGIONS_MAX, sizeof *ns);
    if (!v || !ns) {
        free(v);
        free(ns);
        return error_set(error, ENOMEM, "not enough memory to measure regions of memory");
    }
    *v = (struct visit){.setting = setting, .ns = ns, .start = now, .end = now + seconds, .random = seed};
    v->input.ns = ns;
    for (size_t i = 0; i < REGIONS_MAX; i++)
        v->regions[i].placement.watch.stat = -1;
    v->flushes_at_once = can_flush_at_once();
    v->effort.cached_ns = v->effort.flushed_ns = NAN;
    int rc = visit_all(v, regions, error);
    tell_effort(v, effort);
    release(v);
    free(v);
    return rc;
}
