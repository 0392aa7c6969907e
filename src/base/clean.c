#include "base/clean.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
    unsigned char mask, lead;
    unsigned length;
    uint32_t least; /* smallest code point that needs this length: a longer form than needed is invalid */
} forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

static const struct {
    const char *character, *ascii;
} spellings[] = {
    {"…", "..."}, {"µ", "u"}, {"μ", "u"}, {"×", "x"}, {"·", "-"}, {"–", "-"}, {"—", "-"}, {"’", "'"}};

static uint32_t code_point(const unsigned char *text, size_t form)
{
    uint32_t code = text[0] & (unsigned char)~forms[form].mask;
    for (unsigned i = 1; i < forms[form].length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < forms[form].least || code > 0x10ffff || surrogate ? UINT32_MAX : code;
}

/* Length of the character at text, 0 if there is none that is valid. */
static size_t character(const char *text, uint32_t *code)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if ((bytes[0] & forms[i].mask) == forms[i].lead) {
            *code = code_point(bytes, i);
            return *code == UINT32_MAX ? 0 : forms[i].length;
        }
    return 0;
}

static const char *ascii_spelling(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (strlen(spellings[i].character) == length && !memcmp(text, spellings[i].character, length))
            return spellings[i].ascii;
    return "?";
}

/* What stands in the output for the character at text, of `length` bytes; NULL: itself. */
static const char *replacement(const char *text, size_t length, uint32_t code, unsigned flags)
{
    bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    if (!length)
        return flags & TEXT_ASCII ? "?" : "\xef\xbf\xbd";
    if (control && !(flags & TEXT_KEEP_CONTROLS))
        return flags & TEXT_MARK_CONTROLS ? "?" : " ";
    return code >= 0x80 && flags & TEXT_ASCII ? ascii_spelling(text, length) : NULL;
}

void text_clean(const char *in, unsigned flags, char *out, size_t size)
{
    size_t used = 0;
    while (*in) {
        uint32_t code = 0;
        size_t taken = character(in, &code);
        const char *other = replacement(in, taken, code, flags);
        size_t length = other ? strlen(other) : taken;
        if (used + length + 1 > size)
            break;
        memcpy(out + used, other ? other : in, length);
        used += length;
        in += taken ? taken : 1;
    }
    out[used] = 0;
}

static bool is_within_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void text_said(const char *bytes, size_t length, char *out, size_t size)
{
    static const char cut[] = "…";
    char line[TEXT_SAID_BYTES + 1], clean[3 * sizeof line];
    size_t count = 0;
    while (length && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
        length--;
    size_t at = length > TEXT_SAID_BYTES ? length - TEXT_SAID_BYTES : 0;
    while (at < length && is_within_character(bytes[at]))
        at++;
    for (; at < length; at++)
        line[count++] = !bytes[at] ? '?' : strchr("\n\r\t", bytes[at]) ? ' ' : bytes[at];
    line[count] = '\0';
    text_clean(line, TEXT_UTF8 | TEXT_MARK_CONTROLS, clean, sizeof clean);
    size_t all = strlen(clean), room = size - sizeof cut, gone = all < size ? 0 : all - room;
    while (is_within_character(clean[gone]))
        gone++;
    snprintf(out, size, "%s%s", gone ? cut : "", clean + gone);
}

size_t text_columns_of(const char *clean, size_t bytes)
{
    size_t columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += !is_within_character(clean[i]);
    return columns;
}

size_t text_columns(const char *clean)
{
    return text_columns_of(clean, strlen(clean));
}
