#include "host/cgroup_cpu.h"

#include "host/cgroup_place.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PERIOD_US = 1000000 }; /* the kernel takes no longer one: what exceeds it is garbage */
static const uint64_t most_quota_us = UINT64_C(1) << 44; /* as kernel/sched/core.c max_cfs_runtime */

/* ---- time ---- */

static bool share(uint64_t quota, uint64_t period, uint64_t *thousandths)
{
    if (!quota || !period || period > MOST_PERIOD_US || quota > most_quota_us)
        return false;
    *thousandths = quota * 1000 / period;
    return true;
}

bool cgroup_cpu_parse(const char *line, uint64_t *thousandths)
{
    uint64_t quota, period;
    const char *at = text_number(line, &quota);
    if (!at || *at != ' ')
        return false;
    at = text_number(at, &period);
    return at && !*at && share(quota, period, thousandths);
}

static bool v2_limit(const char *directory, uint64_t *thousandths)
{
    char path[PATH_MAX], line[READ_TEXT_LINE];
    (void)snprintf(path, sizeof path, "%s/cpu.max", directory);
    return !read_line(path, line, sizeof line) && cgroup_cpu_parse(line, thousandths);
}

/* A quota of -1, which is no number here, is no limit. */
static bool v1_limit(const char *directory, uint64_t *thousandths)
{
    char path[PATH_MAX];
    uint64_t quota, period;
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
    if (read_number(path, &quota))
        return false;
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
    return !read_number(path, &period) && share(quota, period, thousandths);
}

struct narrowest {
    bool (*read)(const char *directory, uint64_t *thousandths);
    uint64_t thousandths; /* UINT64_MAX: none yet */
    bool seen;            /* was there a group to look at? */
};

static bool stop(const char *name, void *context)
{
    (void)name;
    (void)context;
    return false;
}

static void take_limit(const char *directory, void *context)
{
    struct narrowest *narrowest = context;
    uint64_t thousandths;
    narrowest->seen |= !read_each_name(directory, stop, NULL);
    if (narrowest->read(directory, &thousandths) && thousandths < narrowest->thousandths)
        narrowest->thousandths = thousandths;
}

static struct fact look_limit(void)
{
    static bool (*const read[CGROUP_GENERATIONS])(const char *, uint64_t *) = {
        [CGROUP_V2] = v2_limit, [CGROUP_V1] = v1_limit};
    struct cgroup_place places[CGROUP_GENERATIONS];
    struct narrowest narrowest = {.thousandths = UINT64_MAX};
    int rc = cgroup_places_find("cpu", places);
    for (size_t i = 0; i < CGROUP_GENERATIONS; i++) {
        narrowest.read = read[i];
        if (cgroup_place_found(&places[i]))
            cgroup_climb(&places[i], take_limit, &narrowest);
    }
    if (narrowest.thousandths != UINT64_MAX)
        return fact_known(
            "%" PRIu64 ".%03" PRIu64, narrowest.thousandths / 1000, narrowest.thousandths % 1000);
    if (rc)
        return fact_unknown("the control groups of this process cannot be read: %s", strerror(-rc));
    return fact_unknown(narrowest.seen ? "no limit" : "no control group of this process is mounted");
}

struct throttled {
    bool told;
    uint64_t times;
};

static void take_throttled(const char *directory, void *context)
{
    struct throttled *throttled = context;
    char path[PATH_MAX], text[READ_TEXT_LINE];
    uint64_t times;
    (void)snprintf(path, sizeof path, "%s/cpu.stat", directory);
    if (read_text(path, text, sizeof text) || !text_value_number(text, "nr_throttled", ' ', &times))
        return;
    throttled->told = true;
    throttled->times += times;
}

bool cgroup_cpu_throttled(uint64_t *times)
{
    struct cgroup_place places[CGROUP_GENERATIONS];
    struct throttled throttled = {.told = false};
    (void)cgroup_places_find("cpu", places);
    for (size_t i = 0; i < CGROUP_GENERATIONS; i++)
        if (cgroup_place_found(&places[i]))
            cgroup_climb(&places[i], take_throttled, &throttled);
    *times = throttled.times;
    return throttled.told;
}

/* ---- CPUs ---- */

static struct fact look_allowed(void)
{
    cpu_set_t sets[8]; /* 8192 CPUs, the most that Linux can be built for on x86-64 */
    memset(sets, 0, sizeof sets);
    if (sched_getaffinity(0, sizeof sets, sets))
        return fact_unknown("sched_getaffinity() failed: %s", strerror(errno));
    return fact_known("%d", CPU_COUNT_S(sizeof sets, sets));
}

void host_look_cpu_limits(struct host *host)
{
    host->cpus.allowed = look_allowed();
    host->cpus.limit = look_limit();
}
