/* What a guest has at its virtual addresses, changed from outside, by any thread, also while virtual CPUs
 * run, and whatever the paging technique. */
#ifndef VCOST_DOMAIN_MEMORY_H
#define VCOST_DOMAIN_MEMORY_H

#include "domain/domain.h"
#include "paging/page_tables.h"

/* Ranges, page sizes, rights (enum page_rights) and errors are those of paging/page_tables.h; `to` is memory
 * of one of the domain's regions. */
int domain_map(struct domain *domain, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    unsigned rights, struct error *error);

/* The same of copies of pages of this process, where they are here; they are the domain's until its end. */
int domain_map_copy(
    struct domain *domain, const char *from, uint64_t bytes, unsigned rights, struct error *error);

/* Changes the host's mapping of all memory behind a range, by munmap, mprotect or mmap with MAP_FIXED, and
 * nothing of the domain: it is by this that a monitor forgets its translations, so what changes in the guest
 * must change there. If it fails (a negative errno) the guest has the range as before. */
typedef int domain_host_call(void *context, struct error *error);

/* A virtual CPU that touches the range before they return may raise a page fault, even where it may touch it
 * before and after: whoever takes its exceptions looks again and lets it go on. Without a call (NULL) the
 * memory behind the range, which must be readable and writable here, stays as it is; meanwhile nobody may
 * touch it by another address of the guest, or in this process. */
int domain_unmap(struct domain *domain, gva_t from, uint64_t bytes, domain_host_call *call, void *context,
    struct error *error);
int domain_protect(struct domain *domain, gva_t from, uint64_t bytes, unsigned rights, domain_host_call *call,
    void *context, struct error *error);

/* Calls each() for every leaf of a range, with the accessed bit as it is, and clears these bits. A virtual
 * CPU sets them again as it touches what they are for, but only after domain_forget(): until then it may know
 * translations from before. What it touches in between is in this harvest already: it was known since it was
 * touched. */
int domain_harvest(struct domain *domain, gva_t from, uint64_t bytes,
    void (*each)(void *context, const struct page_leaf *leaf), void *context, struct error *error);

/* Whatever monitor and CPU have made of the guest's tables is made again. */
int domain_forget(struct domain *domain, struct error *error);

/* The guest's own tables, to be walked. */
struct page_tables *domain_tables(struct domain *domain);

#endif
