/* base/permutation: a bijection for every size, undone by its inverse. */
#include "cmocka_all.h"

#include "base/permutation.h"

#include <stdlib.h>

static const uint64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 100, 511, 512, 1000, 4097, 65536, 100003};

static void every_value_is_reached_once(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct permutation p = permutation_make(sizes[s], seed);
            unsigned char *seen = calloc(sizes[s], 1);
            for (uint64_t i = 0; i < sizes[s]; i++) {
                uint64_t value = permutation_forward(&p, i);
                assert_true(value < sizes[s]);
                assert_int_equal(seen[value]++, 0);
                assert_int_equal(permutation_backward(&p, value), i);
            }
            free(seen);
        }
    }
}

static void huge_sizes_are_undone_too(void **state)
{
    (void)state;
    const uint64_t huge[] = {(UINT64_C(1) << 40) - 1, UINT64_C(1) << 40, (UINT64_C(1) << 61) + 12345};
    for (size_t s = 0; s < sizeof huge / sizeof huge[0]; s++) {
        struct permutation p = permutation_make(huge[s], 9);
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t value = permutation_forward(&p, i * 997);
            assert_true(value < huge[s]);
            assert_int_equal(permutation_backward(&p, value), i * 997);
        }
    }
}

static void seeds_give_different_orders(void **state)
{
    (void)state;
    struct permutation a = permutation_make(4096, 1), b = permutation_make(4096, 2);
    unsigned same = 0;
    for (uint64_t i = 0; i < 4096; i++)
        same += permutation_forward(&a, i) == permutation_forward(&b, i);
    assert_true(same < 64); /* one is expected by chance */
}

/* What the chase needs of it: a prefetcher finds no stride. Of a random order few neighbours share their
 * distance with the pair before, and few lie side by side. */
static void neighbours_show_no_stride(void **state)
{
    (void)state;
    for (uint64_t n = 1024; n <= 1 << 20; n *= 4) {
        struct permutation p = permutation_make(n, n);
        uint64_t strides = 0, near = 0, before = permutation_forward(&p, 0), last = 0;
        for (uint64_t i = 1; i < n; i++) {
            uint64_t value = permutation_forward(&p, i), distance = value - before;
            strides += distance == last;
            near += distance + 2 < 5;
            last = distance;
            before = value;
        }
        assert_true(strides < n / 64);
        assert_true(near < n / 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_reached_once),
        cmocka_unit_test(huge_sizes_are_undone_too),
        cmocka_unit_test(seeds_give_different_orders),
        cmocka_unit_test(neighbours_show_no_stride),
    };
    return cmocka_run_group_tests_name("permutation", tests, NULL, NULL);
}
