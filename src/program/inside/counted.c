#include "program/inside/counted.h"

#include "program/inside/heat.h"

static const char *const names[COUNTED] = {"exits", "page_faults", "pages_4k"}; /* monitor.h */

void counted_begin(struct process *process)
{
    tally_add(&process->tally->domains, 1);
    process->counted = (struct counted){.guest_faults = domain_guest_faults(process->domain),
        .answered = domain_user_answered(process->domain)};
    heat_begin(process);
}

void counted_tell(struct process *process)
{
    _Atomic uint64_t *const to[COUNTED] = {
        &process->tally->monitor_exits, &process->tally->monitor_faults, &process->tally->monitor_pages};
    struct counted *counted = &process->counted;
    struct counters counters;
    uint64_t now[COUNTED];
    if (process->borrowed)
        return; /* whose domain it is tells of all its virtual CPUs */
    heat_end(process);
    window_prove(process->window);
    domain_cpus_counters(process->domain, &counters);
    for (int i = 0; i < COUNTED; i++)
        if (!counters_get(&counters, names[i], &now[i]))
            return; /* and the tally shows that it was not */
    for (int i = 0; i < COUNTED; i++) {
        tally_add(to[i], now[i] - counted->so_far[i]);
        counted->so_far[i] = now[i];
    }
    uint64_t guest_faults = domain_guest_faults(process->domain);
    tally_add(&process->tally->guest_faults, guest_faults - counted->guest_faults);
    counted->guest_faults = guest_faults;
    uint64_t answered = domain_user_answered(process->domain);
    tally_add(&process->tally->answered, answered - counted->answered);
    counted->answered = answered;
    tally_add(&process->tally->counted, counted->told ? 0 : 1);
    counted->told = true;
}
