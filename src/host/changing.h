/* Facts about this machine that can change while a program runs: a live migration, a resume, an administrator
 * does that. One table; what is looked at again, and how it is called, stands there alone. */
#ifndef VCOST_HOST_CHANGING_H
#define VCOST_HOST_CHANGING_H

#include "base/error.h"
#include "base/fact.h"

#include <stdbool.h>

enum host_changing {
    CHANGING_CPU,
    CHANGING_MICROCODE,
    CHANGING_CLOCK_SOURCE,
    CHANGING_THP,
    CHANGING_MEMORY_LIMIT,
    CHANGING_CPU_LIMIT,
    CHANGING_GOVERNOR,
    CHANGING_TURBO,
    CHANGING_SMT,
    CHANGING_FACTS
};

extern const struct host_changing_kind {
    const char *name;     /* stable: "clock-source" */
    const char *title;    /* for people: "the clock source" */
    bool another_machine; /* what was measured before such a change is another machine's */
} host_changing_kinds[CHANGING_FACTS];

/* As they are at a moment. */
struct host_state {
    struct fact facts[CHANGING_FACTS];
};

/* Takes a few milliseconds. -ENOMEM is the only error: what cannot be seen is told in the facts. */
int host_state_look(struct host_state *state, struct error *error);

/* Is a fact another one? What is not known for another reason than before is none. */
bool host_state_differs(
    const struct host_state *before, const struct host_state *after, enum host_changing fact);

#endif
