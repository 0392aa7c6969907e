#include "monitor/deprivileged/turn.h"

#include <inttypes.h>

int outcome_io(struct vcpu *vcpu, struct vm_exit *exit)
{
    const struct outcome *outcome = &vcpu->outcome;
    vcpu->data = outcome->write ? outcome->value : 0;
    vcpu->done = 0;
    vcpu->part = outcome->bytes;
    vcpu->pending = true;
    exit->kind = EXIT_IO;
    exit->write = outcome->write;
    exit->port = outcome->port;
    exit->size = outcome->bytes;
    exit->count = 1;
    exit->data = &vcpu->data;
    return TURN_EXIT;
}

static unsigned to_page_end(uint64_t address, unsigned bytes)
{
    unsigned left = 4096 - address % 4096;
    return left < bytes ? left : bytes;
}

/* The next part of an access to memory: what lies in one page. What is memory is done at once. */
static int next_part(struct vcpu *vcpu, struct vm_exit *exit)
{
    const struct outcome *outcome = &vcpu->outcome;
    struct guest_access access = {.user = vcpu->by_user, .write = outcome->write};
    while (vcpu->done < outcome->bytes) {
        const gva_t address = GVA(outcome->address + vcpu->done);
        char *data = (char *)&vcpu->data + vcpu->done;
        struct translated translation;
        struct guest_fault ignored;
        vcpu->part = to_page_end(address.value, outcome->bytes - vcpu->done);
        if (outcome->write ? machine_write(&vcpu->machine, address, data, vcpu->part, access, &ignored)
                           : machine_read(&vcpu->machine, address, data, vcpu->part, access, &ignored)) {
            vcpu->done += vcpu->part;
            continue;
        }
        if (!machine_translate(&vcpu->machine, address, access, &translation, &ignored))
            return turn_fail(exit, "the guest's tables changed while it accessed 0x%" PRIx64, address.value);
        exit->kind = EXIT_MMIO;
        exit->write = outcome->write;
        exit->address = translation.physical;
        exit->size = vcpu->part;
        exit->count = 1;
        exit->data = data;
        return TURN_EXIT;
    }
    vcpu->pending = false;
    if (!outcome->write)
        emulate_arrive(&vcpu->machine, outcome, vcpu->data);
    return TURN_ON;
}

int outcome_device(struct vcpu *vcpu, const struct machine *before, struct vm_exit *exit)
{
    const struct outcome *outcome = &vcpu->outcome;
    const struct guest_access access = {
        .user = machine_privilege(&vcpu->machine) == 3, .write = outcome->write};
    struct guest_fault fault;
    vcpu->data = outcome->write ? outcome->value : 0;
    vcpu->done = 0;
    vcpu->by_user = access.user;
    vcpu->pending = true;
    if (machine_may_touch(&vcpu->machine, GVA(outcome->address), outcome->bytes, access, &fault))
        return next_part(vcpu, exit);
    vcpu->pending = false;
    vcpu->machine = *before;
    return turn_inject(vcpu, &fault, exit);
}

static int take_answer(struct vcpu *vcpu, struct vm_exit *exit)
{
    vcpu->done += vcpu->part;
    if (vcpu->outcome.kind == EMULATED_DEVICE)
        return next_part(vcpu, exit) == TURN_EXIT;
    vcpu->pending = false;
    if (!vcpu->outcome.write)
        emulate_arrive(&vcpu->machine, &vcpu->outcome, vcpu->data);
    return 0;
}

int outcome_answer(struct vcpu *vcpu, struct vm_exit *exit)
{
    if (!vcpu->pending)
        return 0;
    pthread_mutex_lock(&vcpu->lock);
    pthread_rwlock_rdlock(&vcpu->vm->memory_lock);
    int rc = take_answer(vcpu, exit);
    pthread_rwlock_unlock(&vcpu->vm->memory_lock);
    pthread_mutex_unlock(&vcpu->lock);
    return rc;
}

int deprivileged_complete(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    if (rc < 0)
        return rc;
    *exit = (struct vm_exit){.kind = EXIT_INTERRUPTED};
    outcome_answer(vcpu, exit);
    return 0;
}

/* KVM's answer to a hypercall that it does not know (-KVM_ENOSYS of linux/kvm_para.h). */
static int answer_hypercall(struct vcpu *vcpu)
{
    vcpu->machine.registers.rax = (uint64_t)-1000;
    return TURN_ON;
}

/* What the guest has told its TLB to forget. */
static int flush(struct vcpu *vcpu, struct error *error)
{
    const struct outcome *outcome = &vcpu->outcome;
    struct shadow *shadow = vcpu->vm->shadow ? shadowing(vcpu) : NULL;
    tally(vcpu, TALLY_FLUSHES, 1);
    switch (outcome->kind) {
    case EMULATED_FLUSH_PAGE:
        if (shadow)
            return shadow_flush(shadow, GVA(outcome->address), error);
        space_forget_page(vcpu, GVA(outcome->address));
        return 0;
    case EMULATED_FLUSH:
        return shadow ? shadow_switch(shadow, vcpu->machine.system.page_tables, error)
                      : space_forget(vcpu, error);
    default:
        if (shadow)
            return shadow_forget(shadow, error);
        space_forget_all(vcpu);
        return 0;
    }
}

int outcome_take(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct outcome *outcome = &vcpu->outcome;
    int rc = 0;
    switch (outcome->kind) {
    case EMULATED_NEXT:
        return TURN_ON;
    case EMULATED_FAULT:
        return turn_inject(vcpu, &outcome->fault, exit);
    case EMULATED_IO:
        return outcome_io(vcpu, exit);
    case EMULATED_MODEL:
        return interrupts_model(vcpu, exit, error);
    case EMULATED_DEVICE:
        return next_part(vcpu, exit);
    case EMULATED_HALT:
        return interrupts_halt(vcpu, exit);
    case EMULATED_HYPERCALL:
        return answer_hypercall(vcpu);
    case EMULATED_FLUSH_PAGE:
    case EMULATED_FLUSH:
    case EMULATED_FLUSH_ALL:
        rc = flush(vcpu, error);
        break;
    case EMULATED_UNABLE:
        return turn_fail(exit, "%s cannot do what the guest's instruction %s at 0x%" PRIx64 " asks for",
            vcpu->vm->ops->name, outcome->name, vcpu->machine.registers.rip);
    }
    return rc < 0 ? rc : TURN_ON;
}
