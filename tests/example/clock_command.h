/* `vcost clock`: the table of its options, its result as JSON, its view. */
#ifndef VCOST_TESTS_EXAMPLE_CLOCK_COMMAND_H
#define VCOST_TESTS_EXAMPLE_CLOCK_COMMAND_H

#include "cli/common_options.h"
#include "clock_cost.h"
#include "record/record.h"
#include "report/document.h"

struct clock_options {
    struct output_options output;
    int rounds;
};

extern const struct command command_clock;
extern const struct record clock_record; /* vcost.clock/1, of a struct clock_cost */
void view_clock(const struct clock_cost *cost, struct document *document);
int cmd_clock_run(const struct invocation *invocation);

#endif
