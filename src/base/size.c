#include "base/size.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Wrong text is shown up to this many characters, so that the sentence stays one that is read. */
#define SHOWN "%.60s"

static const char size_hint[] = "write a size as 4096, 64K, 2M or 1G";

/* By how many bits a suffix shifts: none, K, KB or KiB (10), M … T, in capitals or not; -1: it is none. */
static int shift_of(const char *suffix)
{
    static const char letters[] = "KMGT";
    const char *letter = strchr(letters, toupper((unsigned char)suffix[0]));
    bool whole = !suffix[0] || !suffix[1] || !strcasecmp(suffix + 1, "B") || !strcasecmp(suffix + 1, "iB");
    if (!suffix[0])
        return 0;
    return letter && whole ? 10 * (int)(letter - letters + 1) : -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What is wrong with a text that is no size from `tail` on. */
static int refuse(const char *text, const char *tail, struct error *error)
{
    bool after_digits = tail != text, point = after_digits && (tail[0] == '.' || tail[0] == ',');
    if (!text[0])
        return error_set(error, EINVAL, "a size is missing: %s", size_hint);
    if (text[0] == '-' && is_digit(text[1]))
        return error_set(error, EINVAL, "\"" SHOWN "\" is negative: a size is at least 1 byte", text);
    if (after_digits && strstr(tail, ".."))
        return error_set(error, EINVAL, "\"" SHOWN "\" is a range, but one size is wanted here", text);
    return error_set(
        error, EINVAL, "\"" SHOWN "\" is not a %s: %s", text, point ? "whole number" : "size", size_hint);
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
    int shift = tail == text ? -1 : shift_of(tail);
    if (shift < 0)
        return refuse(text, tail, error);
    if (large || value > (uint64_t)INT64_MAX >> shift)
        return error_set(
            error, ERANGE, "\"" SHOWN "\" is too large: a size must fit 63 bits (under 8388608T)", text);
    if (!value)
        return error_set(error, EINVAL, "\"" SHOWN "\" is no size: it must be at least 1 byte", text);
    *bytes = value << shift;
    return 0;
}

/* The size whose text is text[0 … length). */
static int parse(const char *text, size_t length, uint64_t *bytes, struct error *error)
{
    char copy[64];
    if (length >= sizeof copy)
        return refuse(text, text, error);
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

void size_text_short(uint64_t bytes, char text[static SIZE_TEXT_BYTES])
{
    size_text(bytes, text);
    char *blank = strchr(text, ' ');
    blank[0] = blank[1] == 'B' ? 0 : blank[1];
    blank[1] = 0;
}
