#include "domain/portable/added.h"
#include "domain/portable/internal.h"

#include <errno.h>
#include <time.h>

enum { REACH = 3, PATIENCE_MS = 20000, LOOK_MS = 2 };

uint64_t added_reach(const struct portable_plan *plan)
{
    const uint64_t reach = REACH * plan->laid_out_bytes, most = PORTABLE_BYTES_MAX - plan->laid_out_bytes;
    return plan->workload != PORTABLE_WRITER ? 0 : reach < most ? reach : most;
}

/* NULL: its workload knows of none. */
static struct portable_job *job_of(const struct portable *portable, unsigned cpu)
{
    const struct portable_plan *plan = &portable->plan;
    struct portable_job *job = plan->workload == PORTABLE_WRITER && cpu < plan->result_count
                                   ? portable_at(portable, plan->results[cpu], sizeof *job)
                                   : NULL;
    return job && job->added ? job : NULL;
}

void added_offer(const struct portable *portable, uint64_t bytes)
{
    const struct portable_plan *plan = &portable->plan;
    const uint64_t more = bytes - plan->laid_out_bytes, reach = added_reach(plan);
    const uint64_t pages = (more < reach ? more : reach) / PAGE_BYTES;
    for (unsigned i = 0; i < plan->cpus; i++) {
        struct portable_job *job = job_of(portable, i);
        if (job)
            __atomic_store_n(
                &job->pages.there, (uint32_t)((pages + plan->cpus - 1 - i) / plan->cpus), __ATOMIC_SEQ_CST);
    }
}

/* Does the workload use nothing but what it was offered last? Then it stays so. */
static bool is_given_up(const struct portable *portable)
{
    bool all = true;
    for (unsigned i = 0; i < portable->plan.cpus; i++) {
        const struct portable_job *job = job_of(portable, i);
        const union portable_added pages = {
            .both = job ? __atomic_load_n(&job->pages.both, __ATOMIC_SEQ_CST) : 0};
        all &= pages.used <= pages.there;
    }
    return all;
}

static int wait_until_given_up(const struct portable *portable, const struct stop *stop, struct error *error)
{
    struct portable_status status;
    for (unsigned waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
        portable_status(portable, &status);
        if (is_given_up(portable))
            return 0;
        if (status.phase != PORTABLE_RUNNING)
            return error_set(error, EBUSY,
                "the workload uses that memory, and can give it up only while it runs: resume the domain "
                "first");
        if (stop_asked(stop))
            return error_set(
                error, EINTR, "%s before the workload had given up its memory", stop_reason(stop));
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    return error_set(error, ETIMEDOUT, "the workload has not given up its memory within %d s: it keeps it",
        PATIENCE_MS / 1000);
}

int added_ask_back(
    const struct portable *portable, uint64_t bytes, const struct stop *stop, struct error *error)
{
    added_offer(portable, bytes);
    int rc = wait_until_given_up(portable, stop, error);
    if (rc < 0)
        added_offer(portable, portable->plan.memory_bytes);
    return rc;
}
