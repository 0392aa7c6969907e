/* What was asked of a measurement, by the table of options: each option that changes what is measured, with
 * the value that held, typed or not. Kept in a result (result->settings), so that results can be compared
 * without knowing any option. */
#ifndef VCOST_CLI_SETTINGS_H
#define VCOST_CLI_SETTINGS_H

#include "base/error.h"
#include "base/pool.h"
#include "cli/command.h"
#include "result/result.h"

/* The settings of a command line that has been read, in the order of the table, then its operands; to be
 * freed, their texts live in the pool, which also remembers a lack of memory. */
struct result_setting *settings_of(const struct invocation *invocation, struct pool *pool, size_t *count);

/* The same for the words of an old command, argv[0] first, as a result without settings has them, by today's
 * tables: what was not typed has today's default. NULL and a sentence if they are not understood. */
struct result_setting *settings_reread(
    const char *const *words, size_t word_count, struct pool *pool, size_t *count, struct error *error);

#endif
