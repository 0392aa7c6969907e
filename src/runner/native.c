/* The baseline: the same machine code, called in this process (local.c). What its pages really are. */
#include "runner/local.h"

#include "base/size.h"

#include <math.h>
#include <stdio.h>

/* Unknown is not "as asked": nothing may be taken for large pages that is not proved to be. */
static bool pages_are_as_asked(const struct memory *data, const struct memory_pages *pages)
{
    if (!pages->proof.known)
        return data->page_bytes == 4 * KIB; /* the kernel was told never to use others */
    if (pages->exact && pages->resident_bytes != pages->range_bytes)
        return false;
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
    const struct memory *data = &runner->config.placement->data;
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
    snprintf(proof->proof, sizeof proof->proof, "%shost (%s%s): %.100s", nodes,
        memory_source_name(data->source), data->shared ? ", shared" : "", pages.proof.text);
    return 0;
}

const struct runner_ops runner_native = {
    .name = "native",
    .summary = "in this process, as any program here runs: the baseline",
    .open = local_open,
    .prepare = local_prepare,
    .sample = local_sample,
    .proof = native_proof,
    .close = local_close,
};
