/* Other ways by which a process that runs a guest could come to the monitor, with nothing else around them: a
 * system call that seccomp tells of (user notification), one at which ptrace stops it (PTRACE_SYSEMU). On the
 * caller's CPU. */
#ifndef VCOST_BENCH_BARE_STOP_H
#define VCOST_BENCH_BARE_STOP_H

#include <stdint.h>

enum bare_stop_kind { BARE_NOTIFICATION, BARE_PTRACE };

struct bare_stop;

/* NULL: *why. */
struct bare_stop *bare_stop_open(enum bare_stop_kind kind, const char **why);
/* There and back so often; ticks of the time-stamp counter. 0: it failed. */
uint64_t bare_stop_ticks(struct bare_stop *stop, uint64_t count);
void bare_stop_close(struct bare_stop *stop);

#endif
