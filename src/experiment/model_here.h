/* This host's own curves, to make a machine of one and to hold it against the others. */
#ifndef VCOST_EXPERIMENT_MODEL_HERE_H
#define VCOST_EXPERIMENT_MODEL_HERE_H

#include "base/progress.h"
#include "base/stop.h"
#include "result/result.h"

enum { MODEL_HERE_TIMES = 2 }; /* the second time for the error of repeating */

struct model_here {
    struct result results[MODEL_HERE_TIMES]; /* released by whoever has measured, also after a failure */
    char busy[320];                          /* who else takes the CPU, a sentence; "": hardly anybody does */
};

/* Measures natively, each time within its share of `seconds`, the orders of a chase that differ most for TLBs
 * and prefetchers, from 4 KiB to 1 GiB with pages of 4 KiB and of 2 MiB. *here starts zeroed. -EINTR when
 * stopped; errors otherwise as of setting_open() and chase_plan_run(). */
int model_measure_here(double seconds, const struct stop *stop, const struct progress *progress,
    struct model_here *here, struct error *error);

#endif
