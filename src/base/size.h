/* Sizes and ranges of sizes as people write them: 4K, 2M, 1G, 4K..1G; and as they read them. */
#ifndef VCOST_BASE_SIZE_H
#define VCOST_BASE_SIZE_H

#include "base/error.h"

#include <stdint.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

struct size_range {
    uint64_t first, last; /* bytes, first <= last; one size has both equal */
};

/* Reads a whole number of bytes with an optional suffix K, M, G or T (powers of 1024; also k, KiB, KB …).
 * Zero, negative numbers, fractions, trailing text and what does not fit 63 bits are refused. */
int size_parse(const char *text, uint64_t *bytes, struct error *error);

/* Reads SIZE or SIZE..SIZE. */
int size_range_parse(const char *text, struct size_range *range, struct error *error);

/* Writes 512 as "512 B", 4096 as "4 KiB", 724 MiB as "724 MiB", 5931642 as "5.66 MiB": three significant
 * digits where the size is not a whole number of its unit. */
enum { SIZE_TEXT_BYTES = 16 };
void size_text(uint64_t bytes, char text[static SIZE_TEXT_BYTES]);

/* The same as "512", "4K", "724M", "5.66M": for keys, axes and narrow columns. */
void size_text_short(uint64_t bytes, char text[static SIZE_TEXT_BYTES]);

#endif
