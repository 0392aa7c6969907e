/* The reaches that were found in the curves as an array of the result file. */
#ifndef VCOST_RESULT_JSON_REACHES_H
#define VCOST_RESULT_JSON_REACHES_H

#include "record/json_draft.h"
#include "result/result.h"

/* {"below", "above", "kind", "name", "from_bytes", "to_bytes", "from_entries", "to_entries", "told_bytes",
 * "told_entries", "below_ns", "above_ns", "sureness"} for each. Reaches that name no cell are passed over. */
json_t *json_reaches(struct draft *draft, const struct result *result);

#endif
