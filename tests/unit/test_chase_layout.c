/* workload/chase: every order is one cycle over all elements, and the addresses that it names are those that
 * a walk reads. */
#include "cmocka_all.h"
#include "repeated.h"

#include "workload/chase.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, PAGE = 4096, LARGE = 2 << 20, SETS = PAGE / LINE };

/* Shapes over all orders, element sizes that do and do not divide a page, working sets that are and are not
 * powers of two. */
struct shape_list {
    struct chase_shape shapes[400];
    size_t count;
};

static void add(struct shape_list *list, uint64_t bytes, uint32_t element, enum chase_order order,
    unsigned chains, bool write)
{
    struct chase_shape shape = {bytes, element, order, write, chains};
    struct error error;
    if (chase_check(&shape, &error) == 0)
        list->shapes[list->count++] = shape;
}

static struct shape_list all_shapes(void)
{
    static const uint64_t sets[] = {
        4096, 5760, 8192, 65536, 92672, 1000000, 1 << 21, 17 << 20, (9 << 21) + 5000};
    static const uint32_t elements[] = {8, 16, 24, 64, 512, 1000, 4096};
    const uint32_t least = repeated(2) > 1 ? 0 : 64; /* a list of a million elements takes long */
    struct shape_list list = {.count = 0};
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        for (size_t e = 0; e < sizeof elements / sizeof elements[0]; e++)
            for (int order = 0; order < CHASE_ORDERS && (sets[s] <= 2 << 20 || elements[e] >= least); order++)
                add(&list, sets[s], elements[e], (enum chase_order)order, 1 + (unsigned)e % CHASE_CHAINS_MAX,
                    e % 2);
    }
    assert_true(list.count > 100);
    return list;
}

static char *map(const struct chase_layout *layout)
{
    void *base = aligned_alloc(PAGE, (layout->bytes + PAGE - 1) / PAGE * PAGE);
    assert_non_null(base);
    memset(base, 0xa5, layout->bytes);
    return base;
}

typedef void shape_test(const struct chase_layout *layout, const char *base);

static void for_all_shapes(shape_test *test)
{
    struct shape_list list = all_shapes();
    for (size_t i = 0; i < list.count; i++) {
        struct chase_layout layout = chase_layout_make(&list.shapes[i], 77 + i);
        char *base = map(&layout);
        chase_layout_write(&layout, base, 0, layout.elements);
        test(&layout, base);
        free(base);
    }
}

static uint64_t follow(const char *base, uint64_t offset)
{
    uint64_t next;
    memcpy(&next, base + offset, sizeof next);
    return next - (uintptr_t)base;
}

/* Walks the memory itself: back at the start after exactly as many hops as there are elements. */
static void check_one_cycle(const struct chase_layout *layout, const char *base)
{
    uint64_t start = chase_layout_offset(layout, 0), at = start, hops = 0;
    do {
        at = follow(base, at);
        assert_true(at < layout->bytes);
        hops++;
    } while (at != start && hops <= layout->elements);
    assert_int_equal(hops, layout->elements);
}

static void every_order_is_one_cycle_over_all_elements(void **state)
{
    (void)state;
    for_all_shapes(check_one_cycle);
}

static void check_named_addresses(const struct chase_layout *layout, const char *base)
{
    enum { ROUND_AGAIN = 64 };
    uint64_t at = chase_layout_offset(layout, 0);
    for (uint64_t position = 0; position < layout->elements + ROUND_AGAIN; position++) {
        if (chase_layout_offset(layout, position) != at)
            fail_msg("position %llu is another one in memory", (unsigned long long)position);
        at = follow(base, at);
    }
}

static void named_addresses_are_those_in_memory(void **state)
{
    (void)state;
    for_all_shapes(check_named_addresses);
}

static void check_elements_apart(const struct chase_layout *layout, const char *base)
{
    static const uint64_t units[CHASE_ORDERS] = {
        [CHASE_LINE_PER_PAGE] = PAGE, [CHASE_LINE_PER_LARGE_PAGE] = LARGE};
    uint64_t unit = units[layout->shape.order] ? units[layout->shape.order] : layout->shape.element_bytes;
    unsigned char *seen = calloc(layout->bytes / unit, 1);
    (void)base;
    for (uint64_t position = 0; position < layout->elements; position++) {
        uint64_t offset = chase_layout_offset(layout, position);
        assert_true(offset + layout->shape.element_bytes <= layout->bytes);
        assert_int_equal(seen[offset / unit]++, 0);
    }
    free(seen);
}

static void every_element_has_its_own_place(void **state)
{
    (void)state;
    for_all_shapes(check_elements_apart);
}

static struct chase_layout layout_of(uint64_t bytes, uint32_t element, enum chase_order order)
{
    struct chase_shape shape = {bytes, element, order, false, 1};
    struct error error;
    assert_int_equal(chase_check(&shape, &error), 0);
    return chase_layout_make(&shape, 5);
}

static void sequential_goes_up(void **state)
{
    (void)state;
    struct chase_layout layout = layout_of(65536, 64, CHASE_SEQUENTIAL);
    for (uint64_t i = 0; i < layout.elements; i++)
        assert_int_equal(chase_layout_offset(&layout, i), i * 64);
}

/* All elements of a page before the first of the next, pages upwards, but not in order within. */
static void random_in_page_stays_in_its_page(void **state)
{
    (void)state;
    struct chase_layout layout = layout_of(1 << 20, 64, CHASE_RANDOM_IN_PAGE);
    unsigned in_order = 0;
    for (uint64_t i = 0; i < layout.elements; i++) {
        uint64_t offset = chase_layout_offset(&layout, i);
        assert_int_equal(offset / PAGE, i / (PAGE / 64));
        in_order += offset == i * 64;
    }
    assert_true(in_order < layout.elements / 16);
}

static void line_per_page_uses_one_hashed_line_in_each_page(void **state)
{
    (void)state;
    struct chase_layout layout = layout_of(4 << 20, LINE, CHASE_LINE_PER_PAGE);
    unsigned lines[PAGE / LINE] = {0};
    assert_int_equal(layout.elements, (4 << 20) / PAGE);
    for (uint64_t i = 0; i < layout.elements; i++) {
        uint64_t offset = chase_layout_offset(&layout, i);
        assert_int_equal(offset % LINE, 0);
        lines[offset % PAGE / LINE]++;
    }
    for (size_t line = 0; line < PAGE / LINE; line++) /* 16 expected in each of the 64 */
        assert_in_range(lines[line], 1, 40);
}

static void packed_holds_as_many_lines_as_line_per_page(void **state)
{
    (void)state;
    struct chase_layout apart = layout_of(4 << 20, LINE, CHASE_LINE_PER_PAGE),
                        packed = layout_of(4 << 20, LINE, CHASE_PACKED);
    assert_int_equal(apart.elements, packed.elements);
    assert_int_equal(packed.bytes, packed.elements * LINE);
}

static void scattered_has_sixteen_lines_of_each_of_a_sixteenth_of_the_pages(void **state)
{
    (void)state;
    struct chase_layout apart = layout_of(4 << 20, LINE, CHASE_LINE_PER_PAGE),
                        layout = layout_of(4 << 20, LINE, CHASE_SCATTERED);
    uint64_t lines[(4 << 20) / PAGE / 16] = {0}, same = 0;
    assert_int_equal(layout.elements, apart.elements);
    assert_int_equal(layout.bytes, apart.bytes / 16);
    for (uint64_t i = 0; i < layout.elements; i++) {
        uint64_t offset = chase_layout_offset(&layout, i);
        assert_int_equal(offset % LINE, 0);
        lines[offset / PAGE] |= UINT64_C(1) << (offset % PAGE / LINE);
    }
    for (size_t page = 0; page < sizeof lines / sizeof lines[0]; page++) {
        assert_int_equal(__builtin_popcountll(lines[page]), 16);
        same += page && lines[page] == lines[page - 1];
    }
    assert_int_equal(same, 0);
}

/* The last page has the rest. */
static void scattered_ends_in_a_page_of_fewer_lines(void **state)
{
    (void)state;
    struct chase_layout layout = layout_of(19 * PAGE, LINE, CHASE_SCATTERED);
    unsigned in_last = 0;
    assert_int_equal(layout.elements, 19);
    assert_int_equal(layout.bytes, 2 * PAGE);
    for (uint64_t i = 0; i < layout.elements; i++)
        in_last += chase_layout_offset(&layout, i) >= PAGE;
    assert_int_equal(in_last, 3);
}

/* How many lines of a list of 1024 fall into each of 64 sets of a cache, over many seeds: mean, variance, and
 * the share beyond 24 of the 16 expected. */
struct occupancy {
    double mean, variance, crowded;
};

static struct occupancy occupancy_of(enum chase_order order, unsigned seeds)
{
    struct chase_shape shape = {4 << 20, LINE, order, false, 1};
    struct occupancy found = {0};
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct chase_layout layout = chase_layout_make(&shape, seed * 7919);
        unsigned lines[SETS] = {0};
        for (uint64_t i = 0; i < layout.elements; i++)
            lines[chase_layout_offset(&layout, i) / LINE % SETS]++;
        for (size_t set = 0; set < SETS; set++) {
            found.mean += lines[set];
            found.variance += (lines[set] - 16.0) * (lines[set] - 16.0);
            found.crowded += lines[set] > 24;
        }
    }
    found.mean /= seeds * SETS;
    found.variance /= seeds * SETS;
    found.crowded /= seeds * SETS;
    return found;
}

/* The sets of a cache are as unevenly full: of single lines by the Poisson distribution (16), of scattered
 * ones three quarters of that, as a page has a line but once; of packed ones they would all be equal. */
static void scattered_fills_the_sets_as_line_per_page_does(void **state)
{
    (void)state;
    struct occupancy apart = occupancy_of(CHASE_LINE_PER_PAGE, 400),
                     found = occupancy_of(CHASE_SCATTERED, 400), packed = occupancy_of(CHASE_PACKED, 4);
    print_message("# variance apart %.2f scattered %.2f, crowded %.4f %.4f\n", apart.variance, found.variance,
        apart.crowded, found.crowded);
    assert_true(fabs(apart.mean - 16) < 1e-9 && fabs(found.mean - 16) < 1e-9);
    assert_true(fabs(apart.variance - 16 * 63 / 64.0) < 0.6);
    assert_true(fabs(found.variance - 12) < 0.6);
    assert_true(found.crowded > 0.003 && found.crowded < apart.crowded);
    assert_true(packed.variance < 1e-9);
}

static void line_per_large_page_uses_one_hashed_line_in_each_2_mib(void **state)
{
    (void)state;
    struct chase_layout layout = layout_of(UINT64_C(1024) * LARGE, LINE, CHASE_LINE_PER_LARGE_PAGE);
    unsigned lines[SETS] = {0}, pages[8] = {0}, following = 0;
    assert_int_equal(layout.elements, 1024);
    assert_int_equal(layout.bytes, UINT64_C(1024) * LARGE);
    assert_int_equal(layout.alignment, LARGE);
    for (uint64_t i = 0; i < layout.elements; i++) {
        uint64_t offset = chase_layout_offset(&layout, i);
        assert_int_equal(offset % LINE, 0);
        lines[offset / LINE % SETS]++;
        pages[offset % LARGE / (LARGE / 8)]++;
        following += chase_layout_offset(&layout, i + 1) / LARGE == offset / LARGE + 1;
    }
    for (size_t set = 0; set < SETS; set++) /* 16 expected */
        assert_in_range(lines[set], 1, 40);
    for (size_t eighth = 0; eighth < 8; eighth++) /* 128 expected */
        assert_in_range(pages[eighth], 80, 180);
    assert_true(following < 20);
}

/* An agent is told an order by its number. */
static void orders_keep_their_numbers(void **state)
{
    static const char *const names[] = {"sequential", "random", "random-in-page", "line-per-page", "packed",
        "scattered", "line-per-large-page"};
    (void)state;
    for (int order = 0; order < CHASE_ORDERS; order++)
        assert_int_equal(chase_order_find(names[order]), order);
}

static void laying_out_in_pieces_gives_the_same_list(void **state)
{
    (void)state;
    for (int order = 0; order < CHASE_ORDERS; order++) {
        struct chase_layout layout = layout_of(8 << 20, 64, (enum chase_order)order);
        char *base = map(&layout), *whole = map(&layout);
        chase_layout_write(&layout, base, 0, layout.elements);
        memcpy(whole, base, layout.bytes);
        memset(base, 0xa5, layout.bytes);
        for (uint64_t first = 0; first < layout.elements; first += 37)
            chase_layout_write(
                &layout, base, first, layout.elements - first < 37 ? layout.elements - first : 37);
        assert_memory_equal(base, whole, layout.bytes);
        free(base);
        free(whole);
    }
}

static void chains_start_evenly_apart(void **state)
{
    (void)state;
    struct chase_shape shape = {1 << 20, 64, CHASE_RANDOM, false, 5};
    struct chase_layout layout = chase_layout_make(&shape, 1);
    for (unsigned chain = 0; chain < 5; chain++)
        assert_int_equal(chase_layout_start(&layout, chain), layout.elements * chain / 5);
}

static void assert_refused(struct chase_shape shape, const char *because)
{
    struct error error;
    assert_int_equal(chase_check(&shape, &error), -EINVAL);
    assert_non_null(strstr(error.text, because));
}

static void what_cannot_be_is_refused_with_a_reason(void **state)
{
    (void)state;
    assert_refused((struct chase_shape){0, 64, CHASE_RANDOM, false, 1}, "0 elements");
    assert_refused((struct chase_shape){4096, 12, CHASE_RANDOM, false, 1}, "multiple of 8");
    assert_refused((struct chase_shape){4096, 0, CHASE_RANDOM, false, 1}, "multiple of 8");
    assert_refused((struct chase_shape){1 << 20, 8192, CHASE_RANDOM, false, 1}, "multiple of 8");
    assert_refused((struct chase_shape){4096, 8, CHASE_RANDOM, true, 1}, "NPAD 1");
    assert_refused((struct chase_shape){4096, 64, CHASE_RANDOM, false, 0}, "chains");
    assert_refused((struct chase_shape){4096, 64, CHASE_RANDOM, false, 9}, "chains");
    assert_refused((struct chase_shape){128, 64, CHASE_RANDOM, false, 3}, "fewer than its 3 chains");
    assert_refused((struct chase_shape){1 << 20, 128, CHASE_PACKED, false, 1}, "one cache line");
    assert_refused((struct chase_shape){1 << 20, 128, CHASE_SCATTERED, false, 1}, "one cache line");
    assert_refused((struct chase_shape){1 << 20, 64, CHASE_LINE_PER_LARGE_PAGE, false, 1}, "0 elements");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_is_one_cycle_over_all_elements),
        cmocka_unit_test(named_addresses_are_those_in_memory),
        cmocka_unit_test(every_element_has_its_own_place),
        cmocka_unit_test(sequential_goes_up),
        cmocka_unit_test(random_in_page_stays_in_its_page),
        cmocka_unit_test(line_per_page_uses_one_hashed_line_in_each_page),
        cmocka_unit_test(packed_holds_as_many_lines_as_line_per_page),
        cmocka_unit_test(scattered_has_sixteen_lines_of_each_of_a_sixteenth_of_the_pages),
        cmocka_unit_test(scattered_ends_in_a_page_of_fewer_lines),
        cmocka_unit_test(scattered_fills_the_sets_as_line_per_page_does),
        cmocka_unit_test(line_per_large_page_uses_one_hashed_line_in_each_2_mib),
        cmocka_unit_test(orders_keep_their_numbers),
        cmocka_unit_test(laying_out_in_pieces_gives_the_same_list),
        cmocka_unit_test(chains_start_evenly_apart),
        cmocka_unit_test(what_cannot_be_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests_name("chase layout", tests, NULL, NULL);
}
