/* base/packed.h: what is packed comes back, and nothing else does any harm. */
#include "cmocka_all.h"

#include "base/packed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* To be freed. */
static char *pack(const char *bytes, size_t size, size_t *length)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, length);
    assert_int_equal(packed_write(stream, bytes, size, NULL), 0);
    fclose(stream);
    return text;
}

static void every_length_comes_back(void **state)
{
    char bytes[300], *back;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * i * 7);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        size_t length, found;
        char *text = pack(bytes, size, &length);
        assert_int_equal(
            strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="), length);
        assert_int_equal(packed_read(text, length, sizeof bytes, &back, &found, NULL), 0);
        assert_int_equal(found, size);
        assert_memory_equal(back, bytes, size);
        assert_int_equal(back[size], 0);
        free(back);
        free(text);
    }
}

static void it_is_base64_of_a_zlib_stream(void **state)
{
    size_t length, size;
    char *text = pack("hello hello hello hello\n", 24, &length), *back;
    (void)state;
    /* python3 -c 'import base64, zlib; print(base64.b64encode(zlib.compress(b"hello hello hello hello\n",
     * 9)))' */
    assert_string_equal(text, "eNrLSM3JyVfIQCe5AHC+CLs=");
    assert_int_equal(packed_read("eNrLSM3JyVfIQCe5AHC+CLs", 23, 100, &back, &size, NULL), 0);
    assert_string_equal(back, "hello hello hello hello\n");
    free(back);
    free(text);
}

/* A few bytes must not become all of the memory. */
static void what_grows_too_large_is_refused(void **state)
{
    enum { SIZE = 1 << 22 };
    char *zeros = calloc(1, SIZE), *back = NULL;
    struct error error = {0};
    size_t length, size;
    (void)state;
    char *text = pack(zeros, SIZE, &length);
    assert_true(length < SIZE / 100);
    assert_int_equal(packed_read(text, length, SIZE - 1, &back, &size, &error), -EFBIG);
    assert_non_null(strstr(error.text, "too large"));
    assert_null(back);
    assert_int_equal(packed_read(text, length, SIZE, &back, &size, &error), 0);
    assert_int_equal(size, SIZE);
    free(back);
    free(text);
    free(zeros);
}

static void damage_is_found(void **state)
{
    static const char *const damaged[] = {"", "=", "====", "e", "eNr", "eNrLSM3JyVfIQCW5AGyuCLV",
        "eNrLSM3JyVfIQCe5AHC+CLA=", "eNrLSM3J yVfIQCe5AHC+CLs=", "!!!!", "eNrLSM3JyVfIQCe5",
        "AAAAAAAAAAAAAAAA"};
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct error error = {0};
        char *back = NULL;
        size_t size = 77;
        assert_int_equal(packed_read(damaged[i], strlen(damaged[i]), 1000, &back, &size, &error), -EINVAL);
        assert_null(back);
        assert_int_equal(size, 77);
        assert_non_null(strstr(error.text, "damaged"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(it_is_base64_of_a_zlib_stream),
        cmocka_unit_test(what_grows_too_large_is_refused),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
