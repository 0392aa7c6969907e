#include "host/changing.h"

#include "host/cgroup_cpu.h"
#include "host/clock_source.h"
#include "host/cpu.h"
#include "host/memory_facts.h"
#include "host/settings.h"

#include <string.h>

/* Another clock source, governor or limit changes some prices and no others; the placements of memory, which
 * are proved each, and the evidence about samples tell which. */
const struct host_changing_kind host_changing_kinds[CHANGING_FACTS] = {
    [CHANGING_CPU] = {"cpu", "the CPU", true},
    [CHANGING_MICROCODE] = {"microcode", "the CPU's microcode", false},
    [CHANGING_CLOCK_SOURCE] = {"clock-source", "the clock source", false},
    [CHANGING_THP] = {"thp", "the setting of transparent huge pages", false},
    [CHANGING_MEMORY_LIMIT] = {"memory-limit", "the control group's limit of memory", false},
    [CHANGING_CPU_LIMIT] = {"cpu-limit", "the control group's limit of CPUs", false},
    [CHANGING_GOVERNOR] = {"governor", "the frequency governor", false},
    [CHANGING_TURBO] = {"turbo", "turbo", false},
    [CHANGING_SMT] = {"smt", "SMT", false},
};

/* The text of /proc/cpuinfo is made at boot; CPUID is asked anew. */
static struct fact cpu_fact(const struct host *host)
{
    return fact_known("%s%.90s (family %u, model %u, stepping %u)",
        host->cpu.brand.known ? "" : host->cpu.vendor, host->cpu.brand.known ? host->cpu.brand.text : "",
        host->cpu.family, host->cpu.model, host->cpu.stepping);
}

int host_state_look(struct host_state *state, struct error *error)
{
    struct host host = {0};
    int rc = host_look_cpu(&host, error);
    if (rc < 0)
        return rc;
    host_look_clock_source(&host);
    host_look_memory(&host);
    host_look_cpu_limits(&host);
    host_look_settings(&host);
    *state = (struct host_state){.facts = {
                                     [CHANGING_CPU] = cpu_fact(&host),
                                     [CHANGING_MICROCODE] = host.cpu.microcode,
                                     [CHANGING_CLOCK_SOURCE] = host.clock.source,
                                     [CHANGING_THP] = host.thp,
                                     [CHANGING_MEMORY_LIMIT] = host.cgroup_memory_limit,
                                     [CHANGING_CPU_LIMIT] = host.cpus.limit,
                                     [CHANGING_GOVERNOR] = host.governor,
                                     [CHANGING_TURBO] = host.turbo,
                                     [CHANGING_SMT] = host.smt,
                                 }};
    host_free(&host);
    return 0;
}

bool host_state_differs(
    const struct host_state *before, const struct host_state *after, enum host_changing fact)
{
    const struct fact *was = &before->facts[fact], *is = &after->facts[fact];
    return was->known != is->known || (is->known && strcmp(was->text, is->text) != 0);
}
