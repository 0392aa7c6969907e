/* How often programs make one system call, as the kernel counts it: its tracepoint costs them a tenth of a
 * microsecond a call meanwhile, so runs that are timed are not counted. */
#ifndef VCOST_PROGRAM_CALL_COUNT_H
#define VCOST_PROGRAM_CALL_COUNT_H

/* Counts the calls ("sched_yield") of the processes that this thread starts until it is closed, and of
 * theirs. A descriptor, or -1 where this kernel, or this user, counts none (CAP_PERFMON, tracefs). */
int call_count_open(const char *call);

/* How many there were; NAN: they were not counted. */
double call_count_close(int counter);

#endif
