/* How often a test repeats what looks for rare cases. */
#ifndef VCOST_TEST_REPEATED_H
#define VCOST_TEST_REPEATED_H

#include <stdlib.h>

/* So often; where $VCOST_TEST_SHARE is N, an Nth part of it, but once at least. `make test` sets it for what
 * takes long (tests/meson.build, tests/nested), `make test-long` and whoever runs the program by hand have
 * all. */
static inline unsigned repeated(unsigned times)
{
    const char *share = getenv("VCOST_TEST_SHARE");
    long parts = share ? strtol(share, NULL, 10) : 1;
    return parts <= 1 ? times : times / (unsigned)parts ? times / (unsigned)parts : 1;
}

#endif
