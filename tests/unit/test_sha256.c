/* base/sha256: the examples of FIPS 180-4 ("abc", two blocks) and the lengths at which padding needs one more
 * block, as sha256sum tells them. */
#include "cmocka_all.h"

#include "base/sha256.h"

#include <string.h>

static void known_texts(void **state)
{
    static const struct {
        const char *text, *sha256;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char text[SHA256_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        sha256_text(known[i].text, strlen(known[i].text), text);
        assert_string_equal(text, known[i].sha256);
    }
}

static void lengths_around_a_block(void **state)
{
    static const struct {
        size_t bytes; /* of "a" */
        const char *sha256;
    } known[] = {
        {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
        {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
        {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
        {1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"},
    };
    char data[1000], text[SHA256_TEXT_BYTES];
    (void)state;
    memset(data, 'a', sizeof data);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        sha256_text(data, known[i].bytes, text);
        assert_string_equal(text, known[i].sha256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(lengths_around_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
