#include "workload/chase.h"

#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct chase_order_info chase_orders[CHASE_ORDERS] = {
    [CHASE_SEQUENTIAL] = {"sequential", "element after element, as the hardware prefetchers like it"},
    [CHASE_RANDOM] = {"random", "one random cycle over all elements: caches and TLBs together"},
    [CHASE_RANDOM_IN_PAGE] = {"random-in-page",
        "4 KiB pages in sequence, random within each: caches, hardly the TLB"},
    [CHASE_LINE_PER_PAGE] = {"line-per-page",
        "one cache line in each 4 KiB page, pages in random order: the TLB", CHASE_PAGE_BYTES},
    [CHASE_PACKED] = {"packed", "as many lines as line-per-page, side by side: the same without the TLB",
        CHASE_PAGE_BYTES},
    [CHASE_SCATTERED] = {"scattered",
        "as many lines as line-per-page, at random places in a sixteenth of the pages", CHASE_PAGE_BYTES},
    [CHASE_LINE_PER_LARGE_PAGE] = {"line-per-large-page",
        "one cache line in each 2 MiB, in random order: the TLB of large pages", CHASE_LARGE_PAGE_BYTES},
};

int chase_order_find(const char *name)
{
    for (int order = 0; order < CHASE_ORDERS; order++)
        if (!strcmp(name, chase_orders[order].name))
            return order;
    return -1;
}

uint64_t chase_bytes_an_element(enum chase_order order, uint32_t element_bytes)
{
    return chase_single_lines(order) ? chase_orders[order].line_bytes : element_bytes;
}

static uint64_t element_count(const struct chase_shape *shape)
{
    return shape->working_set_bytes / chase_bytes_an_element(shape->order, shape->element_bytes);
}

int chase_check(const struct chase_shape *shape, struct error *error)
{
    if (shape->element_bytes < 8 || shape->element_bytes % 8 ||
        shape->element_bytes > CHASE_ELEMENT_BYTES_MAX)
        return error_set(error, EINVAL, "an element of %" PRIu32 " bytes is not a multiple of 8 from 8 to %d",
            shape->element_bytes, CHASE_ELEMENT_BYTES_MAX);
    if (chase_single_lines(shape->order) && shape->element_bytes != CHASE_LINE_BYTES)
        return error_set(error, EINVAL, "the elements of %s are one cache line of %d bytes",
            chase_orders[shape->order].name, CHASE_LINE_BYTES);
    if (shape->write && shape->element_bytes < 16)
        return error_set(error, EINVAL,
            "writing needs elements of at least 16 bytes (NPAD 1 or more): a hop "
            "increments the word after the pointer");
    if (shape->chains < 1 || shape->chains > CHASE_CHAINS_MAX)
        return error_set(error, EINVAL, "%u chains are not 1 to %d", shape->chains, CHASE_CHAINS_MAX);
    if (element_count(shape) < shape->chains)
        return error_set(error, EINVAL,
            "a working set of %" PRIu64 " bytes holds %" PRIu64
            " elements of the order %s, fewer than its %u chain%s",
            shape->working_set_bytes, element_count(shape), chase_orders[shape->order].name, shape->chains,
            shape->chains > 1 ? "s" : "");
    return 0;
}

/* Has each line of this order a page of its own? */
static bool line_in_a_page(enum chase_order order)
{
    return order == CHASE_LINE_PER_PAGE || order == CHASE_LINE_PER_LARGE_PAGE;
}

static uint64_t layout_bytes(const struct chase_shape *shape, uint64_t elements)
{
    if (shape->order == CHASE_SCATTERED)
        return (elements + CHASE_SCATTERED_LINES - 1) / CHASE_SCATTERED_LINES * CHASE_PAGE_BYTES;
    return elements * (line_in_a_page(shape->order) ? chase_orders[shape->order].line_bytes
                                                    : (uint64_t)shape->element_bytes);
}

struct chase_layout chase_layout_make(const struct chase_shape *shape, uint64_t seed)
{
    struct chase_layout layout = {.shape = *shape, .elements = element_count(shape), .seed = seed};
    layout.bytes = layout_bytes(shape, layout.elements);
    layout.alignment = shape->order == CHASE_LINE_PER_LARGE_PAGE ? CHASE_LARGE_PAGE_BYTES : CHASE_PAGE_BYTES;
    layout.permutation = permutation_make(layout.elements, seed);
    return layout;
}

/* random-in-page: the elements that start in one page, as numbers [first, first + count). */
struct page_elements {
    uint64_t first;
    struct permutation permutation;
};

static uint64_t first_element_of_page(const struct chase_layout *layout, uint64_t page)
{
    uint64_t element =
        (page * CHASE_PAGE_BYTES + layout->shape.element_bytes - 1) / layout->shape.element_bytes;
    return element < layout->elements ? element : layout->elements;
}

static uint64_t page_of_element(const struct chase_layout *layout, uint64_t element)
{
    return element * layout->shape.element_bytes / CHASE_PAGE_BYTES;
}

static struct page_elements page_elements(const struct chase_layout *layout, uint64_t page)
{
    uint64_t first = first_element_of_page(layout, page);
    uint64_t count = first_element_of_page(layout, page + 1) - first;
    return (struct page_elements){
        first, permutation_make(count, random_mix(layout->seed ^ random_mix(page)))};
}

/* The element at a position of the cycle (below the number of elements). Pages come in sequence and hold the
 * same numbers as positions and as elements, so a position's page is that of the element of the same number.
 */
static uint64_t element_at(const struct chase_layout *layout, uint64_t position)
{
    if (layout->shape.order == CHASE_SEQUENTIAL)
        return position;
    if (layout->shape.order != CHASE_RANDOM_IN_PAGE)
        return permutation_forward(&layout->permutation, position);
    struct page_elements page = page_elements(layout, page_of_element(layout, position));
    return page.first + permutation_forward(&page.permutation, position - page.first);
}

static uint64_t hashed_line(const struct chase_layout *layout, uint64_t page, uint64_t page_bytes)
{
    uint64_t line = random_mix(layout->seed + page) % (page_bytes / CHASE_LINE_BYTES);
    return page * page_bytes + line * CHASE_LINE_BYTES;
}

/* scattered: the first 16 places of a permutation of the page's 64 lines, which is another in each page. */
static uint64_t scattered_line(const struct chase_layout *layout, uint64_t element)
{
    uint64_t page = element / CHASE_SCATTERED_LINES;
    struct permutation lines =
        permutation_make(CHASE_PAGE_BYTES / CHASE_LINE_BYTES, random_mix(layout->seed ^ random_mix(page)));
    uint64_t line = permutation_forward(&lines, element % CHASE_SCATTERED_LINES);
    return page * CHASE_PAGE_BYTES + line * CHASE_LINE_BYTES;
}

static uint64_t offset_of_element(const struct chase_layout *layout, uint64_t element)
{
    if (line_in_a_page(layout->shape.order))
        return hashed_line(layout, element, chase_orders[layout->shape.order].line_bytes);
    if (layout->shape.order == CHASE_SCATTERED)
        return scattered_line(layout, element);
    return element * layout->shape.element_bytes;
}

uint64_t chase_layout_offset(const struct chase_layout *layout, uint64_t position)
{
    return offset_of_element(layout, element_at(layout, position % layout->elements));
}

uint64_t chase_layout_start(const struct chase_layout *layout, unsigned chain)
{
    return (uint64_t)((unsigned __int128)layout->elements * chain / layout->shape.chains);
}

/* The memory, and the address that it has where it is read. */
struct target {
    char *base;
    uint64_t address;
};

static void write_element(
    const struct chase_layout *layout, const struct target *to, uint64_t element, uint64_t next)
{
    uint64_t *word = (uint64_t *)(to->base + offset_of_element(layout, element));
    word[0] = to->address + offset_of_element(layout, next);
    if (layout->shape.write)
        word[1] = 0;
}

static uint64_t after(const struct chase_layout *layout, uint64_t position)
{
    return position + 1 == layout->elements ? 0 : position + 1;
}

static void write_sequential(
    const struct chase_layout *layout, const struct target *to, uint64_t first, uint64_t end)
{
    for (uint64_t element = first; element < end; element++)
        write_element(layout, to, element, after(layout, element));
}

static void write_permuted(
    const struct chase_layout *layout, const struct target *to, uint64_t first, uint64_t end)
{
    const struct permutation permutation = layout->permutation;
    for (uint64_t element = first; element < end; element++) {
        uint64_t position = permutation_backward(&permutation, element);
        write_element(layout, to, element, permutation_forward(&permutation, after(layout, position)));
    }
}

static void write_in_page(
    const struct chase_layout *layout, const struct target *to, uint64_t first, uint64_t end)
{
    struct page_elements page = {0};
    for (uint64_t element = first; element < end; element++) {
        if (element == first || element - page.first >= page.permutation.n)
            page = page_elements(layout, page_of_element(layout, element));
        uint64_t within = permutation_backward(&page.permutation, element - page.first) + 1;
        uint64_t next = within < page.permutation.n
                            ? page.first + permutation_forward(&page.permutation, within)
                            : element_at(layout, after(layout, page.first + within - 1));
        write_element(layout, to, element, next);
    }
}

void chase_layout_write_for(
    const struct chase_layout *layout, void *base, uint64_t address, uint64_t first, uint64_t count)
{
    static void (*const writers[CHASE_ORDERS])(
        const struct chase_layout *, const struct target *, uint64_t, uint64_t) = {
        [CHASE_SEQUENTIAL] = write_sequential,
        [CHASE_RANDOM] = write_permuted,
        [CHASE_RANDOM_IN_PAGE] = write_in_page,
        [CHASE_LINE_PER_PAGE] = write_permuted,
        [CHASE_PACKED] = write_permuted,
        [CHASE_SCATTERED] = write_permuted,
        [CHASE_LINE_PER_LARGE_PAGE] = write_permuted,
    };
    const struct target to = {base, address};
    writers[layout->shape.order](layout, &to, first, first + count);
}

void chase_layout_write(const struct chase_layout *layout, void *base, uint64_t first, uint64_t count)
{
    chase_layout_write_for(layout, base, (uintptr_t)base, first, count);
}

void chase_entry_name(const struct chase_shape *shape, char name[static WORKLOAD_NAME_BYTES])
{
    snprintf(name, WORKLOAD_NAME_BYTES, "chase-%s-%u", shape->write ? "write" : "read", shape->chains);
}
