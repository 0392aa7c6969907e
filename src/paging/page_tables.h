/* x86-64 page tables as data (SDM volume 3, 4.5 "4-level paging and 5-level paging"): made, changed and
 * walked from outside, in whatever memory the caller has. Knows no monitor and no domain.
 *
 * Each 64-bit entry is changed by one atomic write, so a CPU may walk the tables meanwhile; what it has
 * cached is the caller's business. Links to lower tables carry all rights: the leaf decides. One thread at a
 * time.
 *
 * Whatever stands in the tables (a guest may have written them), nothing outside the memory that `at` gives
 * is touched, and a range takes at most one step for each 4 KiB.
 *
 * Ranges are of guest virtual addresses, in the canonical form, both ends multiples of 4 KiB and in one half
 * of the address space: else -EINVAL. */
#ifndef VCOST_PAGING_PAGE_TABLES_H
#define VCOST_PAGING_PAGE_TABLES_H

#include "base/address.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_TABLE_BYTES = 4096, PAGE_LEVELS_MAX = 5 };

/* What a leaf lets code do. x86-64 writes and executes only what it can read: any of the three lets read.
 * None of them: the entry keeps its place and frame but is not present. PAGE_LATER with some of them: it says
 * all of that, but is not present until the guest's own kernel makes it so, at the first touch. */
enum page_rights {
    PAGE_READ = 1 << 0,
    PAGE_WRITE = 1 << 1,
    PAGE_EXECUTE = 1 << 2,
    PAGE_USER = 1 << 3,
    PAGE_LATER = 1 << 4
};

/* Bits of an entry, for those who read entries. Bits 9 to 11, which the CPU ignores, are this library's. */
#define PAGE_BIT_PRESENT (UINT64_C(1) << 0)
#define PAGE_BIT_WRITE (UINT64_C(1) << 1)
#define PAGE_BIT_USER (UINT64_C(1) << 2)
#define PAGE_BIT_ACCESSED (UINT64_C(1) << 5)
#define PAGE_BIT_DIRTY (UINT64_C(1) << 6)
#define PAGE_BIT_LARGE (UINT64_C(1) << 7)
#define PAGE_BIT_MAPPED (UINT64_C(1) << 9)  /* a leaf, present or not */
#define PAGE_BIT_HIDDEN (UINT64_C(1) << 10) /* was present: page_tables_hide() */
#define PAGE_BIT_LATER (UINT64_C(1) << 11)  /* PAGE_LATER, and nobody has touched it yet */
#define PAGE_BIT_NO_EXECUTE (UINT64_C(1) << 63)

/* What an entry lets do by itself: enum page_rights. */
unsigned page_entry_rights(uint64_t entry);

/* The memory that tables stand in. take() and give() are asked for by what changes tables, not by walks. */
struct table_memory {
    /* The 512 entries of a table; NULL where there is no memory. */
    uint64_t *(*at)(void *context, gpa_t table);
    /* A page for a table, whatever is in it; and back when its last entry is gone. */
    int (*take)(void *context, gpa_t *table, struct error *error);
    void (*give)(void *context, gpa_t table);
    void *context;
};

struct page_tables {
    struct table_memory memory;
    unsigned levels; /* 4 or 5 */
    uint64_t
        preset; /* PAGE_BIT_ACCESSED, PAGE_BIT_DIRTY: set in new leaves, so that no CPU has to write them */
    gpa_t root; /* CR3 */
};

/* A leaf: [from, from + bytes) translates to [to, to + bytes). */
struct page_leaf {
    gva_t from;
    gpa_t to;
    uint64_t bytes;  /* 4 KiB, 2 MiB, 1 GiB; 0: there is none */
    unsigned rights; /* enum page_rights */
    bool accessed, dirty;
};

/* What a CPU does to translate an address: the entries that it reads, the root's first. */
struct page_walk {
    unsigned reads; /* at most PAGE_LEVELS_MAX */
    struct page_read {
        gpa_t where; /* of the entry */
        uint64_t entry;
    } read[PAGE_LEVELS_MAX];
    struct page_leaf leaf; /* none if nothing is present; its rights are what all entries allow together */
};

/* How many bytes of tables mapping `bytes` with pages of `page_bytes` can take at most, without the root. */
uint64_t page_tables_need(unsigned levels, uint64_t bytes, uint64_t page_bytes);

/* Empty tables: memory, levels and preset are set, the root is made. */
int page_tables_init(struct page_tables *tables, struct error *error);
/* Gives all tables back. */
void page_tables_free(struct page_tables *tables);

/* Maps [from, from + bytes) to [to, to + bytes) with leaves of page_bytes (4 KiB, 2 MiB, 1 GiB), of which all
 * must be multiples. -EEXIST, and nothing is changed, if there is a leaf already, present or not, of any
 * size: unmap first. */
int page_tables_map(struct page_tables *tables, gva_t from, gpa_t to, uint64_t bytes, uint64_t page_bytes,
    unsigned rights, struct error *error);

/* These work on every leaf of a range; holes are passed over. A larger leaf that is only partly in it is
 * split first, which may fail with -ENOMEM before anything that translates has changed. */
int page_tables_unmap(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error);
int page_tables_protect(
    struct page_tables *tables, gva_t from, uint64_t bytes, unsigned rights, struct error *error);
/* Makes what is present, or would be at a touch, not present for a while; the second makes it present again.
 * protect() and unmap() end it, too. */
int page_tables_hide(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error);
int page_tables_show(struct page_tables *tables, gva_t from, uint64_t bytes, struct error *error);

/* Splits the leaf at an address, if it is larger, into leaves of page_bytes with the same frames, rights,
 * accessed and dirty bits. */
int page_tables_split(struct page_tables *tables, gva_t address, uint64_t page_bytes, struct error *error);

/* Sets no bits; memory.take and give may be NULL. An address that is not canonical has no walk: no reads. */
void page_tables_walk(const struct page_tables *tables, gva_t address, struct page_walk *walk);

/* Calls each() for every leaf that has a part in the range, present or not, in the order of addresses, with
 * the accessed and dirty bits as found; then clears those of them that are in `clear`. each may be NULL. */
int page_tables_scan(struct page_tables *tables, gva_t from, uint64_t bytes, uint64_t clear,
    void (*each)(void *context, const struct page_leaf *leaf), void *context, struct error *error);

#endif
