/* Runs workloads in a domain, whatever its monitor. */
#include "runner/runner.h"

#include "base/size.h"
#include "domain/domain.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void in_domain_close(struct runner *runner)
{
    domain_destroy(runner->domain);
    free(runner);
}

static int in_domain_open(const struct runner_type *type, const struct runner_config *config,
    struct runner **out, struct error *error)
{
    struct runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        return error_set(error, ENOMEM, "no memory for a runner");
    *runner = (struct runner){.type = type, .config = *config};
    struct domain_config domain = {
        .monitor = type->monitor,
        .image = config->image,
        .data = config->data,
        .data_page_bytes = config->guest_page_bytes,
        .stop = config->stop,
    };
    int rc = domain_create(&domain, &runner->domain, error);
    if (rc < 0) {
        free(runner);
        return rc;
    }
    *out = runner;
    return 0;
}

static int in_domain_call(struct runner *runner, workload_function *entry, struct error *error)
{
    return domain_call(runner->domain, entry, error);
}

static void in_domain_counters(struct runner *runner, struct runner_counters *counters)
{
    struct monitor_counters now;
    struct error ignored;
    *counters = (struct runner_counters){0};
    if (domain_counters(runner->domain, &now, &ignored) < 0 || now.exits == UINT64_MAX ||
        now.page_faults == UINT64_MAX)
        return;
    *counters = (struct runner_counters){.known = true, .exits = now.exits, .page_faults = now.page_faults};
}

/* ---- what the pages really are ---- */

/* The smallest leaf of the guest's own tables over all of the data; 0 if something is not mapped. */
static uint64_t smallest_guest_page(const struct runner *runner)
{
    const struct memory *data = runner->config.data;
    uint64_t smallest = UINT64_MAX, bytes;
    for (uint64_t offset = 0; offset < data->bytes; offset += bytes) {
        bytes = domain_page_bytes(runner->domain, (const char *)data->base + offset);
        if (bytes == 0)
            return 0;
        smallest = bytes < smallest ? bytes : smallest;
    }
    return smallest;
}

/* The truth table: KVM counts the leaves that the CPU walks to. Under nested paging these are the host's;
 * under shadow paging they are as small as the smaller of the guest's and the host's. */
static int check_leaves(const struct runner *runner, uint64_t guest_bytes, const struct monitor_counters *now,
    struct error *error)
{
    uint64_t pages = runner->config.data->bytes / (4 * KIB), large = now->pages_2m + now->pages_1g;
    bool shadow = runner->config.facts->technique == TECHNIQUE_SHADOW;
    bool small = runner->config.data->page_bytes == 4 * KIB || (shadow && guest_bytes == 4 * KIB);
    if (small && large > 0)
        return error_set(
            error, EPROTO, "4 KiB pages were asked for, but KVM maps %" PRIu64 " large ones", large);
    if (small && now->pages_4k < pages)
        return error_set(error, EPROTO,
            "KVM maps %" PRIu64 " pages of 4 KiB, fewer than the %" PRIu64 " that were touched",
            now->pages_4k, pages);
    return 0;
}

static int in_domain_proof(struct runner *runner, struct page_proof *out, struct error *error)
{
    struct page_proof proof;
    struct monitor_counters now;
    int rc = runner_native.proof(runner, &proof, error); /* the host's side is the same */
    if (rc < 0 || (rc = domain_counters(runner->domain, &now, error)) < 0)
        return rc;
    bool counted = now.pages_4k != UINT64_MAX && now.pages_2m != UINT64_MAX && now.pages_1g != UINT64_MAX;
    proof.guest_bytes = smallest_guest_page(runner);
    if (proof.guest_bytes != runner->config.guest_page_bytes)
        return error_set(error, EPROTO, "the guest's tables hold other pages than were asked for");
    if (counted && (rc = check_leaves(runner, proof.guest_bytes, &now, error)) < 0)
        return rc;
    *out = proof;
    if (counted)
        snprintf(out->proof, sizeof out->proof,
            "%.90s; guest: its own tables; KVM: pages_4k=%" PRIu64 " pages_2m=%" PRIu64, proof.proof,
            now.pages_4k, now.pages_2m);
    else
        snprintf(out->proof, sizeof out->proof, "%.90s; guest: its own tables; KVM counts no pages here",
            proof.proof);
    return 0;
}

const struct runner_type runner_kvm = {
    .name = "kvm",
    .summary = "in a guest of our own on /dev/kvm, with the paging technique that KVM uses here",
    .monitor = &monitor_kvm,
    .open = in_domain_open,
    .call = in_domain_call,
    .proof = in_domain_proof,
    .counters = in_domain_counters,
    .close = in_domain_close,
};
