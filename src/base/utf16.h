/* Text that went through Windows: UTF-16 made UTF-8. */
#ifndef VCOST_BASE_UTF16_H
#define VCOST_BASE_UTF16_H

#include <stddef.h>

enum text_coding { CODING_UTF8, CODING_UTF16_LE, CODING_UTF16_BE, CODING_UTF32 };

/* What a text of ASCII for the most part is, by its byte order mark, of which *mark is the length, or without
 * one by where its zeros are. UTF-8 is also what anything else is taken for. */
enum text_coding text_coding_of(const char *bytes, size_t size, size_t *mark);

/* *text is malloc'd; surrogates without their other half become U+FFFD, half a character at the end nothing.
 * -ENOMEM is the only error. */
int utf16_to_utf8(const char *bytes, size_t size, enum text_coding coding, char **text, size_t *length);

#endif
