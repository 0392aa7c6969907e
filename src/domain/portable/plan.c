/* What may be asked of a domain: looked at before anything is made, and where it comes from elsewhere. */
#include "domain/portable/internal.h"
#include "domain/portable/regions.h"

#include "base/size.h"

#include <errno.h>
#include <string.h>

int portable_name_check(const char *name, struct error *error)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const size_t length = strnlen(name, PORTABLE_NAME_BYTES);
    const bool good = length > 0 && length < PORTABLE_NAME_BYTES && strspn(name, letters) == length &&
                      name[0] != '.' && name[0] != '-';
    return good ? 0
                : error_set(error, EINVAL,
                      "\"%.60s\" is no name of a domain: letters, digits, '.', '_' and '-', at most %d, the "
                      "first a letter or digit",
                      name, PORTABLE_NAME_BYTES - 1);
}

static int check_results(const struct portable_plan *plan, struct error *error)
{
    bool good = plan->result_count > 0 && plan->result_count <= PORTABLE_RESULTS_MAX;
    for (size_t i = 0; good && i < plan->result_count; i++)
        good = plan->results[i] % PAGE_BYTES == 0 &&
               portable_offset(plan, plan->results[i], PAGE_BYTES) != UINT64_MAX;
    return good ? 0
                : error_set(error, EINVAL, "the results of the workload lie outside of the domain's memory");
}

int portable_plan_check(const struct portable_plan *unsettled, bool with_results, struct error *error)
{
    struct portable_plan settled = *unsettled, *plan = &settled;
    portable_regions_settle(plan);
    int rc = portable_name_check(plan->name, error);
    if (rc < 0)
        return rc;
    if (plan->memory_bytes % (2 * MIB) || plan->memory_bytes < PORTABLE_BYTES_MIN ||
        plan->memory_bytes > PORTABLE_BYTES_MAX)
        return error_set(error, EINVAL, "a domain's memory is from 8 MiB to 1 TiB, in steps of 2 MiB");
    if ((rc = portable_regions_check(plan, error)) < 0)
        return rc;
    if ((unsigned)plan->workload >= PORTABLE_WORKLOADS)
        return error_set(error, EINVAL, "there is no such workload for a domain");
    const struct portable_workload_info *info = &portable_workloads[plan->workload];
    if (plan->cpus < 1 || plan->cpus > info->cpus_max)
        return error_set(error, EINVAL, "%s runs on %s%u virtual CPU%s, not %u", info->name,
            info->cpus_max > 1 ? "1 to " : "", info->cpus_max, info->cpus_max > 1 ? "s" : "", plan->cpus);
    if (plan->rate && plan->workload != PORTABLE_WRITER)
        return error_set(error, EINVAL, "only writer has a rate");
    if (!with_results && plan->working_set_bytes && plan->workload != PORTABLE_CHASE &&
        plan->workload != PORTABLE_WRITER)
        return error_set(error, EINVAL, "only chase and writer have a working set");
    if (plan->workload == PORTABLE_SELFTEST && plan->regions[0].bytes < plan->laid_out_bytes)
        return error_set(error, EINVAL, "%s needs its memory in one piece, without a hole", info->name);
    return with_results                          ? check_results(plan, error)
           : plan->workload == PORTABLE_SELFTEST ? 0
                                                 : portable_check_room(plan, error);
}
