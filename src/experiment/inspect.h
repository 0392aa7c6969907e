/* The experiment of `vcost inspect`: what this machine really is. Chases and events are measured that tell
 * what the processor's caches and TLBs do and what a hypervisor below does; findings are made of them and of
 * what the machine tells of itself.
 *
 * What was measured stays in the result as cells, with the same ids as in `vcost chase` and `vcost events`;
 * what it means are result->findings. */
#ifndef VCOST_EXPERIMENT_INSPECT_H
#define VCOST_EXPERIMENT_INSPECT_H

#include "base/error.h"
#include "experiment/schedule.h"
#include "experiment/setting.h"
#include "result/result.h"

#include <stdint.h>

/* How thoroughly. */
enum inspect_depth {
    INSPECT_FULL,
    INSPECT_QUICK, /* a first impression */
    INSPECT_CHEAP  /* a round of --watch: what can change while a machine runs, and nothing else */
};

struct inspect_experiment {
    /* Open and probed; its runners are added at the first inspection. */
    struct setting *setting;
    enum inspect_depth depth;
    uint64_t seed;
    double seconds; /* time budget, which ends it; 0: the depth's own */
    double spent;   /* of these, before it begins */
    struct progress progress;
};

/* Measures and judges. A part that fails leaves findings that say why; being stopped is no failure: the
 * result is then marked incomplete. Fills all of the result but the command line. result_free() releases it,
 * also after a failure. */
int experiment_inspect(
    const struct inspect_experiment *experiment, struct result *result, struct error *error);

#endif
