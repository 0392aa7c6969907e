/* Results that a command reads, as its operands name them. */
#ifndef VCOST_CLI_INPUTS_H
#define VCOST_CLI_INPUTS_H

#include "base/error.h"
#include "base/pool.h"
#include "cli/command.h"
#include "result/compare.h"

enum { INPUTS_MAX = 16 };

struct inputs {
    struct compare_input items[INPUTS_MAX]; /* name and result of each */
    struct result *results[INPUTS_MAX];     /* the same results */
    size_t count;
    struct pool pool; /* of names */
    struct input_file {
        struct result *results; /* owned */
        size_t count;
    } files[INPUTS_MAX];
    size_t file_count;
    bool compared; /* it is no result that was read, but a comparison */
    struct compare comparison;
};

/* Reads the one result of each file, or page, that the operands name; "-" is stdin. They have
 * settings, by input_settings() if not of their own. inputs_free() releases them, also after a failure. */
int inputs_read(struct inputs *inputs, const struct invocation *invocation, struct error *error);

/* Likewise where an operand may be NAME=FILE, and a file may hold several results, which then have numbers
 * behind their names. Names are different ones. A comparison (vcost.compare/1) may be the only operand. */
int inputs_read_named(struct inputs *inputs, const struct invocation *invocation, struct error *error);

/* Gives a result of an old version the settings that its command tells, by today's options. */
void input_settings(struct result *result);

void inputs_free(struct inputs *inputs);

#endif
