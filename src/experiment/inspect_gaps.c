/* What takes the CPU away, as findings. */
#include "experiment/inspect_internal.h"

#include "host/cgroup_cpu.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

int inspect_gaps(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    struct setting *setting = inspection->experiment->setting;
    double seconds = inspect_part_seconds(inspection, inspection->plan->gap_seconds);
    uint64_t before, after;
    (void)progress; /* it is short */
    if (!(seconds > 0))
        return 0;
    bool told = cgroup_cpu_throttled(&before);
    int rc = gaps_watch(seconds, &setting->clock, setting->pin.cpu, &setting->stop, &inspection->gaps, error);
    inspection->gaps_known = rc == 0;
    inspection->throttled = told && cgroup_cpu_throttled(&after) && after > before;
    return rc;
}

static struct finding make(
    const char *name, const char *key, const char *title, enum unit unit, double number, const char *how)
{
    struct finding finding = inspect_measured(name, title, FINDING_BELOW, unit, inspect_figure(number), "");
    snprintf(finding.key, sizeof finding.key, "%s", key);
    snprintf(finding.how, sizeof finding.how, "%s", how);
    return finding;
}

/* Over the whole inspection: the kernel accounts it in ticks of 10 ms. */
static struct finding steal_finding(const struct inspection *inspection)
{
    const struct evidence *all = &inspection->all;
    double share = all->wall_ns ? (double)all->steal_ns / (double)all->wall_ns : NAN;
    struct finding finding = make("steal", "", "steal", UNIT_SHARE, share, "/proc/stat, this CPU");
    snprintf(finding.sure, sizeof finding.sure, "over %.1f s, in steps of the kernel's tick",
        (double)all->wall_ns / 1e9);
    if (!all->wall_ns)
        finding.sure[0] = '\0'; /* nothing was measured */
    else if (!all->steal_known)
        finding.value = fact_unknown("/proc/stat cannot be read");
    else if (!all->steal_ns)
        snprintf(finding.sure, sizeof finding.sure,
            "over %.1f s; a hypervisor that tells nothing looks the same", (double)all->wall_ns / 1e9);
    return finding;
}

int inspect_find_gaps(struct inspection *inspection, struct error *error)
{
    static const char looking[] = "looking at the time-stamp counter without a break";
    const struct gaps *gaps = &inspection->gaps;
    bool known = inspection->gaps_known;
    double jitter = known && gaps->steal_known ? gaps->steal.most - gaps->steal.least : NAN;
    const struct finding findings[] = {
        steal_finding(inspection),
        make("steal-jitter", "", "spread of steal", UNIT_SHARE, jitter, "/proc/stat in windows of 0.1 s"),
        make("taken", "by this kernel", "time taken away", UNIT_SHARE, known ? gaps->known.share : NAN,
            looking),
        make("taken", "from below", "time taken away", UNIT_SHARE, known ? gaps->below.share : NAN,
            "gaps that this kernel's interrupts and threads cannot explain"),
        make("longest-gap", "", "longest time away from the CPU", UNIT_NS, known ? gaps->all.longest_ns : NAN,
            looking),
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof findings / sizeof findings[0]; i++) {
        struct finding finding = findings[i];
        if (!finding.value.known && !finding.value.text[0])
            finding.value =
                fact_unknown("%.150s", inspection->no_gaps[0] ? inspection->no_gaps : "it was not measured");
        rc = findings_add(&inspection->result->findings, &finding, error);
    }
    return rc;
}
