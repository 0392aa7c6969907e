/* A guest's own page tables (SDM volume 3, 4.5 "4-level paging"), built from outside in memory that the guest
 * cannot reach. */
#ifndef VCOST_DOMAIN_X86_64_PAGING_H
#define VCOST_DOMAIN_X86_64_PAGING_H

#include "base/address.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Bits of an entry. Accessed and dirty are preset: the CPU, or KVM for it, then never has to write them. */
#define PAGE_PRESENT (UINT64_C(1) << 0)
#define PAGE_WRITE (UINT64_C(1) << 1)
#define PAGE_USER (UINT64_C(1) << 2)
#define PAGE_ACCESSED_DIRTY (UINT64_C(3) << 5)
#define PAGE_LARGE (UINT64_C(1) << 7)
#define PAGE_NO_EXECUTE (UINT64_C(1) << 63)

struct page_tables {
    char *base;         /* host memory behind guest physical 0; not owned */
    uint64_t next, end; /* guest physical: the next free page for a table, and where they end */
    gpa_t root;         /* CR3 */
};

/* How many bytes of tables mapping `bytes` with pages of `page_bytes` can take at most, the root not counted.
 */
uint64_t page_tables_need(uint64_t bytes, uint64_t page_bytes);

/* Starts empty tables in [first, end) of guest physical memory, which begins at host address base. */
int page_tables_init(
    struct page_tables *tables, char *base, uint64_t first, uint64_t end, struct error *error);

/* Maps [from, from + bytes) to [to, to + bytes) with leaves of page_bytes (4 KiB, 2 MiB, 1 GiB) and the given
 * rights (PAGE_WRITE, PAGE_USER, PAGE_NO_EXECUTE). Addresses and length must be multiples of page_bytes. */
int page_tables_map(struct page_tables *tables, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    uint64_t rights, struct error *error);

/* The leaf entry that translates an address, and its size in *page_bytes; NULL if none is present. */
uint64_t *page_tables_leaf(const struct page_tables *tables, gva_t address, uint64_t *page_bytes);

#endif
