/* Which memory a domain has, and where its guest finds it. */
#include "base/size.h"
#include "domain/internal.h"

/* Everything but the system pages lies behind the hole that PC devices need below 4 GiB. */
#define FIRST_START (4 * GIB)

static int set_region(struct domain *domain, const struct guest_region *region, struct error *error)
{
    int rc = guest_memory_check(&domain->regions, region, error);
    if (rc == 0)
        rc = domain->ops->region(
            domain->vm, region->slot, region->start, &region->backing, region->flags, error);
    if (rc == 0)
        guest_memory_set(&domain->regions, region);
    return rc;
}

int domain_add_region_from(
    struct domain *domain, gpa_t from, struct guest_region *region, struct error *error)
{
    struct guest_region placed = *region;
    pthread_mutex_lock(&domain->lock);
    guest_memory_place(&domain->regions, from, GIB, &placed);
    int rc = set_region(domain, &placed, error);
    pthread_mutex_unlock(&domain->lock);
    if (rc == 0)
        *region = placed;
    return rc;
}

int domain_add_region(struct domain *domain, struct guest_region *region, struct error *error)
{
    return domain_add_region_from(domain, GPA(FIRST_START), region, error);
}

int domain_remove_region(struct domain *domain, const struct guest_region *region, struct error *error)
{
    pthread_mutex_lock(&domain->lock);
    int rc = set_region(domain, &(struct guest_region){.slot = region->slot, .start = region->start}, error);
    pthread_mutex_unlock(&domain->lock);
    return rc;
}
