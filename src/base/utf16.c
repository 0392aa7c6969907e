#include "base/utf16.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum text_coding text_coding_of(const char *bytes, size_t size, size_t *mark)
{
    static const struct {
        const char *mark;
        size_t length;
        enum text_coding coding;
    } marks[] = {{"\xff\xfe\0\0", 4, CODING_UTF32}, {"\0\0\xfe\xff", 4, CODING_UTF32},
        {"\xef\xbb\xbf", 3, CODING_UTF8}, {"\xff\xfe", 2, CODING_UTF16_LE}, {"\xfe\xff", 2, CODING_UTF16_BE}};
    *mark = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (size >= marks[i].length && !memcmp(bytes, marks[i].mark, marks[i].length)) {
            *mark = marks[i].length;
            return marks[i].coding;
        }
    unsigned zeros = 0; /* which of the first four are: as of "{ " */
    for (size_t i = 0; i < 4 && i < size; i++)
        zeros |= (bytes[i] == 0 ? 1u : 0u) << i;
    return zeros == 0xa                   ? CODING_UTF16_LE
           : zeros == 0x5                 ? CODING_UTF16_BE
           : zeros == 0xe || zeros == 0x7 ? CODING_UTF32
                                          : CODING_UTF8;
}

static uint32_t unit_at(const unsigned char *bytes, enum text_coding coding)
{
    unsigned high = coding == CODING_UTF16_BE ? 0 : 1;
    return (uint32_t)bytes[high] << 8 | bytes[1 - high];
}

/* Returns where the character's bytes end. */
static char *put_character(uint32_t code, char *to)
{
    static const struct {
        uint32_t below;
        unsigned char lead, more;
    } forms[] = {{0x80, 0, 0}, {0x800, 0xc0, 1}, {0x10000, 0xe0, 2}, {0x110000, 0xf0, 3}};
    size_t form = 0;
    while (code >= forms[form].below)
        form++;
    unsigned more = forms[form].more;
    *to++ = (char)(forms[form].lead | code >> 6 * more);
    while (more-- > 0)
        *to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return to;
}

int utf16_to_utf8(const char *bytes, size_t size, enum text_coding coding, char **text, size_t *length)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + size / 2 * 2;
    char *made = malloc(size / 2 * 3 + 1), *to = made;
    if (!made)
        return -ENOMEM;
    for (uint32_t code; at < end;) {
        code = unit_at(at, coding);
        at += 2;
        uint32_t low = at < end ? unit_at(at, coding) : 0;
        bool pair = code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000;
        if (pair) {
            code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
            at += 2;
        }
        to = put_character(code >= 0xd800 && code < 0xe000 ? 0xfffd : code, to);
    }
    *text = made;
    *length = (size_t)(to - made);
    return 0;
}
