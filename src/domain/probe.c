#include "domain/probe.h"

#include "abi/domain.h"
#include "domain/internal.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ALIASES = 128, ALIAS_FAULTS_MIN = 8 };

static void add_quirk(struct monitor_facts *facts, const char *text)
{
    if (facts->quirk_count < MONITOR_QUIRKS_MAX)
        snprintf(facts->quirks[facts->quirk_count++], sizeof facts->quirks[0], "%s", text);
}

/* ---- the technique ---- */

/* What the provider's own parameter says about nested paging; unknown where it has none or hides it. */
static enum technique technique_by_parameter(const struct monitor_facts *facts)
{
    for (size_t i = 0; i < facts->parameter_count; i++) {
        const struct monitor_parameter *parameter = &facts->parameters[i];
        if (!strcmp(parameter->name, "kvm_amd.npt") || !strcmp(parameter->name, "kvm_intel.ept"))
            return strchr("Yy1", parameter->value[0]) ? TECHNIQUE_NESTED : TECHNIQUE_SHADOW;
    }
    bool pvm = facts->provider.known && !strcmp(facts->provider.text, "kvm_pvm");
    return pvm ? TECHNIQUE_SHADOW : TECHNIQUE_UNKNOWN;
}

static int touch(struct domain *domain, const struct image *image, uint64_t bytes, struct error *error)
{
    workload_function *entry;
    int rc = image_find(image, "touch", &entry, error);
    if (rc < 0)
        return rc;
    image->job->first = (uintptr_t)domain_data_region(domain)->backing.host;
    image->job->bytes = bytes;
    image->job->stride = PAGE_BYTES;
    return domain_call(domain, entry, error);
}

/* Makes every page of the data an alias of its first: one guest physical page behind ALIASES guest virtual
 * ones. */
static int alias_pages(struct domain *domain, struct error *error)
{
    const struct guest_region *data = domain_data_region(domain);
    gva_t second = GVA((uintptr_t)data->backing.host + PAGE_BYTES);
    int rc = page_tables_unmap(&domain->tables, second, (ALIASES - 1) * PAGE_BYTES, error);
    for (uint64_t i = 0; rc == 0 && i < ALIASES - 1; i++)
        rc = page_tables_map(&domain->tables, GVA(second.value + i * PAGE_BYTES), data->start, PAGE_BYTES,
            PAGE_BYTES, PAGE_READ | PAGE_USER, error);
    return rc;
}

/* Under nested paging the monitor translates guest physical addresses: once the first alias was touched, the
 * others cost it nothing. Under shadow paging it translates virtual ones: each alias (or each few, where it
 * fills ahead) is a fault. */
static int count_alias_faults(
    struct domain *domain, const struct image *image, uint64_t *faults, struct error *error)
{
    struct counters before, after;
    int rc;
    if ((rc = alias_pages(domain, error)) < 0 || (rc = touch(domain, image, PAGE_BYTES, error)) < 0)
        return rc;
    domain_counters(domain, &before);
    if ((rc = touch(domain, image, (uint64_t)ALIASES * PAGE_BYTES, error)) < 0)
        return rc;
    domain_counters(domain, &after);
    after = counters_between(&before, &after);
    if (!counters_get(&after, "page_faults_fixed", faults))
        *faults = UINT64_MAX;
    return 0;
}

/* KVM's: what it is others know by themselves. */
static void find_technique(struct domain *domain, const struct image *image, struct monitor_facts *facts)
{
    struct error error;
    uint64_t faults = UINT64_MAX;
    enum technique told = technique_by_parameter(facts);
    if (count_alias_faults(domain, image, &faults, &error) < 0 || faults == UINT64_MAX) {
        facts->technique = told;
        snprintf(facts->technique_proof, sizeof facts->technique_proof,
            told == TECHNIQUE_UNKNOWN ? "KVM counts no page faults and no module parameter tells"
                                      : "as the module's parameter says; not counted");
        return;
    }
    facts->technique = faults >= ALIAS_FAULTS_MIN ? TECHNIQUE_SHADOW : TECHNIQUE_NESTED;
    snprintf(facts->technique_proof, sizeof facts->technique_proof,
        "%d virtual aliases of one touched physical page took the monitor %" PRIu64 " page faults",
        ALIASES - 1, faults);
    if (told != TECHNIQUE_UNKNOWN && told != facts->technique)
        add_quirk(facts, "the module's parameter names the other paging technique than its page faults show");
}

/* ---- privilege ---- */

static void find_syscall_privilege(struct domain *domain, struct monitor_facts *facts)
{
    struct error error;
    struct vcpu_system system;
    struct vcpu_registers registers = {
        .rip = system_address((uint64_t)DOMAIN_PAGE_KERNEL * PAGE_BYTES + DOMAIN_USER_SYSCALL).value,
    };
    if (domain_run_to(domain, PRIVILEGE_USER, registers, DOMAIN_PORT_SYSCALL, &error) < 0 ||
        domain->ops->get_system(domain->first->vcpu, &system, &error) < 0)
        return;
    domain->first->privilege = -1;
    facts->syscall_privilege = system.cs_selector & 3;
    if (facts->syscall_privilege != 0)
        add_quirk(facts, "SYSCALL does not raise the privilege level in a guest");
}

/* The proof that it is a guest at all: the guest's own kernel sees the workload in the segment that the
 * domain set. */
static int find_segment(
    struct domain *domain, const struct image *image, struct monitor_facts *facts, struct error *error)
{
    workload_function *entry;
    int rc = image_find(image, "trap", &entry, error);
    if (rc < 0)
        return rc;
    rc = domain_call(domain, entry, error);
    if (rc < 0 && (rc != -EFAULT || domain_fault(domain).vector != 6))
        return rc; /* something else failed, and says what */
    if (rc == 0 || domain_fault(domain).cs != DOMAIN_USER_CS)
        return error_set(error, EPROTO, "a workload's exception does not show that it ran in the guest");
    if ((rc = touch(domain, image, PAGE_BYTES, error)) == 0 && image->job->code_selector != DOMAIN_USER_CS)
        add_quirk(facts,
            "code in a guest reads another CS selector than the guest's kernel sees: the CPU runs it in a "
            "segment of the host");
    return rc;
}

/* ---- all of it ---- */

static int probe_domain(const struct monitor_ops *monitor, const struct image *image,
    const struct memory *data, struct monitor_facts *facts, struct error *error)
{
    struct domain_config config = {
        .monitor = monitor, .image = image, .data = data, .data_page_bytes = PAGE_BYTES};
    struct domain *domain;
    int rc = domain_create(&config, &domain, error);
    if (rc < 0)
        return rc;
    rc = find_segment(domain, image, facts, error);
    if (rc == 0) {
        if (facts->technique == TECHNIQUE_UNKNOWN)
            find_technique(domain, image, facts);
        find_syscall_privilege(domain, facts);
    }
    domain_destroy(domain);
    return rc;
}

static int probe_with_data(const struct monitor_ops *monitor, const struct image *image,
    struct monitor_facts *facts, struct error *error)
{
    const struct memory_request request = {
        .bytes = (size_t)ALIASES * PAGE_BYTES, .page_bytes = PAGE_BYTES, .shared = monitor->elsewhere};
    struct memory data;
    int rc = memory_map_request(&data, &request, error);
    if (rc < 0)
        return rc;
    rc = memory_populate(&data, true, NULL, NULL, error);
    if (rc == 0)
        rc = probe_domain(monitor, image, &data, facts, error);
    memory_unmap(&data);
    return rc;
}

void domain_probe(const struct monitor_ops *monitor, struct monitor_facts *facts)
{
    struct error error;
    struct image image;
    monitor->describe(facts);
    if (!facts->usable)
        return;
    int rc = image_load(&image, &error);
    if (rc == 0) {
        rc = monitor->elsewhere ? image_share(&image, &error) : 0;
        if (rc == 0)
            rc = probe_with_data(monitor, &image, facts, &error);
        image_unload(&image);
    }
    if (rc < 0) {
        facts->usable = false;
        snprintf(facts->reason, sizeof facts->reason, "%.255s", error.text);
    }
}
