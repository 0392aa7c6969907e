/* NUMA that is not told, as a finding. */
#include "experiment/inspect_internal.h"

#include <stdio.h>

int inspect_numa(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    const struct inspect_experiment *experiment = inspection->experiment;
    (void)progress; /* it is short */
    int rc =
        inspect_regions_measure(experiment->setting, inspection->plan->region_seconds * inspection->scale,
            experiment->seed, &inspection->regions, &inspection->effort, error);
    inspection->regions_known = rc == 0;
    return rc;
}

int inspect_find_regions(struct inspection *inspection, struct error *error)
{
    if (!inspection->regions_known)
        return 0;
    const struct region_effort *effort = &inspection->effort;
    struct finding finding = regions_finding(&inspection->regions);
    if (effort->rounds)
        snprintf(finding.how, sizeof finding.how,
            "latency from %zu CPUs to %zu regions of %.0f MiB, %zu rounds", effort->cpus, effort->regions,
            (double)effort->region_bytes / (1 << 20), effort->rounds);
    return findings_add(&inspection->result->findings, &finding, error);
}
