/* Which vcost this is: the build gives it (-DVCOST_VERSION="0.1.0", from meson.build). */
#ifndef VCOST_CLI_VERSION_H
#define VCOST_CLI_VERSION_H

#ifndef VCOST_VERSION
#error "the build must define VCOST_VERSION"
#endif

/* When that version came out, for the manual pages: roff wants a date, and one that does not change from
 * build to build. To be changed together with the version. */
#define VCOST_RELEASED "2026-11-24"

#endif
