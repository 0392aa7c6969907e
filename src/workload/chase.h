/* The pointer chase: what shapes there are, how its list is laid out in memory, and which address each hop
 * reads, so that a model can follow it without executing it.
 *
 * Every shape is ONE cycle over all its elements. The cycle is a bijection that is computed, not looked up:
 * which element stands at position k, and which comes after element e, are known without memory, so laying
 * out writes memory once, in address order.
 *
 * An element's pointer stands at its start, as in the article. Only the orders with one cache line in each
 * page put it into a hashed line of its page: a regular offset would alias in the caches. */
#ifndef VCOST_WORKLOAD_CHASE_H
#define VCOST_WORKLOAD_CHASE_H

#include "abi/workload.h"
#include "base/error.h"
#include "base/permutation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chase_order {
    CHASE_SEQUENTIAL,     /* element after element */
    CHASE_RANDOM,         /* one random cycle over all elements */
    CHASE_RANDOM_IN_PAGE, /* 4 KiB pages in sequence, the elements of each in random order */
    CHASE_LINE_PER_PAGE,  /* one cache line in each 4 KiB page, pages in random order: the TLB alone */
    CHASE_PACKED,         /* as many lines as line-per-page, side by side: the same without the TLB */
    CHASE_SCATTERED,      /* as many lines as line-per-page, at random places in a sixteenth of the pages: the
                             caches as line-per-page fills them, with a sixteenth of the translations */
    CHASE_LINE_PER_LARGE_PAGE, /* one cache line in each 2 MiB, in random order: the TLB of large pages */
    CHASE_ORDERS               /* an agent is told an order by its number: new ones go to the end */
};

struct chase_order_info {
    const char *name;    /* as on the command line and in results */
    const char *summary; /* one line for `vcost list` and --help */
    uint64_t line_bytes; /* orders of single cache lines: the bytes of working set for each of them; 0 for the
                            others, whose elements stand side by side */
};
extern const struct chase_order_info chase_orders[CHASE_ORDERS];

enum {
    CHASE_CHAINS_MAX = WORKLOAD_CHAINS_MAX,
    CHASE_ELEMENT_BYTES_MAX = 4096,
    CHASE_PAGE_BYTES = 4096,          /* the "page" of random-in-page, line-per-page and scattered … */
    CHASE_LARGE_PAGE_BYTES = 2 << 20, /* … and of line-per-large-page, whatever the real pages are */
    CHASE_LINE_BYTES = 64,
    CHASE_SCATTERED_LINES = 16 /* in each page of scattered */
};

struct chase_shape {
    uint64_t working_set_bytes; /* for packed and scattered: the working set of the line-per-page chase that
                                   they are held against */
    uint32_t element_bytes;     /* 8 * (1 + NPAD); one cache line for orders of single lines */
    enum chase_order order;
    bool write;      /* each hop also writes the element's second word */
    unsigned chains; /* 1 … CHASE_CHAINS_MAX independent chains, evenly spread over the one cycle */
};

/* As JSON (record.h): the parameters of a chase. */
struct record;
extern const struct record chase_shape_record;

/* Refuses what cannot be: no working set, an element that is not a multiple of 8 or too large for it, writing
 * into elements that are only a pointer, more chains than elements. */
int chase_check(const struct chase_shape *shape, struct error *error);

/* Finds an order by its name; -1 if there is none. */
int chase_order_find(const char *name);

/* Are the elements of this order single cache lines, whatever NPAD is? */
static inline bool chase_single_lines(enum chase_order order)
{
    return chase_orders[order].line_bytes != 0;
}

/* How many bytes of working set stand for one element. */
uint64_t chase_bytes_an_element(enum chase_order order, uint32_t element_bytes);

/* A shape together with its seed: everything that decides where the elements lie and in which order they
 * come. */
struct chase_layout {
    struct chase_shape shape;
    uint64_t elements; /* in the cycle */
    uint64_t
        bytes; /* of memory, from the start of the first element to the end of the last one's page or line */
    uint64_t alignment; /* that the start of the memory must have for the pages to be those of this order */
    uint64_t seed;
    struct permutation permutation; /* of all elements (random and the orders of single lines) */
};

/* The shape must have passed chase_check(). */
struct chase_layout chase_layout_make(const struct chase_shape *shape, uint64_t seed);

/* The offset from the start of the memory of the word that is read at `position` of the cycle (taken modulo
 * the number of elements). Position 0 is where chain 0 starts. */
uint64_t chase_layout_offset(const struct chase_layout *layout, uint64_t position);

/* Where chain number `chain` starts, as a position of the cycle. */
uint64_t chase_layout_start(const struct chase_layout *layout, unsigned chain);

/* Writes the pointers of `count` elements from number `first` on (in address order) into the memory at base,
 * which will be read at the same addresses. All elements: first 0, count layout->elements. */
void chase_layout_write(const struct chase_layout *layout, void *base, uint64_t first, uint64_t count);
/* The same for memory that is at `address` where it will be read. */
void chase_layout_write_for(
    const struct chase_layout *layout, void *base, uint64_t address, uint64_t first, uint64_t count);

/* The name of the entry in the workload image that walks this shape: "chase-read-1". */
void chase_entry_name(const struct chase_shape *shape, char name[static WORKLOAD_NAME_BYTES]);

#endif
