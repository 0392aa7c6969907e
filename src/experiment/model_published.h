/* The machines that vcost knows by name against what is published of them (model/latencies.h).
 *
 * Compared are the points beyond the first cache that no figure of the machine's file was read from,
 * simulated natively with frames in order, as of a machine that has just been started. A machine agrees if
 * the median error is at most 15 % and nine points of ten are within 35 %. */
#ifndef VCOST_EXPERIMENT_MODEL_PUBLISHED_H
#define VCOST_EXPERIMENT_MODEL_PUBLISHED_H

#include "base/pool.h"
#include "base/progress.h"
#include "base/stop.h"
#include "result/validation.h"

/* Fills validation->published: of the machine of that name, or (NULL) of each. No curve is published of it:
 * no row. */
int model_published(const char *name, const struct stop *stop, const struct progress *progress,
    struct pool *pool, struct validation *validation, struct error *error);

#endif
