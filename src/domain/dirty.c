/* Which pages of its data a guest has written: what a live migration has to know, and pays for. */
#include "domain/lab.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4096, PAGES_PER_WORD = 64 };

int domain_log_dirty(struct domain *domain, bool on, struct error *error)
{
    const struct guest_region *data = domain_data_region(domain);
    struct domain_machine machine = domain_machine(domain);
    return machine.ops->region(
        machine.vm, data->slot, data->start, &data->backing, on ? REGION_LOG_DIRTY : 0, error);
}

int domain_fetch_dirty(struct domain *domain, uint64_t *pages, struct error *error)
{
    const struct guest_region *data = domain_data_region(domain);
    struct domain_machine machine = domain_machine(domain);
    size_t words = (data->backing.bytes / PAGE_BYTES + PAGES_PER_WORD - 1) / PAGES_PER_WORD;
    uint64_t *bitmap = calloc(words, sizeof *bitmap);
    if (!bitmap)
        return error_set(error, ENOMEM, "no memory for a map of the pages that were written");
    int rc = machine.ops->dirty(machine.vm, data->slot, bitmap, error);
    *pages = 0;
    for (size_t i = 0; rc == 0 && i < words; i++)
        *pages += (uint64_t)__builtin_popcountll(bitmap[i]);
    free(bitmap);
    return rc;
}
