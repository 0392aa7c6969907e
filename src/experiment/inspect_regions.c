#include "experiment/inspect_internal.h"

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

enum {
    ELEMENT_BYTES = 256, /* beyond what a prefetcher takes along */
    WARM_HOPS = 512,     /* untimed, after each change of CPU or region */
    BATCHES = 8,         /* of a sample; the slowest is left out */
    ROUNDS_LEAST = 4,
    ROUNDS_AIMED = 20,
    PROBE_HOPS = 512 /* lines that are timed hot and flushed */
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
    double ns[REGION_ROUNDS_MAX * REGION_CPUS_MAX * REGIONS_MAX];
    double end;
    uint64_t hops; /* timed, of a sample */
    uint64_t random;
    bool flushes_at_once; /* CLFLUSHOPT */
    struct region_effort effort;
};

static int go_to(const struct visit *v, unsigned cpu, struct error *error)
{
    struct pin pin = v->setting->pin;
    pin.cpu = cpu;
    return pin_resume(&pin, error);
}

/* ---- regions ---- */

/* Large pages where there are any, so that the caches of page tables have less part in it. Without
 * /proc/stat, which takes as long to read as a sample: rounds tell the noise. */
static int make_region(
    struct visit *v, struct region *region, const struct numa_nodes *nodes, struct error *error)
{
    struct placement *placement = &region->placement;
    const struct workload chase =
        chase_workload(&(struct chase_shape){REGION_BYTES, ELEMENT_BYTES, CHASE_RANDOM, false, 1});
    placement_open(placement, &(struct placement_config){
                                  .memory = {.page_bytes = 2 * MIB, .source = MEMORY_THP, .nodes = *nodes},
                                  .image = &v->setting->image,
                                  .clock = &v->setting->clock,
                                  .stop = &v->setting->stop,
                              });
    watch_close(&placement->watch);
    int rc = placement_map(placement, REGION_BYTES, 2 * MIB, error);
    if (rc == -ENOTSUP || rc == -EINVAL) {
        placement->config.memory.page_bytes = 4 * KIB;
        placement->config.memory.source = MEMORY_SMALL;
        rc = placement_map(placement, REGION_BYTES, 2 * MIB, error);
    }
    const struct runner_config native = runner_here(&runner_native, placement, NULL, 0);
    if (rc == 0)
        rc = runner_open(&native, &region->runner, error);
    return rc < 0 ? rc : runner_prepare(region->runner, &chase, random_next(&v->random), error);
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

/* Each from another CPU, and on another node where there are several that may be used. */
static int make_regions(struct visit *v, struct error *error)
{
    struct regions_input *in = &v->input;
    struct numa_nodes nodes[REGIONS_MAX] = {0};
    size_t count = 0;
    int rc = 0;
    for (unsigned node = 0; node < 64 && count < REGIONS_MAX; node++) {
        char text[8];
        snprintf(text, sizeof text, "%u", node);
        count += numa_nodes_parse(text, &nodes[count], NULL) == 0;
    }
    if (count < 2) {
        nodes[0] = (struct numa_nodes){{0}}; /* wherever */
        count = 1;
    }
    for (size_t i = 0; rc == 0 && i < REGIONS_MAX; i++) {
        unsigned cpu, node;
        rc = go_to(v, v->cpus[i % in->cpus], error);
        if (count > 1)
            in->cpu_node[i % in->cpus] = getcpu(&cpu, &node) == 0 ? (int)node : REGION_NODE_UNKNOWN;
        if (rc == 0)
            rc = make_region(v, &v->regions[i], &nodes[i % count], error);
        if (rc == 0 && count > 1)
            in->region_node[i] = node_of(&v->regions[i].placement.data);
        in->regions += rc == 0;
    }
    return rc;
}

/* ---- samples ---- */

__attribute__((target("clflushopt"))) static void flush_at_once(const void *line)
{
    _mm_clflushopt((void *)line);
}

/* The lines of the list from the region's position on. Without CLFLUSHOPT one after the other, which is
 * several times slower. The list fills the memory. */
static void flush(const struct visit *v, const struct region *region, uint64_t count)
{
    const struct placement *placement = &region->placement;
    for (uint64_t i = 0; i < count; i++) {
        const char *line = (const char *)placement->data.base +
                           chase_layout_offset(&placement->layout, region->position + i);
        if (v->flushes_at_once)
            flush_at_once(line);
        else
            _mm_clflush(line);
    }
    _mm_mfence();
}

static int walk(
    struct visit *v, struct region *region, uint64_t steps, uint64_t batches, double *ns, struct error *error)
{
    const struct effort effort = {.steps = steps, .batches = batches};
    struct sample sample;
    int rc = runner_sample(region->runner, &effort, &sample, error);
    if (rc < 0)
        return rc;
    region->position += sample.operations;
    double hops = (double)sample.operations, all = sample_value(&sample) * hops;
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
    flush(v, region, WARM_HOPS + v->hops);
    int rc = walk(v, region, WARM_HOPS, 1, &warm, error);
    return rc < 0 ? rc : walk(v, region, v->hops / BATCHES, BATCHES, ns, error);
}

/* Whether flushing works: the same lines flushed, and as they are after a walk. Then how long a sample may be
 * for so many rounds, from what a hop took. */
static int plan_samples(struct visit *v, struct error *error)
{
    struct region *region = &v->regions[0];
    uint64_t cursor = region->placement.cursor[0], position = region->position;
    double *figures[] = {&v->effort.flushed_ns, &v->effort.cached_ns, &v->effort.cached_ns};
    int rc = 0;
    flush(v, region, PROBE_HOPS);
    for (size_t i = 0; rc == 0 && i < sizeof figures / sizeof figures[0]; i++) {
        region->placement.cursor[0] = cursor;
        region->position = position;
        rc = walk(v, region, PROBE_HOPS, 1, figures[i], error);
    }
    v->input.from_memory = v->effort.flushed_ns > flushed_least * v->effort.cached_ns;
    double samples = (double)(v->input.cpus * v->input.regions * ROUNDS_AIMED);
    double seconds = (v->end - clock_seconds()) * walking_share / samples;
    seconds = fmin(fmax(seconds, sample_seconds_least), sample_seconds_most);
    double hops = seconds * 1e9 / fmin(fmax(v->effort.flushed_ns, 20), 5000);
    v->hops = (uint64_t)fmax(ceil(hops / BATCHES), 16) * BATCHES;
    return rc;
}

/* CPUs in random order, regions in random order anew for each: what disturbs for a while hits other cells in
 * every round. */
static int take_round(struct visit *v, double *cells, struct error *error)
{
    const size_t regions = v->input.regions;
    size_t cpus[REGION_CPUS_MAX] = {0}, order[REGIONS_MAX] = {0};
    int rc = 0;
    random_order(&v->random, cpus, v->input.cpus);
    for (size_t i = 0; rc == 0 && i < v->input.cpus; i++) {
        double unused;
        rc = go_to(v, v->cpus[cpus[i]], error);
        random_order(&v->random, order, regions);
        if (rc == 0) /* this CPU may have slept: what comes first is not to be any region's */
            rc = walk(v, &v->regions[order[regions - 1]], WARM_HOPS, 1, &unused, error);
        for (size_t k = 0; rc == 0 && k < regions; k++)
            rc = take_sample(v, &v->regions[order[k]], &cells[cpus[i] * regions + order[k]], error);
    }
    return rc;
}

static int take_rounds(struct visit *v, struct error *error)
{
    struct regions_input *in = &v->input;
    double longest = 0;
    int rc = make_regions(v, error);
    if (rc == 0)
        rc = plan_samples(v, error);
    while (rc == 0 && in->rounds < REGION_ROUNDS_MAX &&
           (in->rounds < ROUNDS_LEAST || clock_seconds() + longest < v->end)) {
        double before = clock_seconds();
        rc = take_round(v, v->ns + in->rounds * in->cpus * in->regions, error);
        in->rounds += rc == 0;
        longest = fmax(longest, clock_seconds() - before);
    }
    return rc;
}

/* ---- all of it ---- */

/* From CPUs spread over those that are allowed. What is measured on one says nothing: no memory is made for
 * it. */
static int visit_all(struct visit *v, struct regions *regions, struct error *error)
{
    const struct pin *pin = &v->setting->pin;
    size_t allowed = (size_t)CPU_COUNT_S(pin->bytes, pin->before), seen = 0;
    size_t wanted = allowed < REGION_CPUS_MAX ? allowed : REGION_CPUS_MAX;
    struct error wrong = {0};
    for (size_t cpu = 0; cpu < pin->bytes * 8 && v->input.cpus < wanted; cpu++)
        if (CPU_ISSET_S(cpu, pin->bytes, pin->before) && seen++ == v->input.cpus * allowed / wanted)
            v->cpus[v->input.cpus++] = (unsigned)cpu;
    if (v->input.cpus < 2)
        return regions_judge(&v->input, regions, error);
    int rc = take_rounds(v, &wrong);
    int back = pin_resume(pin, rc < 0 ? NULL : &wrong);
    rc = rc < 0 ? rc : back;
    if (rc == -EINTR)
        return error_set(error, EINTR, "%s", wrong.text);
    if (rc == 0)
        return regions_judge(&v->input, regions, error);
    *regions = (struct regions){
        .verdict = REGIONS_UNKNOWN, .chance = NAN, .far = NAN, .far_low = NAN, .far_high = NAN};
    snprintf(regions->reason, sizeof regions->reason, "%.255s", wrong.text);
    return 0;
}

int inspect_regions_measure(struct setting *setting, double seconds, uint64_t seed, struct regions *regions,
    struct region_effort *effort, struct error *error)
{
    unsigned eax, ebx, ecx, edx;
    struct visit *v = calloc(1, sizeof *v);
    if (!v)
        return error_set(error, ENOMEM, "not enough memory to measure regions of memory");
    v->setting = setting;
    v->end = clock_seconds() + seconds;
    v->random = seed;
    v->flushes_at_once = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1u << 23;
    v->input.ns = v->ns;
    for (size_t i = 0; i < REGIONS_MAX; i++)
        v->regions[i].placement.watch.stat = -1;
    int rc = visit_all(v, regions, error);
    v->effort.rounds = v->input.rounds;
    v->effort.cpus = v->input.cpus;
    v->effort.regions = v->input.regions;
    *effort = v->effort;
    for (size_t i = 0; i < REGIONS_MAX; i++) {
        runner_close(v->regions[i].runner);
        placement_close(&v->regions[i].placement);
    }
    free(v);
    return rc;
}

/* ---- NUMA that is not told, as a finding ---- */

int inspect_regions(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    const struct inspect_experiment *experiment = inspection->experiment;
    double seconds = inspect_part_seconds(inspection, inspection->plan->region_seconds);
    (void)progress; /* it is short */
    if (!(seconds > 0))
        return 0;
    int rc = inspect_regions_measure(
        experiment->setting, seconds, experiment->seed, &inspection->regions, &inspection->effort, error);
    inspection->regions_known = rc == 0;
    return rc;
}

int inspect_find_regions(struct inspection *inspection, struct error *error)
{
    const struct region_effort *effort = &inspection->effort;
    struct finding finding = regions_finding(&inspection->regions);
    if (!inspection->regions_known)
        return 0;
    if (effort->rounds)
        snprintf(finding.how, sizeof finding.how,
            "latency from %zu CPUs to %zu regions of %.0f MiB, %zu rounds", effort->cpus, effort->regions,
            (double)REGION_BYTES / (double)MIB, effort->rounds);
    return findings_add(&inspection->result->findings, &finding, error);
}
