/* A command line in one word, as users quote it for a shell. */
#ifndef VCOST_CLI_COMMAND_LINE_H
#define VCOST_CLI_COMMAND_LINE_H

#include "base/error.h"
#include "base/pool.h"

/* The program and its arguments, NULL at the end, in the pool: quotes, "~", variables and patterns are what
 * they are to a shell (wordexp(3)); what only a shell can do (pipes, several commands, redirections, commands
 * in place of words) is -EINVAL with what to write instead. */
int command_line_split(const char *line, struct pool *pool, const char *const **words, struct error *error);

#endif
