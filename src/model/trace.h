/* One translation, step by step, from cold caches: the article's figure 1 as a machine does it. */
#ifndef VCOST_MODEL_TRACE_H
#define VCOST_MODEL_TRACE_H

#include "model/model.h"
#include "model/walk.h"

enum { TRACE_STEPS_MAX = 64 }; /* more than the 35 of five levels twice */

struct model_trace {
    struct model_config config;
    uint64_t address;
    struct walk_step steps[TRACE_STEPS_MAX]; /* entries that were read, in order */
    size_t step_count;
    unsigned cache_levels;  /* of the machine: a step that these have not served memory has */
    struct account account; /* of the one access */
};

/* The page around `address` is mapped (of the lower half: -EINVAL) and read once. config.bytes_max is set
 * here. */
int model_trace(
    const struct model_config *config, gva_t address, struct model_trace *trace, struct error *error);

#endif
