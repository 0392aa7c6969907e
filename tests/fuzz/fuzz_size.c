/* size_parse() and size_range_parse() on arbitrary text: a result is within what is promised, a failure
 * leaves the outputs alone and says something. */
#include "base/size.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

static void try_size(const char *text)
{
    uint64_t bytes = 0;
    struct error error = {0};
    if (size_parse(text, &bytes, &error))
        require(bytes == 0 && error.code > 0 && error.text[0]);
    else
        require(bytes > 0 && bytes <= INT64_MAX);
}

static void try_range(const char *text)
{
    struct size_range range = {0, 0};
    struct error error = {0};
    if (size_range_parse(text, &range, &error))
        require(range.first == 0 && range.last == 0 && error.code > 0 && error.text[0]);
    else
        require(range.first > 0 && range.first <= range.last && range.last <= INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of just this size, so that reading past it is seen */
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    try_size(text);
    try_range(text);
    free(text);
    return 0;
}
