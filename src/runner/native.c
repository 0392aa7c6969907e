/* The baseline: the same machine code, called in this process. */
#include "runner/runner.h"

#include "base/size.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static int native_open(const struct runner_type *type, const struct runner_config *config,
    struct runner **out, struct error *error)
{
    struct runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        return error_set(error, ENOMEM, "no memory for a runner");
    *runner = (struct runner){.type = type, .config = *config};
    *out = runner;
    return 0;
}

static int native_call(struct runner *runner, workload_function *entry, struct error *error)
{
    struct workload_job *job = runner->config.image->job;
    job->finished = 0;
    entry(job);
    return job->finished == WORKLOAD_MAGIC ? 0 : error_set(error, EPROTO, "a native workload did not finish");
}

/* Unknown is not "as asked": nothing may be taken for large pages that is not proved to be. */
static bool pages_are_as_asked(const struct memory *data, const struct memory_pages *pages)
{
    if (!pages->proof.known)
        return data->page_bytes == 4 * KIB; /* the kernel was told never to use others */
    if (data->page_bytes == 4 * KIB)
        return pages->share_2m == 0 && pages->share_1g == 0;
    return (data->page_bytes == 2 * MIB ? pages->share_2m : pages->share_1g) == 1;
}

/* Where the memory is, if nodes were asked for, as the first part of the proof. Is it there? */
static bool prove_nodes(const struct memory *data, char *text, size_t size)
{
    struct memory_nodes found;
    struct error error = {0};
    *text = '\0';
    if (numa_nodes_none(&data->nodes))
        return true;
    bool placed = memory_check_nodes(data, &error) == 0;
    memory_nodes_obtained(data, &found);
    snprintf(text, size, "%.115s; ", placed ? found.proof.text : error.text);
    return placed;
}

static int native_proof(struct runner *runner, struct page_proof *proof, struct error *error)
{
    const struct memory *data = runner->config.data;
    struct memory_pages pages;
    char nodes[120];
    int rc = memory_obtained(data, 0, data->bytes, &pages, error);
    if (rc < 0)
        return rc;
    bool placed = prove_nodes(data, nodes, sizeof nodes);
    *proof = (struct page_proof){
        .host_share_2m = pages.proof.known ? pages.share_2m + pages.share_1g : NAN,
        .as_asked = placed && pages_are_as_asked(data, &pages),
    };
    snprintf(proof->proof, sizeof proof->proof, "%shost (%s): %.100s", nodes,
        memory_source_name(data->source), pages.proof.text);
    return 0;
}

static void native_counters(struct runner *runner, struct runner_counters *counters)
{
    struct rusage usage;
    (void)runner;
    *counters = (struct runner_counters){.known = getrusage(RUSAGE_THREAD, &usage) == 0};
    if (counters->known)
        counters->page_faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

static void native_close(struct runner *runner)
{
    free(runner);
}

const struct runner_type runner_native = {
    .name = "native",
    .summary = "in this process, as any program here runs: the baseline",
    .open = native_open,
    .call = native_call,
    .proof = native_proof,
    .counters = native_counters,
    .close = native_close,
};
