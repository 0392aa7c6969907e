#include "host/text.h"

#include <string.h>

static const char blanks[] = " \t";

const char *text_number(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    const char *start = text + strspn(text, blanks), *at = start;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum))
            return NULL;
    if (at == start)
        return NULL;
    *value = sum;
    return at;
}

/* Reads "first" or "first-last"; returns where it ends or NULL. */
static const char *list_range(const char *at, uint64_t *first, uint64_t *last)
{
    at = text_number(at, first);
    if (!at)
        return NULL;
    *last = *first;
    return *at == '-' ? text_number(at + 1, last) : at;
}

unsigned text_list_count(const char *list)
{
    const uint64_t most = 1 << 20; /* far above any machine: what exceeds it is garbage */
    uint64_t first, last, count = 0;
    for (const char *at = list;; at++) {
        at = list_range(at, &first, &last);
        if (!at || last < first || last >= most)
            return 0;
        count += last - first + 1;
        if (*at != ',')
            return *at == '\0' && count <= most ? (unsigned)count : 0;
    }
}

/* Where the value starts if this line is the one named, else NULL. */
static const char *line_value(const char *line, const char *name, char separator)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length))
        return NULL;
    const char *at = line + length, *end = at + strspn(at, blanks);
    if (separator == ' ')
        return end > at ? end : NULL;
    return *end == separator ? end + 1 : NULL;
}

bool text_value(const char *text, const char *name, char separator, char *value, size_t size)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *from = line_value(line, name, separator);
        if (!from)
            continue;
        size_t length = strcspn(from, "\n");
        length = length < size ? length : size - 1;
        memcpy(value, from, length);
        value[length] = '\0';
        text_trim(value);
        return true;
    }
    return false;
}

bool text_value_number(const char *text, const char *name, char separator, uint64_t *value)
{
    char digits[32];
    return text_value(text, name, separator, digits, sizeof digits) && text_number(digits, value);
}

void text_trim(char *text)
{
    size_t skip = strspn(text, " \t\r\n"), length = strlen(text + skip);
    memmove(text, text + skip, length + 1);
    while (length && strchr(" \t\r\n", text[length - 1]))
        text[--length] = '\0';
    for (char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = *at == '\t' ? ' ' : '?';
}

void text_copy(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

bool text_has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length)
        if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' '))
            return true;
    return false;
}
