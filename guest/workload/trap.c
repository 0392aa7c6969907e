/* Raises an exception on purpose (#UD), so that a domain's kernel reports from where and in which segment the
 * workload really ran. Native it would end the process: only tests and probes in a domain call it. */
#include "abi/workload.h"

void trap(struct workload_job *job);
void trap(struct workload_job *job)
{
    (void)job;
    __asm__ volatile("ud2");
}
