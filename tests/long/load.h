/* Loads that a test makes. */
#ifndef VCOST_TESTS_LONG_LOAD_H
#define VCOST_TESTS_LONG_LOAD_H

#include "base/error.h"

#include <sys/types.h>

enum load_kind {
    LOAD_NONE,
    LOAD_NEIGHBOURS, /* a process streams through memory on another CPU, and one comes and goes on the
                        measuring CPU */
    LOAD_HOG,        /* a process that never pauses on the measuring CPU */
    LOAD_KINDS
};
extern const char *const load_names[LOAD_KINDS]; /* "none", "made", "a hog" */

enum { LOAD_PROCESSES = 2 };

struct load {
    pid_t processes[LOAD_PROCESSES]; /* 0: none */
};

/* `cpu` is where it is measured. Where the machine has no other, all of the load runs there. What was started
 * dies with its parent. load_stop() ends it, also after a failure. */
int load_start(struct load *load, enum load_kind kind, unsigned cpu, struct error *error);
void load_stop(struct load *load);

#endif
