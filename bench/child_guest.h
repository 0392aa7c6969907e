/* A guest in a child (monitor/deprivileged/child.h) that does nothing but hand over. */
#ifndef VCOST_BENCH_CHILD_GUEST_H
#define VCOST_BENCH_CHILD_GUEST_H

#include "monitor/deprivileged/child_internal.h"

struct guest {
    struct children *family;
    struct child *child;
    struct child_registers registers;
};

/* By a system call that traps, or by CHILD_CALL. Closed by children_close(), also after a failure. */
int guest_open(struct guest *guest, bool trap, struct error *error);
/* So often; ticks of the time-stamp counter. */
int guest_run(struct guest *guest, uint64_t count, uint64_t *ticks, struct error *error);

#endif
