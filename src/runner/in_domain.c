/* Workloads in a domain (local.c), whatever its monitor. What the pages really are. */
#include "runner/local.h"

#include "base/size.h"
#include "monitor/deprivileged/deprivileged.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The smallest leaf of the guest's own tables over all of the data; 0 if something is not mapped. */
static uint64_t smallest_guest_page(const struct runner *runner)
{
    const struct memory *data = &runner->config.placement->data;
    const struct local_runner *here = (const struct local_runner *)runner;
    uint64_t smallest = UINT64_MAX, bytes;
    for (uint64_t offset = 0; offset < data->bytes; offset += bytes) {
        bytes = domain_page_bytes(here->domain, (const char *)data->base + offset);
        if (bytes == 0)
            return 0;
        smallest = bytes < smallest ? bytes : smallest;
    }
    return smallest;
}

/* The truth table: a monitor counts the leaves that the CPU walks to. Under nested paging these are the
 * host's; under all others they are as large as the smaller of the guest's and the host's. */
static uint64_t expected_leaf(const struct runner *runner, uint64_t guest_bytes)
{
    uint64_t host_bytes = runner->config.placement->data.page_bytes;
    enum technique technique = runner->config.facts->technique;
    bool one_walk = technique == TECHNIQUE_SHADOW || technique == TECHNIQUE_DIRECT;
    return one_walk && guest_bytes < host_bytes ? guest_bytes : host_bytes;
}

struct leaf_counts {
    uint64_t small, large_2m, large_1g;
};

/* Whether the monitor's counters are what the truth table says, all data having been touched. The image and
 * the system pages are always small; that is why small leaves are only counted at least. */
static bool leaves_are_as_expected(const struct leaf_counts *counts, uint64_t bytes, uint64_t leaf)
{
    const uint64_t wanted[] = {bytes / (4 * KIB), bytes / (2 * MIB), bytes / GIB};
    if (leaf == 4 * KIB)
        return counts->small >= wanted[0] && counts->large_2m == 0 && counts->large_1g == 0;
    if (leaf == 2 * MIB)
        return counts->large_2m == wanted[1] && counts->large_1g == 0;
    return counts->large_1g == wanted[2];
}

/* What was got is put into words; whether it is what was asked for, into proof->as_asked. */
static void judge_leaves(const struct runner *runner, const struct counters *now, struct page_proof *proof)
{
    struct leaf_counts counts;
    uint64_t leaf = expected_leaf(runner, proof->guest_bytes);
    const char *monitor = runner->config.ops->monitor->title;
    char host[sizeof proof->proof];
    memcpy(host, proof->proof, sizeof host);
    if (!counters_get(now, "pages_4k", &counts.small) || !counters_get(now, "pages_2m", &counts.large_2m) ||
        !counters_get(now, "pages_1g", &counts.large_1g)) {
        proof->as_asked = proof->as_asked && leaf == 4 * KIB;
        snprintf(proof->proof, sizeof proof->proof, "%.225s; guest: its own tables; %s counts no pages here",
            host, monitor);
        return;
    }
    proof->as_asked =
        proof->as_asked && leaves_are_as_expected(&counts, runner->config.placement->data.bytes, leaf);
    snprintf(proof->proof, sizeof proof->proof,
        "%.230s; guest: its own tables; %s: pages_4k=%" PRIu64 " pages_2m=%" PRIu64 " pages_1g=%" PRIu64,
        host, monitor, counts.small, counts.large_2m, counts.large_1g);
}

/* Of monitors that map what is touched, and what is around it: how they came to what they have. */
static void tell_filling(const struct counters *now, struct page_proof *proof)
{
    uint64_t faults, pages;
    size_t used = strlen(proof->proof);
    if (counters_get(now, "page_faults_fixed", &faults) && counters_get(now, "pages_filled", &pages))
        snprintf(proof->proof + used, sizeof proof->proof - used,
            "; page_faults_fixed=%" PRIu64 " pages_filled=%" PRIu64, faults, pages);
}

static int in_domain_proof(struct runner *runner, struct page_proof *out, struct error *error)
{
    struct page_proof proof;
    int rc = runner_native.proof(runner, &proof, error); /* the host's side is the same */
    if (rc < 0)
        return rc;
    proof.guest_bytes = smallest_guest_page(runner);
    if (proof.guest_bytes != runner->config.guest_page_bytes)
        return error_set(error, EPROTO, "the guest's tables hold other pages than were asked for");
    const struct counters now = local_counters(((struct local_runner *)runner)->domain);
    judge_leaves(runner, &now, &proof);
    tell_filling(&now, &proof);
    *out = proof;
    return 0;
}

#define COMMON                                                                                               \
    .open = local_open, .prepare = local_prepare, .sample = local_sample, .proof = in_domain_proof,          \
    .close = local_close

const struct runner_ops runner_kvm = {
    .name = "kvm",
    .summary = "in a guest of our own on /dev/kvm, with the paging technique that KVM uses here",
    .monitor = &monitor_kvm,
    COMMON,
};

const struct runner_ops runner_paravirt = {
    .name = "paravirt",
    .summary = "in a guest whose kernel asks for each change of its page tables; needs no /dev/kvm",
    .monitor = &monitor_paravirt,
    .on_request = true,
    COMMON,
};

const struct runner_ops runner_shadow = {
    .name = "shadow",
    .summary = "in a guest whose page tables are shadowed by a process; needs no /dev/kvm",
    .monitor = &monitor_shadow,
    .on_request = true,
    COMMON,
};
