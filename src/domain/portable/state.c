/* The state of a domain's virtual CPUs and machine, taken out and put in. */
#include "domain/portable/internal.h"

/* Those that have ended are kept as they are: what they were to do is done, which is part of the state, too.
 */
int portable_save(struct portable *portable, struct machine_state *state, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    int rc = ops->save_machine(portable->domain->vm, state, error);
    for (unsigned i = 0; rc == 0 && i < portable->plan.cpus; i++) {
        struct portable_cpu *cpu = &portable->cpus[i];
        rc = ops->save_cpu(cpu->cpu->vcpu, state, error);
        domain_cpu_release(cpu->cpu);
        if (rc < 0)
            break;
        uint8_t *done = machine_state_add(state, STATE_ENDED, i, 1, error);
        if (done)
            *done = cpu->phase == CPU_DONE;
        else
            rc = -error->code;
    }
    return rc;
}

int portable_restore(struct portable *portable, const struct machine_state *state,
    const struct state_pause *pause, struct error *error)
{
    const struct monitor_ops *ops = portable->domain->ops;
    int rc = ops->restore_machine(portable->domain->vm, state, pause, error);
    for (unsigned i = 0; rc == 0 && i < portable->plan.cpus; i++) {
        const struct state_part *ended = machine_state_find(state, STATE_ENDED, i);
        rc = ops->restore_cpu(portable->cpus[i].cpu->vcpu, state, pause, error);
        domain_cpu_release(portable->cpus[i].cpu);
        pthread_mutex_lock(&portable->lock);
        if (ended && *(const uint8_t *)ended->data)
            portable->cpus[i].phase = CPU_DONE;
        pthread_mutex_unlock(&portable->lock);
    }
    return rc;
}
