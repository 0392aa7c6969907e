/* Changing what a guest has at its addresses, while it runs.
 *
 * Under shadow paging the CPU walks tables that the monitor has derived from the guest's, and the monitor
 * does not see when those change from outside. Two things make it look again:
 * - A change of the host's mapping of the memory behind drops every translation to it, in every table and TLB
 * (the kernel's MMU notifier). So rights are taken away in three steps: the guest loses the range, the host's
 * mapping changes, the guest gets what it is to have. This is all that most changes need, and cheap.
 * - What was derived from the *shape* of tables may stay: a large leaf is shadowed by a table of small ones
 * for just its frames, a table by where it stands, and not every kernel notices that something else is there
 * later. So before something else is where a large leaf was, or a table is used in another place, everything
 * is forgotten: by a region that comes and goes, at which KVM drops all shadows.
 * A monitor that runs its guest elsewhere is told of each change (monitor_ops.changed), and that is all. */
#include "domain/memory.h"

#include "domain/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int memory_forget(void *domain, struct error *error)
{
    struct domain *of = domain;
    struct guest_region passing = {.backing = of->system_region.backing};
    passing.backing.bytes = PAGE_BYTES;
    int rc = domain_add_region(of, &passing, error);
    if (rc < 0 || (rc = domain_remove_region(of, &passing, error)) < 0)
        return rc;
    of->stale = false;
    return 0;
}

bool memory_has_changed(struct domain_cpu *cpu)
{
    unsigned before = cpu->changes;
    cpu->changes = cpu->domain->changes;
    return cpu->changes != before;
}

/* ---- the host's memory behind a range ---- */

struct behind {
    struct domain *domain;
    char *base; /* of what is contiguous so far */
    size_t bytes;
    int failed; /* errno */
};

static void take_and_give(struct behind *behind)
{
    if (behind->bytes && !behind->failed &&
        (mprotect(behind->base, behind->bytes, PROT_NONE) < 0 ||
            mprotect(behind->base, behind->bytes, PROT_READ | PROT_WRITE) < 0))
        behind->failed = errno;
    behind->bytes = 0;
}

/* NULL: a place without memory. */
static char *host_of(struct domain *domain, const struct page_leaf *leaf)
{
    char *host = NULL;
    pthread_mutex_lock(&domain->lock);
    for (size_t i = 0; i < domain->regions.count; i++) {
        const struct guest_region *region = &domain->regions.list[i];
        uint64_t offset = leaf->to.value - region->start.value;
        if (offset < region->backing.bytes && leaf->bytes <= region->backing.bytes - offset)
            host = (char *)region->backing.host + offset;
    }
    pthread_mutex_unlock(&domain->lock);
    return host;
}

static void add_leaf(void *context, const struct page_leaf *leaf)
{
    struct behind *behind = context;
    char *host = host_of(behind->domain, leaf);
    if (!host)
        return;
    if (host != behind->base + behind->bytes) {
        take_and_give(behind);
        behind->base = host;
    }
    behind->bytes += leaf->bytes;
}

static int refresh(struct domain *domain, gva_t from, uint64_t bytes, struct error *error)
{
    struct behind behind = {.domain = domain};
    int rc = page_tables_scan(&domain->tables, from, bytes, 0, add_leaf, &behind, error);
    take_and_give(&behind);
    if (rc == 0 && behind.failed)
        rc = error_errno(error, behind.failed, "cannot take memory away from the guest");
    return rc;
}

/* ---- changes ---- */

struct range {
    uint64_t first, last;
    bool has_large, splits;
};

static void note_large(void *context, const struct page_leaf *leaf)
{
    struct range *range = context;
    range->has_large |= leaf->bytes > PAGE_BYTES;
    range->splits |= leaf->from.value < range->first || leaf->from.value + leaf->bytes - 1 > range->last;
}

static int tell(struct domain *domain, gva_t from, uint64_t bytes, struct error *error)
{
    return domain->ops->changed ? domain->ops->changed(domain->vm, from, bytes, error) : 0;
}

/* The first two steps. */
static int take_away(struct domain *domain, gva_t from, uint64_t bytes, bool goes, domain_host_call *call,
    void *context, struct error *error)
{
    struct range range = {.first = from.value, .last = from.value + bytes - 1};
    int rc = page_tables_scan(&domain->tables, from, bytes, 0, note_large, &range, error);
    if (rc < 0 || (rc = page_tables_hide(&domain->tables, from, bytes, error)) < 0)
        return rc;
    rc = call ? call(context, error) : domain->ops->changed ? 0 : refresh(domain, from, bytes, error);
    if (rc == 0)
        rc = tell(domain, from, bytes, error);
    if (domain->config.program)
        range.splits = range.has_large = false;
    if (rc == 0 && range.splits)
        rc = memory_forget(domain, error);
    else if (rc == 0)
        domain->stale |= goes && range.has_large;
    if (rc < 0)
        page_tables_show(&domain->tables, from, bytes, NULL); /* nothing is left to split */
    return rc;
}

static void begin_change(struct domain *domain)
{
    pthread_mutex_lock(&domain->tables_lock);
    domain->changes++;
}

static int end_change(struct domain *domain, int rc)
{
    domain->changes++;
    pthread_mutex_unlock(&domain->tables_lock);
    return rc;
}

int domain_unmap(struct domain *domain, gva_t from, uint64_t bytes, domain_host_call *call, void *context,
    struct error *error)
{
    begin_change(domain);
    int rc = take_away(domain, from, bytes, true, call, context, error);
    return end_change(domain, rc < 0 ? rc : page_tables_unmap(&domain->tables, from, bytes, error));
}

int domain_protect(struct domain *domain, gva_t from, uint64_t bytes, unsigned rights, domain_host_call *call,
    void *context, struct error *error)
{
    begin_change(domain);
    int rc = take_away(domain, from, bytes, false, call, context, error);
    if (rc == 0)
        rc = page_tables_protect(&domain->tables, from, bytes, rights, error);
    return end_change(domain, rc < 0 ? rc : tell(domain, from, bytes, error));
}

int domain_map(struct domain *domain, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    unsigned rights, struct error *error)
{
    begin_change(domain);
    int rc = domain->stale ? memory_forget(domain, error) : 0;
    if (rc == 0)
        rc = page_tables_map(&domain->tables, from, to, bytes, page_bytes, rights, error);
    return end_change(domain, rc < 0 ? rc : tell(domain, from, bytes, error));
}

static int copy_page(struct domain *domain, const char *page, unsigned rights, struct error *error)
{
    struct table_memory memory = domain->tables.memory;
    gpa_t copy;
    int rc = memory.take(memory.context, &copy, error);
    if (rc < 0)
        return rc;
    memcpy(memory.at(memory.context, copy), page, PAGE_BYTES);
    return page_tables_map(&domain->tables, gva_same_as(page), copy, PAGE_BYTES, PAGE_BYTES, rights, error);
}

int domain_map_copy(
    struct domain *domain, const char *from, uint64_t bytes, unsigned rights, struct error *error)
{
    int rc = 0;
    begin_change(domain);
    for (uint64_t at = 0; rc == 0 && at < bytes; at += PAGE_BYTES)
        rc = copy_page(domain, from + at, rights, error);
    return end_change(domain, rc < 0 ? rc : tell(domain, gva_same_as(from), bytes, error));
}

int domain_harvest(struct domain *domain, gva_t from, uint64_t bytes,
    void (*each)(void *context, const struct page_leaf *leaf), void *context, struct error *error)
{
    pthread_mutex_lock(&domain->tables_lock);
    int rc = page_tables_scan(&domain->tables, from, bytes, PAGE_BIT_ACCESSED, each, context, error);
    pthread_mutex_unlock(&domain->tables_lock);
    return rc;
}

int domain_forget(struct domain *domain, struct error *error)
{
    pthread_mutex_lock(&domain->tables_lock);
    int rc = memory_forget(domain, error);
    pthread_mutex_unlock(&domain->tables_lock);
    return rc;
}

struct page_tables *domain_tables(struct domain *domain)
{
    return &domain->tables;
}
