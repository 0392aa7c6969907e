/* A simulated machine against what was measured natively on the real one: the curves that it was not fitted
 * on.
 *
 * Judged are the points past the first TLB's reach (of 4 KiB pages) and the second cache. A machine holds if
 * the median error is at most the larger of 15 % and one and a half times the repeat error (of native
 * measured twice), nine points of ten are within 35 %, and the median error is at most half of the null
 * model's: that every curve is the one that was fitted, at the same working set. */
#ifndef VCOST_EXPERIMENT_MODEL_VALIDATE_H
#define VCOST_EXPERIMENT_MODEL_VALIDATE_H

#include "base/progress.h"
#include "experiment/model_predict.h"
#include "result/validation.h"

/* Fills in all of `validation` but what is published. The first result has the curves, among them the one in
 * random order with 4 KiB pages that the null model copies; others are the same measured again. -ENODATA
 * where there is nothing to judge. */
int model_validate(const struct machine *machine, struct result *const *results, size_t count,
    const struct stop *stop, const struct progress *progress, struct pool *pool,
    struct validation *validation, struct error *error);

#endif
