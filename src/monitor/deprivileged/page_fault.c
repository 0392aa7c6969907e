#include "monitor/deprivileged/turn.h"

#include <inttypes.h>

/* So often in a row the same instruction may lack the same page that was just mapped. */
enum { SAME_FAULTS = 64 };

/* A guest cannot do this to us for ever; nor can what we map wrongly. */
static bool is_stuck(struct vcpu *vcpu, uint64_t address)
{
    if (vcpu->again.address != address || vcpu->again.rip != vcpu->machine.registers.rip)
        vcpu->again.count = 0;
    vcpu->again.address = address;
    vcpu->again.rip = vcpu->machine.registers.rip;
    return ++vcpu->again.count > SAME_FAULTS;
}

/* By the tables as they are now, where nobody follows what becomes of them. */
static int look_up(struct vcpu *vcpu, struct space *space, gva_t address, unsigned access,
    struct fault_outcome *outcome, struct error *error)
{
    const struct guest_access as = {
        .write = access & FAULT_WRITE, .fetch = access & FAULT_FETCH, .user = access & FAULT_USER};
    struct translated translated;
    struct guest_fault fault;
    if (!machine_translate(&vcpu->machine, address, as, &translated, &fault)) {
        *outcome = (struct fault_outcome){.kind = FAULT_INJECT, .error_code = (unsigned)fault.code};
        return 0;
    }
    if (as.write)
        write_log_note(&vcpu->vm->log, translated.physical);
    bool memory = guest_physical(&vcpu->vm->memory, translated.physical, 1, NULL);
    *outcome =
        (struct fault_outcome){.kind = memory ? FAULT_FILLED : FAULT_DEVICE, .to = translated.physical};
    return memory ? space_fill(vcpu, space, address, error) : 0;
}

static int resolve(struct vcpu *vcpu, struct space *space, gva_t address, unsigned access,
    struct fault_outcome *outcome, struct error *error)
{
    struct shadow *shadow = shadowing(vcpu);
    if (shadow)
        return shadow_fault(shadow, address, access, outcome, error);
    if (vcpu->vm->paravirt)
        return hypercalls_fault(&vcpu->vm->paravirt->hypercalls, address, access, outcome, error);
    return look_up(vcpu, space, address, access, outcome, error);
}

/* A device, or memory that is not to be written behind our back. */
static int take_access(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct machine before = vcpu->machine;
    emulate_device(&vcpu->machine, &vcpu->outcome);
    tally(vcpu, TALLY_TRAPS, 1);
    return vcpu->outcome.kind == EMULATED_DEVICE ? outcome_device(vcpu, &before, exit)
                                                 : outcome_take(vcpu, exit, error);
}

/* A store to a page table that is write-protected. What is not known here the guest does itself: its table is
 * looked at later, as all are where stores are not emulated. */
static int take_store(struct vcpu *vcpu, gva_t address, unsigned access, struct vm_exit *exit,
    struct fault_outcome *outcome, struct error *error)
{
    struct shadow *shadow = vcpu->vm->shadow;
    const struct machine before = vcpu->machine;
    emulate_store(&vcpu->machine, &vcpu->outcome);
    if (vcpu->outcome.kind != EMULATED_UNABLE) {
        vcpu->again.count = 0;
        tally(vcpu, TALLY_TRAPS, 1);
        return vcpu->outcome.kind == EMULATED_DEVICE ? outcome_device(vcpu, &before, exit)
                                                     : outcome_take(vcpu, exit, error);
    }
    if (is_stuck(vcpu, address.value))
        return turn_fail(exit,
            "%s cannot do what the guest's instruction %s at 0x%" PRIx64 " stores to a table",
            vcpu->vm->ops->name, vcpu->outcome.name, vcpu->machine.registers.rip);
    tally(vcpu, TALLY_STORES_LEFT, 1);
    shadow->sync = SYNC_LAZY;
    int rc = shadow_fault(shadow, address, access, outcome, error);
    shadow->sync = SYNC_WRITE;
    return rc < 0 ? rc : TURN_ON;
}

static bool is_read_only(const struct vcpu *vcpu, gpa_t physical)
{
    const struct guest_region *region = NULL;
    return guest_physical(&vcpu->vm->memory, physical, 1, &region) && region->flags & REGION_READ_ONLY;
}

/* What is memory, and may be touched, is mapped now, unless it cannot be. */
static int go_on_behind_fault(
    struct vcpu *vcpu, const struct child_trap *trap, gpa_t physical, struct vm_exit *exit)
{
    if (trap->address < CHILD_BOTTOM || trap->address >= CHILD_TOP)
        return turn_fail(exit,
            "%s cannot map what the guest has at 0x%" PRIx64 ": a process has no such address",
            vcpu->vm->ops->name, trap->address);
    if (trap->no_memory) {
        exit->kind = EXIT_FAULT;
        exit->address_known = true;
        exit->address = physical;
        exit->rip = vcpu->machine.registers.rip;
        return TURN_EXIT;
    }
    if (is_stuck(vcpu, trap->address))
        return turn_fail(exit, "the guest cannot touch 0x%" PRIx64 ", although it is mapped", trap->address);
    tally(vcpu, TALLY_HIDDEN, 1);
    return TURN_ON;
}

int page_fault_take(struct vcpu *vcpu, struct space *space, const struct child_trap *trap,
    struct vm_exit *exit, struct error *error)
{
    const unsigned access = (trap->error_code & (FAULT_WRITE | FAULT_FETCH)) |
                            (machine_privilege(&vcpu->machine) == 3 ? FAULT_USER : 0);
    struct guest_fault fault = {.vector = VECTOR_PAGE_FAULT, .address = trap->address};
    struct fault_outcome outcome;
    tally(vcpu, TALLY_FAULTS, 1);
    int rc = resolve(vcpu, space, GVA(trap->address), access, &outcome, error);
    if (rc < 0)
        return rc;
    switch (outcome.kind) {
    case FAULT_INJECT:
        tally(vcpu, TALLY_TRUE, 1);
        fault.code = outcome.error_code;
        return turn_inject(vcpu, &fault, exit);
    case FAULT_STORE:
        return take_store(vcpu, GVA(trap->address), access, exit, &outcome, error);
    case FAULT_DEVICE:
        return take_access(vcpu, exit, error);
    case FAULT_FILLED:
        if (access & FAULT_WRITE && is_read_only(vcpu, outcome.to))
            return take_access(vcpu, exit, error);
        break;
    case FAULT_AGAIN:
        break;
    }
    return go_on_behind_fault(vcpu, trap, outcome.to, exit);
}
