/* From the prices of single instructions to what they say of the hypervisor below. */
#include "experiment/inspect_internal.h"

#include "inspect/exit_cost.h"

#include <math.h>

static struct exit_price price(const struct result *result, const char *event)
{
    const struct result_cell *cell = inspect_event_cell(result, event);
    return cell ? (struct exit_price){cell->median, cell->low, cell->high}
                : (struct exit_price){NAN, NAN, NAN};
}

int inspect_find_exits(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    const struct host *host = &result->host;
    const struct exit_cost_input input = {
        .cpuid = price(result, "cpuid"),
        .rdtsc = price(result, "rdtsc"),
        .clock_vdso = price(result, "clock-vdso"),
        .clock_syscall = price(result, "clock-syscall"),
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
