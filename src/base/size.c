#include "base/size.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Wrong text is shown up to this many characters, so that the sentence stays one that is read. */
#define SHOWN "%.60s"

static const char size_hint[] = "write a size as 4096, 64K, 2M or 1G";

struct suffix {
    const char *text;
    unsigned shift;
};

static const struct suffix suffixes[] = {
    {"", 0},
    {"K", 10},
    {"KB", 10},
    {"KiB", 10},
    {"M", 20},
    {"MB", 20},
    {"MiB", 20},
    {"G", 30},
    {"GB", 30},
    {"GiB", 30},
    {"T", 40},
    {"TB", 40},
    {"TiB", 40},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct suffix *find_suffix(const char *text)
{
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (!strcasecmp(text, suffixes[i].text))
            return &suffixes[i];
    return NULL;
}

/* What is wrong with a text that starts with digits and goes on with something that is no suffix. */
static int refuse_tail(const char *text, const char *tail, struct error *error)
{
    if (strstr(tail, ".."))
        return error_set(error, EINVAL, "\"" SHOWN "\" is a range, but one size is wanted here", text);
    if (tail[0] == '.' || tail[0] == ',')
        return error_set(error, EINVAL, "\"" SHOWN "\" is not a whole number: %s", text, size_hint);
    return error_set(error, EINVAL, "\"" SHOWN "\" is not a size: %s", text, size_hint);
}

static int refuse_head(const char *text, struct error *error)
{
    if (!text[0])
        return error_set(error, EINVAL, "a size is missing: %s", size_hint);
    if (text[0] == '-' && is_digit(text[1]))
        return error_set(error, EINVAL, "\"" SHOWN "\" is negative: a size is at least 1 byte", text);
    return error_set(error, EINVAL, "\"" SHOWN "\" is not a size: %s", text, size_hint);
}

static int refuse_large(const char *text, struct error *error)
{
    return error_set(
        error, ERANGE, "\"" SHOWN "\" is too large: a size must fit 63 bits (under 8388608T)", text);
}

int size_parse(const char *text, uint64_t *bytes, struct error *error)
{
    uint64_t value = 0;
    const char *tail = text;
    bool large = false;
    for (; is_digit(*tail); tail++) {
        large = large || value > (uint64_t)INT64_MAX / 10;
        value = large ? value : value * 10 + (uint64_t)(*tail - '0');
    }
    if (tail == text)
        return refuse_head(text, error);
    const struct suffix *suffix = find_suffix(tail);
    if (!suffix)
        return refuse_tail(text, tail, error);
    if (large || value > (uint64_t)INT64_MAX >> suffix->shift)
        return refuse_large(text, error);
    if (!value)
        return error_set(error, EINVAL, "\"" SHOWN "\" is no size: it must be at least 1 byte", text);
    *bytes = value << suffix->shift;
    return 0;
}

/* The size whose text is text[0 … length). */
static int parse(const char *text, size_t length, uint64_t *bytes, struct error *error)
{
    char copy[64];
    if (length >= sizeof copy)
        return error_set(error, EINVAL, "\"" SHOWN "\" is not a size: %s", text, size_hint);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return size_parse(copy, bytes, error);
}

int size_range_parse(const char *text, struct size_range *range, struct error *error)
{
    struct size_range found = {0, 0};
    const char *dots = strstr(text, "..");
    int result = parse(text, dots ? (size_t)(dots - text) : strlen(text), &found.first, error);
    if (result)
        return result;
    found.last = found.first;
    if (dots && (result = parse(dots + 2, strlen(dots + 2), &found.last, error)))
        return result;
    if (found.first > found.last)
        return error_set(error, EINVAL, "\"" SHOWN "\" runs backwards: write the smaller size first", text);
    *range = found;
    return 0;
}

void size_text(uint64_t bytes, char text[static SIZE_TEXT_BYTES])
{
    static const char units[][4] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    while (unit < 6 && bytes >> (10 * (unit + 1)))
        unit++;
    double value = ldexp((double)bytes, -10 * (int)unit);
    bool whole = !(bytes & ((UINT64_C(1) << (10 * unit)) - 1)) || value >= 99.95;
    snprintf(text, SIZE_TEXT_BYTES, whole ? "%.0f %s" : "%#.3g %s", value, units[unit]);
}
