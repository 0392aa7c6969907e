/* NUMA that is not told: latencies from several CPUs to several regions of memory, in turns. */
#include "experiment/inspect_internal.h"

#include "base/random.h"
#include "runner/chase_kind.h"

#include <errno.h>
#include <immintrin.h>
#include <math.h>
#include <stdio.h>

enum {
    REGION_MIB = 16,
    ELEMENT_BYTES = 256, /* beyond what a prefetcher takes along */
    BATCHES = 8,         /* of a sample, after another that is not timed */
    BATCH_HOPS = 256,
    ROUNDS_LEAST = 4
};

struct visit {
    struct setting *setting;
    struct regions_input *input;
    unsigned cpus[REGION_CPUS_MAX];
    struct placement regions[REGIONS_MAX];
    struct runner *runners[REGIONS_MAX];
    uint64_t random;
    bool told; /* is this kernel told of several nodes? */
};

static int go_to(const struct visit *v, size_t cpu, struct error *error)
{
    struct pin pin = v->setting->pin;
    pin.cpu = v->cpus[cpu];
    return pin_resume(&pin, error);
}

/* ---- samples ---- */

/* Lines of a list from here on, so that none is found where another CPU left it. */
static void flush(uint64_t cursor, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *line = (const uint64_t *)cursor;
        cursor = *line;
        _mm_clflush(line);
    }
    _mm_mfence();
}

/* From the CPU that the thread is on; without the slowest batch, which something may have disturbed. */
static int take_sample(struct visit *v, size_t region, double *ns, struct error *error)
{
    static const struct effort effort = {
        .steps = BATCH_HOPS, .batches = BATCHES, .warm_steps = BATCH_HOPS, .warm_limit = 1};
    const struct workload_job *job = v->setting->image.job;
    const uint64_t start = v->regions[region].cursor[0];
    struct sample sample;
    if (stop_asked(&v->setting->stop))
        return error_set(error, EINTR, "stopped while latencies to regions of memory were measured");
    int rc = runner_sample(v->runners[region], &effort, &sample, error);
    if (rc == 0)
        *ns = clock_ns(&v->setting->clock, job->ticks - job->slowest_batch) / ((BATCHES - 1) * BATCH_HOPS);
    flush(start, (1 + BATCHES) * BATCH_HOPS);
    return rc;
}

/* CPUs in random order, regions in random order anew for each: what disturbs for a while hits other cells in
 * every round. A CPU may have slept: its first sample is replaced by another after all. */
static int take_round(struct visit *v, double ns[][REGIONS_MAX], struct error *error)
{
    size_t cpus[REGION_CPUS_MAX], regions[REGIONS_MAX];
    int rc = 0;
    random_order(&v->random, cpus, v->input->cpus);
    for (size_t i = 0; rc == 0 && i < v->input->cpus; i++) {
        rc = go_to(v, cpus[i], error);
        random_order(&v->random, regions, REGIONS_MAX);
        for (size_t k = 0; rc == 0 && k <= REGIONS_MAX; k++)
            rc = take_sample(v, regions[k % REGIONS_MAX], &ns[cpus[i]][regions[k % REGIONS_MAX]], error);
    }
    return rc;
}

/* ---- CPUs and regions ---- */

/* Spread over those that are allowed; and where they are, as this kernel tells. */
static int choose_cpus(struct visit *v, struct error *error)
{
    const struct pin *pin = &v->setting->pin;
    struct regions_input *in = v->input;
    size_t allowed = (size_t)CPU_COUNT_S(pin->bytes, pin->before), seen = 0;
    size_t wanted = allowed < REGION_CPUS_MAX ? allowed : REGION_CPUS_MAX;
    unsigned node = 0;
    int rc = 0;
    for (unsigned cpu = 0; rc == 0 && cpu < pin->bytes * 8 && in->cpus < wanted; cpu++)
        if (CPU_ISSET_S(cpu, pin->bytes, pin->before) && seen++ == in->cpus * allowed / wanted) {
            v->cpus[in->cpus] = cpu;
            rc = go_to(v, in->cpus, error);
            getcpu(NULL, &node);
            in->cpu_node[in->cpus++] = (int)node;
            v->told |= in->cpu_node[0] != (int)node;
        }
    return rc;
}

/* Large pages where there are any, so that the caches of page tables have less part in it. Without
 * /proc/stat, which takes as long to read as a sample: rounds tell the noise. */
static int open_region(struct visit *v, size_t i, struct error *error)
{
    const struct chase_shape shape = {REGION_MIB * MIB, ELEMENT_BYTES, CHASE_RANDOM, false, 1};
    const struct workload chase = chase_workload(&shape);
    struct placement *placement = &v->regions[i];
    const struct runner_config native = runner_here(&runner_native, placement, NULL, 0);
    watch_close(&placement->watch);
    int rc = placement_map(placement, shape.working_set_bytes, 2 * MIB, error);
    if (rc == -ENOTSUP || rc == -EINVAL) {
        placement->config.memory.page_bytes = 4 * KIB;
        placement->config.memory.source = MEMORY_SMALL;
        rc = placement_map(placement, shape.working_set_bytes, 2 * MIB, error);
    }
    if (rc < 0 || (rc = runner_open(&native, &v->runners[i], error)) < 0 ||
        (rc = runner_prepare(v->runners[i], &chase, random_next(&v->random), error)) < 0)
        return rc;
    flush(placement->cursor[0], placement->layout.elements);
    return 0;
}

/* Each first touched from another CPU; where several nodes are told, bound to that CPU's. */
static int open_regions(struct visit *v, struct error *error)
{
    struct regions_input *in = v->input;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < REGIONS_MAX; i++) {
        unsigned node = (unsigned)(in->region_node[i] = in->cpu_node[i % in->cpus]);
        if (v->told)
            v->regions[i].config.memory.nodes.bits[node / 64] = UINT64_C(1) << node % 64;
        rc = go_to(v, i % in->cpus, error);
        if (rc == 0)
            rc = open_region(v, i, error);
        in->regions++;
    }
    return rc;
}

static int visit_all(struct visit *v, double seconds, struct error *error)
{
    struct regions_input *in = v->input;
    double end = clock_seconds() + seconds;
    int rc = choose_cpus(v, error);
    if (rc < 0 || in->cpus < 2) /* from one CPU nothing can be told: no memory is made for it */
        return rc;
    rc = open_regions(v, error);
    while (
        rc == 0 && in->rounds < REGION_ROUNDS_MAX && (in->rounds < ROUNDS_LEAST || clock_seconds() < end)) {
        rc = take_round(v, in->ns[in->rounds], error);
        in->rounds += rc == 0;
    }
    return rc;
}

int inspect_regions(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    const struct inspect_experiment *experiment = inspection->experiment;
    struct setting *setting = experiment->setting;
    struct visit v = {.setting = setting, .input = &inspection->regions_input, .random = experiment->seed};
    const struct placement_config config = {.memory = {.page_bytes = 2 * MIB, .source = MEMORY_THP},
        .image = &setting->image,
        .clock = &setting->clock,
        .stop = &setting->stop};
    (void)progress; /* it is short */
    for (size_t i = 0; i < REGIONS_MAX; i++)
        placement_open(&v.regions[i], &config);
    int rc = visit_all(&v, inspection->plan->region_seconds * inspection->scale, error);
    int back = pin_resume(&setting->pin, rc < 0 ? NULL : error);
    for (size_t i = 0; i < REGIONS_MAX; i++) {
        runner_close(v.runners[i]);
        placement_close(&v.regions[i]);
    }
    if (rc == 0 && back == 0)
        inspection->regions = regions_judge(v.input);
    return inspect_end_part(inspection, rc < 0 ? rc : back, inspection->no_regions, error);
}

/* ---- as a finding ---- */

int inspect_find_regions(struct inspection *inspection, struct error *error)
{
    static const char *const words[REGIONS_VERDICTS] = {"", "no", "no: as told", "yes"};
    const struct regions_input *in = &inspection->regions_input;
    const struct regions *regions = &inspection->regions;
    bool known = regions->verdict != REGIONS_UNKNOWN;
    struct finding finding = inspect_measured("hidden-numa", "NUMA that is not told", FINDING_BELOW,
        UNIT_YES_NO, inspect_figure(known ? regions->verdict == REGIONS_HIDDEN : NAN), regions->reason);
    if (!regions->reason[0]) /* not measured: inspect_findings.c says why */
        return 0;
    finding.source = FINDING_JUDGED;
    if (known)
        finding.value = fact_known("%s", words[regions->verdict]);
    snprintf(finding.sure, sizeof finding.sure, "%s", regions->reason);
    if (in->rounds)
        snprintf(finding.how, sizeof finding.how,
            "latency from %zu CPUs to %zu regions of %d MiB, %zu rounds", in->cpus, in->regions, REGION_MIB,
            in->rounds);
    else
        snprintf(finding.how, sizeof finding.how,
            "a chase from each of several CPUs to each of several regions of memory: is which region is near "
            "a matter of the CPU?");
    return findings_add(&inspection->result->findings, &finding, error);
}
