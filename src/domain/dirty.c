/* Which pages of its data a guest has written: what a live migration has to know, and pays for. */
#include "domain/internal.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGES_PER_WORD = 64 };

int domain_log_dirty(struct domain *domain, bool on, struct error *error)
{
    const struct memory *data = domain->config.data;
    struct backing backing = backing_private(data->base, data->bytes);
    return domain->ops->region(
        domain->vm, DOMAIN_SLOT_DATA, domain->data_start, &backing, on ? REGION_LOG_DIRTY : 0, error);
}

int domain_fetch_dirty(struct domain *domain, uint64_t *pages, struct error *error)
{
    size_t words = (domain->config.data->bytes / PAGE_BYTES + PAGES_PER_WORD - 1) / PAGES_PER_WORD;
    uint64_t *bitmap = calloc(words, sizeof *bitmap);
    if (!bitmap)
        return error_set(error, ENOMEM, "no memory for a map of the pages that were written");
    int rc = domain->ops->dirty(domain->vm, DOMAIN_SLOT_DATA, bitmap, error);
    *pages = 0;
    for (size_t i = 0; rc == 0 && i < words; i++)
        *pages += (uint64_t)__builtin_popcountll(bitmap[i]);
    free(bitmap);
    return rc;
}
