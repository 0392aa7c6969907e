#include "monitor/deprivileged/child_look.h"

#include "base/size.h"
#include "host/smaps.h"
#include "monitor/deprivileged/child_internal.h"

#include <errno.h>
#include <time.h>

static uint64_t cpu_ns(pid_t process)
{
    struct timespec time;
    clockid_t clock;
    if (!process || clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) < 0)
        return 0;
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t child_cpu_ns(const struct child *child)
{
    return cpu_ns(child->guest_number);
}

uint64_t child_work_ns(const struct child *child)
{
    return cpu_ns(child->guest_number) + cpu_ns(child->helper_number);
}

uint64_t children_work_ns(const struct children *children)
{
    return cpu_ns(children->nursery_number);
}

/* hugetlb pages of 1 GiB are counted as what they are worth in 2 MiB: the sums do not tell. */
int child_pages(const struct child *child, struct child_pages *pages)
{
    struct smaps sums;
    int rc = child->guest_number ? smaps_of(child->guest_number, &sums) : -ESRCH;
    if (rc == 0)
        *pages = (struct child_pages){.small = (sums.resident_bytes - sums.huge_bytes) / (4 * KIB),
            .large = (sums.huge_bytes + sums.hugetlb_bytes) / (2 * MIB)};
    return rc;
}
