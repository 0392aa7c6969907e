/* From the prices of single instructions to what they say of the hypervisor below. */
#include "experiment/inspect_internal.h"

#include "inspect/exit_cost.h"

#include <math.h>
#include <stdio.h>

/* Where there is none `why` says why, unless it says something already. */
static struct exit_price price(const struct result *result, const char *event, char why[static WHY_BYTES])
{
    const struct result_cell *cell = inspect_event_cell(result, event);
    char reason[WHY_BYTES];
    if (cell && !cells_unfit(cell, cell, reason))
        return (struct exit_price){cell->median, cell->low, cell->high};
    if (cell && !why[0])
        snprintf(why, WHY_BYTES, "%s", reason);
    return (struct exit_price){NAN, NAN, NAN};
}

int inspect_find_exits(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    const struct host *host = &result->host;
    char no_cpuid[WHY_BYTES] = "", no_rdtsc[WHY_BYTES] = "", no_clock[WHY_BYTES] = "";
    const struct exit_cost_input input = {
        .cpuid = price(result, "cpuid", no_cpuid),
        .rdtsc = price(result, "rdtsc", no_rdtsc),
        .clock_vdso = price(result, "clock-vdso", no_clock),
        .clock_syscall = price(result, "clock-syscall", no_clock),
        .no_cpuid = no_cpuid,
        .no_rdtsc = no_rdtsc,
        .no_clock = no_clock,
        .is_guest = host->is_guest,
        .guest_of = host->guest_of.known ? host->guest_of.text : NULL,
        .tsc_ghz = result->tsc_ghz,
        .clock_source = host->clock.source.known ? host->clock.source.text : NULL,
    };
    struct exit_cost cost;
    exit_cost_judge(&input, &cost);
    const struct finding findings[] = {
        exit_cost_cpuid_finding(&cost), exit_cost_rdtsc_finding(&cost), exit_cost_clock_finding(&cost)};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof findings / sizeof findings[0]; i++)
        rc = findings_add(&result->findings, &findings[i], error);
    return rc;
}
