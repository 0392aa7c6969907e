/* What was written down while a program ran under `--heat` (program/heat_log.h), made a result. */
#ifndef VCOST_EXPERIMENT_RUN_HEAT_H
#define VCOST_EXPERIMENT_RUN_HEAT_H

#include "program/heat_log.h"
#include "result/heat.h"
#include "base/pool.h"

/* No writer is left. -ENOMEM is the only error. */
int run_heat_read(const struct heat_log *log, struct pool *pool, struct ran_heat *heat, struct error *error);

#endif
