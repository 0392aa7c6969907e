/* Changing what a guest has at its addresses, while it runs.
 *
 * Under shadow paging the CPU walks tables that the monitor has derived from the guest's, and the monitor
 * does not see when those change from outside. Two things make it look again:
 * - A change of the host's mapping of the memory behind drops every translation to it, in every table and TLB
 * (the kernel's MMU notifier). So rights are taken away in three steps: the guest loses the range, the host's
 * mapping changes, the guest gets what it is to have. This is all that most changes need, and cheap.
 * - What was derived from the *shape* of tables stays: a large leaf is shadowed by a table of small ones for
 * just its frames, and a table by its address. So before something else stands where a large leaf was, or a
 * table is used in another place, everything is forgotten: by a memory slot that comes and goes, at which KVM
 * drops all shadows. */
#include "domain/internal.h"

#include <errno.h>
#include <sys/mman.h>

/* In the hole that PC devices need, as DOMAIN_VOID_PHYSICAL: nobody maps it. */
enum { SLOT_SPARE = 31 };
#define SPARE_START GPA(0xd8000000)

int memory_forget(void *context, struct error *error)
{
    struct domain *domain = context;
    const struct backing page = backing_private(domain->system.base, PAGE_BYTES);
    int rc = domain->ops->region(domain->vm, SLOT_SPARE, SPARE_START, &page, 0, error);
    if (rc == 0)
        rc = domain->ops->region(domain->vm, SLOT_SPARE, SPARE_START, NULL, 0, error);
    if (rc == 0)
        domain->stale = false;
    return rc;
}

/* ---- the host's memory behind a range ---- */

struct behind {
    const struct domain *domain;
    char *base; /* of what is contiguous so far */
    size_t bytes;
    int failed; /* errno */
};

gpa_t domain_physical(const struct domain *domain, const void *address)
{
    return GPA(
        domain->data_start.value + (uint64_t)((const char *)address - (char *)domain->config.data->base));
}

static void take_and_give(struct behind *behind)
{
    if (behind->bytes && !behind->failed &&
        (mprotect(behind->base, behind->bytes, PROT_NONE) < 0 ||
            mprotect(behind->base, behind->bytes, PROT_READ | PROT_WRITE) < 0))
        behind->failed = errno;
    behind->bytes = 0;
}

static void add_leaf(void *context, const struct page_leaf *leaf)
{
    struct behind *behind = context;
    const struct memory *data = behind->domain->config.data;
    uint64_t offset = leaf->to.value - behind->domain->data_start.value;
    if (!data || offset >= data->bytes || leaf->bytes > data->bytes - offset)
        return;
    char *host = (char *)data->base + offset;
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

/* The first two steps. */
static int take_away(struct domain *domain, gva_t from, uint64_t bytes, bool goes, domain_host_call *call,
    void *context, struct error *error)
{
    struct range range = {.first = from.value, .last = from.value + bytes - 1};
    int rc = page_tables_scan(&domain->tables, from, bytes, 0, note_large, &range, error);
    if (rc < 0 || (rc = page_tables_hide(&domain->tables, from, bytes, error)) < 0)
        return rc;
    rc = call ? call(context, error) : refresh(domain, from, bytes, error);
    if (rc == 0 && range.splits)
        rc = memory_forget(domain, error);
    else if (rc == 0)
        domain->stale |= goes && range.has_large;
    if (rc < 0)
        page_tables_show(&domain->tables, from, bytes, NULL); /* nothing is left to split */
    return rc;
}

int domain_unmap(struct domain *domain, gva_t from, uint64_t bytes, domain_host_call *call, void *context,
    struct error *error)
{
    int rc = take_away(domain, from, bytes, true, call, context, error);
    return rc < 0 ? rc : page_tables_unmap(&domain->tables, from, bytes, error);
}

int domain_protect(struct domain *domain, gva_t from, uint64_t bytes, unsigned rights, domain_host_call *call,
    void *context, struct error *error)
{
    int rc = take_away(domain, from, bytes, false, call, context, error);
    return rc < 0 ? rc : page_tables_protect(&domain->tables, from, bytes, rights, error);
}

int domain_map(struct domain *domain, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    unsigned rights, struct error *error)
{
    int rc = domain->stale ? memory_forget(domain, error) : 0;
    return rc < 0 ? rc : page_tables_map(&domain->tables, from, to, bytes, page_bytes, rights, error);
}
