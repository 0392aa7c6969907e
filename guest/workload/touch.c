/* Reads one byte of each stride of a range, in address order: makes a domain's page tables and translations
 * be there before anything is measured. */
#include "abi/workload.h"
#include "timer.h"

void touch(struct workload_job *job);
void touch(struct workload_job *job)
{
    const volatile uint8_t *byte = (const volatile uint8_t *)job->first;
    job->entered = timer_ticks();
    job->code_selector = code_selector();
    for (uint64_t offset = 0; offset < job->bytes; offset += job->stride)
        (void)byte[offset];
    job->ticks = timer_ticks() - job->entered;
    job->finished = WORKLOAD_MAGIC;
}
