/* Much text in little: deflated (RFC 1950) and written in base64 (RFC 4648), so that it can stand in a text
 * file. Needs zlib. */
#ifndef VCOST_BASE_PACKED_H
#define VCOST_BASE_PACKED_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

/* Writes bytes packed. The same bytes give the same text. Errors of the stream are left to its owner. */
int packed_write(FILE *stream, const char *bytes, size_t size, struct error *error);

/* Unpacks text from anywhere to at most `most` bytes: -EFBIG if it were more, -EINVAL if it is damaged.
 * *bytes is the caller's to free, with a 0 behind it; untouched on failure. */
int packed_read(
    const char *text, size_t length, size_t most, char **bytes, size_t *size, struct error *error);

#endif
