/* Looks again, while something is measured, at what was found out once: the counter's rate, the CPU, settings
 * and limits. What has changed is told, the clock is calibrated anew, and what is another machine's is known
 * as such. */
#ifndef VCOST_EXPERIMENT_LOOKOUT_H
#define VCOST_EXPERIMENT_LOOKOUT_H

#include "host/changing.h"
#include "measure/clock.h"
#include "result/result.h"

struct lookout {
    struct clock *clock;     /* calibrated */
    struct host_state state; /* as seen last */
};

int lookout_open(struct lookout *lookout, struct clock *clock, struct error *error);

/* Appends what has changed since it looked last to the result's changes, after so many placements. Sets
 * *another_machine if what was measured before is another one's. */
int lookout_look(struct lookout *lookout, unsigned placements, struct result *result, bool *another_machine,
    struct error *error);

#endif
