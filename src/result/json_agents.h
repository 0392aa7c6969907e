/* The machines of agents as a JSON object of the result file. */
#ifndef VCOST_RESULT_JSON_AGENTS_H
#define VCOST_RESULT_JSON_AGENTS_H

#include "record/json_draft.h"
#include "result/result.h"

/* {"monitor", "command", "version", "cpu_brand", "kernel", "is_guest", "guest_of", "cpu", "tsc_ghz",
 * "page_bytes"} for each. */
json_t *json_agents(struct draft *draft, const struct result_agent *agents, size_t count);

#endif
