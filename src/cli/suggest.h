/* "Did you mean …?" */
#ifndef VCOST_CLI_SUGGEST_H
#define VCOST_CLI_SUGGEST_H

#include <stddef.h>

/* The candidate that is closest to `word`, NULL if none is close enough to be meant. candidate(context, i)
 * gives candidate number i, NULL past the end. */
const char *suggest(
    const char *word, const char *(*candidate)(const void *context, size_t index), const void *context);

#endif
