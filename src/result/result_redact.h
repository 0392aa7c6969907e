/* A result that is to be given away. */
#ifndef VCOST_RESULT_RESULT_REDACT_H
#define VCOST_RESULT_RESULT_REDACT_H

#include "base/error.h"
#include "result/result.h"

/* Takes out of the result the command as it was typed, and what it tells of other machines: the commands that
 * started agents, and everything made of them. An agent becomes "command:1", "command:2" …, also in ids of
 * cells, labels and settings; in reasons and notes each word of such a command becomes "…". What was measured
 * and the facts about the machines stay. The result is untouched on failure. */
int result_redact(struct result *result, struct error *error);

#endif
