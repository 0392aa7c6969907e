/* Running a virtual CPU: the guest's code in its child until that hands over, again and again. */
#include "monitor/deprivileged/turn.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* So often at most a guest is gone on with before whoever runs it may look around. */
enum { TURNS = 4096 };

/* The flags that code at CPL 3 changes by itself; the others are the machine's own (SDM volume 1, 3.4.3). */
#define OWN_FLAGS (UINT64_C(0x250dd5) | FLAG_NT | FLAG_RF)

/* The FPU's state follows the guest from child to child. */
static int bring_fpu(struct vcpu *vcpu, struct child *child, struct error *error)
{
    if (vcpu->last && vcpu->last != child) {
        if (!vcpu->fpu && !(vcpu->fpu = malloc(child_fpu_bytes(child))))
            return error_set(error, ENOMEM, "no memory for a virtual CPU's FPU state");
        int rc = child_fpu_get(vcpu->last, vcpu->fpu, error);
        if (rc < 0 || (rc = child_fpu_put(child, vcpu->fpu, error)) < 0)
            return rc;
    }
    vcpu->last = child;
    return vcpu->arriving ? state_arrive(vcpu, child, error) : 0;
}

/* It became due after it was last looked; from now on the waker kicks the child. */
static bool is_to_be_interrupted(struct vcpu *vcpu)
{
    if (!interrupts_due(vcpu))
        return false;
    pthread_rwlock_rdlock(&vcpu->vm->memory_lock);
    bool interruptible = interrupts_allowed(vcpu);
    pthread_rwlock_unlock(&vcpu->vm->memory_lock);
    return interruptible;
}

/* Alignment is checked at CPL 3 alone, which is where Linux runs the guest's kernel, too. */
static uint64_t hidden_flags(const struct machine *machine)
{
    return machine_privilege(machine) == 0 ? FLAG_AC : 0;
}

static int run_child(struct vcpu *vcpu, struct child *child, struct child_trap *trap, struct error *error)
{
    struct machine *machine = &vcpu->machine;
    const uint64_t hidden = hidden_flags(machine);
    struct child_registers registers = {.general = machine->registers,
        .fs_base = machine->system.fs_base,
        .gs_base = machine->system.gs_base};
    registers.general.rflags &= ~hidden;
    *trap = (struct child_trap){.kind = CHILD_KICKED};
    vcpu->running = child;
    int rc = vcpu->kicked || vcpu->wanted || is_to_be_interrupted(vcpu)
                 ? 0
                 : child_run(child, &registers, trap, error);
    vcpu->running = NULL;
    if (rc < 0 || trap->kind == CHILD_DIED)
        return rc;
    const uint64_t changed = OWN_FLAGS & ~hidden, kept = machine->registers.rflags & ~changed;
    machine->registers = registers.general;
    machine->registers.rflags = kept | (registers.general.rflags & changed);
    machine->system.fs_base = registers.fs_base;
    machine->system.gs_base = registers.gs_base;
    return 0;
}

/* Where it goes on: perhaps with an interrupt's handler. */
static int find_child(
    struct vcpu *vcpu, struct space **space, struct child **child, struct vm_exit *exit, struct error *error)
{
    pthread_rwlock_rdlock(&vcpu->vm->memory_lock);
    int rc = interrupts_take(vcpu, exit, error), made = 0;
    if (rc == TURN_ON)
        made = space_child(vcpu, space, child, error);
    pthread_rwlock_unlock(&vcpu->vm->memory_lock);
    return made < 0 ? made : rc;
}

/* The lock of the virtual CPU is held. */
static int turn(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    struct space *space;
    struct child *child;
    struct child_trap trap;
    int rc = find_child(vcpu, &space, &child, exit, error);
    if (rc != TURN_ON)
        return rc;
    if ((rc = bring_fpu(vcpu, child, error)) < 0 || (rc = run_child(vcpu, child, &trap, error)) < 0)
        return rc;
    if (trap.kind != CHILD_KICKED) {
        tally(vcpu, TALLY_EXITS, 1);
        tally(vcpu, TALLY_EXITS_SPUN, children_spun(vcpu->family));
    }
    pthread_rwlock_rdlock(&vcpu->vm->memory_lock);
    rc = trap_take(vcpu, space, child, &trap, exit, error);
    pthread_rwlock_unlock(&vcpu->vm->memory_lock);
    return rc;
}

/* Lets others in who wait for the lock; they hold it only for a moment. */
static int locked_turn(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    while (vcpu->wanted)
        sched_yield();
    pthread_mutex_lock(&vcpu->lock);
    int rc = turn(vcpu, exit, error);
    pthread_mutex_unlock(&vcpu->lock);
    return rc;
}

int deprivileged_enter(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    if (rc < 0)
        return rc;
    *exit = (struct vm_exit){.kind = EXIT_INTERRUPTED};
    if (outcome_answer(vcpu, exit))
        return 0;
    for (int i = 0; i < TURNS; i++) {
        *exit = (struct vm_exit){.kind = EXIT_KICKED};
        if (atomic_exchange(&vcpu->kicked, false))
            return 0;
        exit->kind = EXIT_INTERRUPTED;
        if (stop_asked(vcpu->vm->stop))
            return 0;
        rc = vcpu->halted ? interrupts_rest(vcpu, exit) : TURN_ON;
        if (rc == TURN_ON && !vcpu->halted)
            rc = locked_turn(vcpu, exit, error);
        if (rc != TURN_ON)
            return rc < 0 ? rc : 0;
    }
    exit->kind = EXIT_INTERRUPTED;
    return 0;
}
