/* Words for the bits of a register or of a file's bit string. */
#ifndef VCOST_HOST_BITS_H
#define VCOST_HOST_BITS_H

#include "base/fact.h"

#include <stddef.h>
#include <stdint.h>

struct bit_name {
    unsigned bit;
    const char *name;
};

/* The names of the bits that are set, lowest first, separated by blanks; "bit-12" for one without a name,
 * "none" if no bit is set. What does not fit is cut and ends in "...". */
struct fact bits_named(uint64_t bits, const struct bit_name *names, size_t count);

#endif
