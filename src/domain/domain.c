#include "domain/internal.h"

#include "abi/domain.h"
#include "base/size.h"
#include "domain/x86_64/system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOT_SYSTEM = 0, SLOT_IMAGE = 1 };

/* Guest physical addresses: the system pages from 0, everything else behind the hole that PC devices need
 * below 4 GiB. Each memory starts at a multiple of 1 GiB, so that large pages can line up. */
#define IMAGE_START (4 * GIB)
#define DATA_START (5 * GIB)

/* ---- creating ---- */

static uint64_t system_bytes(const struct domain_config *config)
{
    uint64_t need = (DOMAIN_PAGE_TABLES + 1) * PAGE_BYTES; /* and the root */
    need += page_tables_need((DOMAIN_PAGE_VOID + 1) * PAGE_BYTES, PAGE_BYTES);
    need += page_tables_need(config->image->memory.bytes, PAGE_BYTES);
    return need + (config->data ? page_tables_need(config->data->bytes, config->data_page_bytes) : 0);
}

static int map_image(struct domain *domain, struct error *error)
{
    const struct image *image = domain->config.image;
    uint64_t bytes = image->memory.bytes, code = image->code_bytes;
    int rc = page_tables_map(
        &domain->tables, gva_same_as(image->code), GPA(IMAGE_START), code, PAGE_BYTES, PAGE_USER, error);
    if (rc < 0)
        return rc;
    return page_tables_map(&domain->tables, gva_same_as(image->job), GPA(IMAGE_START + code), bytes - code,
        PAGE_BYTES, PAGE_USER | PAGE_WRITE | PAGE_NO_EXECUTE, error);
}

static int map_data(struct domain *domain, struct error *error)
{
    const struct memory *data = domain->config.data;
    domain->data_start = GPA(DATA_START);
    uint64_t rights = domain->config.data_is_code ? 0 : PAGE_WRITE | PAGE_NO_EXECUTE;
    return page_tables_map(&domain->tables, gva_same_as(data->base), domain->data_start, data->bytes,
        domain->config.data_page_bytes, PAGE_USER | rights, error);
}

static int build_memory(struct domain *domain, struct error *error)
{
    uint64_t first = DOMAIN_PAGE_TABLES * PAGE_BYTES;
    int rc = memory_map(&domain->system, system_bytes(&domain->config), PAGE_BYTES, error);
    if (rc < 0)
        return rc;
    if ((rc = page_tables_init(&domain->tables, domain->system.base, first, domain->system.bytes, error)) <
            0 ||
        (rc = system_build(domain->system.base, &domain->tables, error)) < 0 ||
        (rc = map_image(domain, error)) < 0)
        return rc;
    if ((rc = domain->config.data ? map_data(domain, error) : 0) < 0)
        return rc;
    return domain->config.handling ? handling_map(domain, error) : 0;
}

static int back(
    struct domain *domain, unsigned slot, gpa_t start, const struct memory *memory, struct error *error)
{
    struct backing backing = backing_private(memory->base, memory->bytes);
    return domain->ops->region(domain->vm, slot, start, &backing, 0, error);
}

static int build_machine(struct domain *domain, struct error *error)
{
    const struct monitor_ops *ops = domain->ops;
    const struct domain_config *config = &domain->config;
    const struct vm_config vm = {.irqchip = config->irqchip, .stop = config->stop};
    int rc;
    if ((rc = ops->create(&vm, &domain->vm, error)) < 0 ||
        (rc = back(domain, SLOT_SYSTEM, GPA(0), &domain->system, error)) < 0 ||
        (rc = back(domain, SLOT_IMAGE, GPA(IMAGE_START), &config->image->memory, error)) < 0 ||
        (config->data && (rc = back(domain, DOMAIN_SLOT_DATA, domain->data_start, config->data, error)) < 0))
        return rc;
    return ops->vcpu(domain->vm, 0, &domain->vcpu, error);
}

int domain_create(const struct domain_config *config, struct domain **out, struct error *error)
{
    struct domain *domain = calloc(1, sizeof *domain);
    if (!domain)
        return error_set(error, ENOMEM, "no memory for a domain");
    domain->config = *config;
    domain->ops = config->monitor;
    domain->privilege = -1;
    int rc;
    if ((rc = build_memory(domain, error)) < 0 || (rc = build_machine(domain, error)) < 0) {
        domain_destroy(domain);
        return rc;
    }
    *out = domain;
    return 0;
}

void domain_destroy(struct domain *domain)
{
    if (!domain)
        return;
    domain_stop_second(domain);
    if (domain->vm)
        domain->ops->destroy(domain->vm);
    if (domain->system.base)
        memory_unmap(&domain->system);
    free(domain);
}

/* ---- looking and changing ---- */

struct domain_fault domain_fault(const struct domain *domain)
{
    return domain->fault;
}

uint64_t domain_page_bytes(const struct domain *domain, const void *address)
{
    uint64_t bytes = 0;
    return page_tables_leaf(&domain->tables, gva_same_as(address), &bytes) ? bytes : 0;
}

/* Clearing the guest's entry from outside does not make a shadow table forget it. Taking the host's mapping
 * away and giving it back does, under every technique (the kernel's MMU notifier). */
int domain_unmap_page(struct domain *domain, void *address, struct error *error)
{
    uint64_t bytes = 0;
    uint64_t *leaf = page_tables_leaf(&domain->tables, gva_same_as(address), &bytes);
    if (!leaf)
        return error_set(error, EINVAL, "the guest has no page at %p", address);
    *leaf = 0;
    void *page = (void *)((uintptr_t)address & ~(uintptr_t)(bytes - 1));
    if (mprotect(page, bytes, PROT_NONE) < 0 || mprotect(page, bytes, PROT_READ | PROT_WRITE) < 0)
        return error_errno(error, errno, "cannot take a page away from the guest");
    return 0;
}

void domain_counters(const struct domain *domain, struct counters *counters)
{
    *counters = (struct counters){.count = 0};
    domain->ops->counters(domain->vm, NULL, counters);
    domain->ops->counters(domain->vm, domain->vcpu, counters);
}
