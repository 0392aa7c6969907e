/* How long a thread ran, how long it could have run and had no CPU, and how long the machine had none. */
#ifndef VCOST_HOST_SCHEDULE_WAIT_H
#define VCOST_HOST_SCHEDULE_WAIT_H

#include <sys/types.h>

/* In seconds, since it was made; of any thread, or the first one of a process, until it is reaped. NAN: the
 * kernel does not tell. From /proc/TID/schedstat, the second figure (Linux
 * Documentation/scheduler/sched-stats.rst). */
double schedule_waited(pid_t task);
/* The first figure: how long it was on a CPU, told to within a tick. */
double schedule_ran(pid_t task);

/* Seconds that a hypervisor ran others on this machine's CPUs, of all of them together, since it was started;
 * in ticks of 10 ms. NAN: the kernel does not tell. "steal" of /proc/stat (proc(5)). */
double schedule_stolen(void);

#endif
