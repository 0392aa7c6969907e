/* SHA-256 (FIPS 180-4, 6.2): which file something was made of, as sha256sum(1) tells it. */
#ifndef VCOST_BASE_SHA256_H
#define VCOST_BASE_SHA256_H

#include <stddef.h>

enum { SHA256_TEXT_BYTES = 65 };

/* 64 hexadecimal digits. */
void sha256_text(const void *data, size_t bytes, char text[static SHA256_TEXT_BYTES]);

#endif
