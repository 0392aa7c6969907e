/* base/pool.h: texts and lists that live and die together. */
#include "cmocka_all.h"

#include "base/pool.h"

#include <stdint.h>
#include <string.h>

static void texts_are_copies_of_any_length(void **state)
{
    struct pool pool = {0};
    char word[] = "word", huge[100000];
    (void)state;
    const char *copy = pool_text(&pool, word);
    word[0] = 'x';
    assert_string_equal(copy, "word");
    memset(huge, 'h', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    assert_string_equal(pool_text(&pool, huge), huge);
    assert_string_equal(pool_format(&pool, "%s-%d", copy, 7), "word-7");
    assert_string_equal(pool_text(&pool, ""), "");
    assert_null(pool_text(&pool, NULL));
    assert_false(pool.failed);
    pool_free(&pool);
}

static void a_list_grows_and_keeps_what_is_in_it(void **state)
{
    struct pool pool = {0};
    size_t room = 0, *numbers = NULL;
    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        numbers = pool_grow(&pool, numbers, i, &room, sizeof *numbers);
        assert_non_null(numbers);
        numbers[i] = i;
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(numbers[i], i);
    pool_free(&pool);
}

static void what_cannot_be_had_is_remembered(void **state)
{
    struct pool pool = {0};
    (void)state;
    assert_null(pool_room(&pool, 0, 8));
    assert_false(pool.failed);
    assert_null(pool_room(&pool, SIZE_MAX / 2, 3));
    assert_true(pool.failed);
    pool_free(&pool);
    assert_false(pool.failed);
    assert_null(pool_room(&pool, 1, SIZE_MAX - 3));
    assert_true(pool.failed);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_copies_of_any_length),
        cmocka_unit_test(a_list_grows_and_keeps_what_is_in_it),
        cmocka_unit_test(what_cannot_be_had_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
