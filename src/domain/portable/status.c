/* How a domain is: what its workload has written down, and whether it runs. */
#include "domain/portable/internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const char *const portable_phases[] = {[PORTABLE_PAUSED] = "paused",
    [PORTABLE_RUNNING] = "running",
    [PORTABLE_DONE] = "done",
    [PORTABLE_FAILED] = "failed"};

static enum portable_phase phase_of(const struct portable *portable)
{
    unsigned count[4] = {0};
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        count[portable->cpus[i].phase]++;
    return count[CPU_FAILED]                        ? PORTABLE_FAILED
           : count[CPU_DONE] == portable->plan.cpus ? PORTABLE_DONE
           : portable->run                          ? PORTABLE_RUNNING
                                                    : PORTABLE_PAUSED;
}

static void read_job(const struct portable *portable, size_t number, struct portable_status *status)
{
    struct portable_job job =
        *(const struct portable_job *)portable_at(portable, portable->plan.results[number], sizeof job);
    status->done += job.done;
    status->checksum = portable_chain(status->checksum, job.checksum);
    status->wrong += job.wrong;
    status->backwards += job.backwards;
    status->added_pages += job.pages.used;
    status->added_writes += job.added_writes;
    if (number == 0) {
        memcpy(status->seen, job.generation, sizeof status->seen);
        status->longest_seconds = (double)job.longest / portable->plan.ticks_per_second;
    }
    if (status->phase == PORTABLE_DONE && job.finished != WORKLOAD_MAGIC) {
        status->phase = PORTABLE_FAILED;
        error_set(&status->error, EPROTO, "the guest left before its workload had finished");
    }
}

static void read_log(const struct portable *portable, size_t number, struct portable_status *status)
{
    struct guest_log log =
        *(const struct guest_log *)portable_at(portable, portable->plan.results[number], sizeof log);
    status->done += log.count;
    status->checksum = portable_chain(status->checksum, log.digest);
    status->longest_seconds = NAN;
}

void portable_status(const struct portable *portable, struct portable_status *status)
{
    *status = (struct portable_status){.phase = PORTABLE_PAUSED};
    pthread_mutex_lock((pthread_mutex_t *)&portable->lock);
    status->phase = phase_of(portable);
    for (unsigned i = 0; i < portable->plan.cpus; i++)
        if (portable->cpus[i].phase == CPU_FAILED)
            status->error = portable->cpus[i].error;
    pthread_mutex_unlock((pthread_mutex_t *)&portable->lock);
    for (size_t i = 0; i < portable->plan.result_count; i++)
        (portable->plan.workload == PORTABLE_SELFTEST ? read_log : read_job)(portable, i, status);
    memcpy(status->generation, portable_identity(portable)->generation, sizeof status->generation);
}
