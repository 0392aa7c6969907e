#include "monitor/deprivileged/turn.h"

#include <time.h>

int interrupts_set_waker(struct vcpu *vcpu, struct error *error)
{
    uint64_t next = apic_next(&vcpu->apic);
    if (!vcpu->waker) {
        int rc = next ? waker_open(vcpu_come_out, vcpu, &vcpu->waker, error) : 0;
        if (rc < 0 || !next)
            return rc;
    }
    waker_set(vcpu->waker, next);
    return 0;
}

int interrupts_model(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct outcome *outcome = &vcpu->outcome;
    struct vcpu_registers *registers = &vcpu->machine.registers;
    const uint32_t number = (uint32_t)outcome->address;
    uint64_t value, now = waker_now();
    bool done = outcome->write ? apic_write(&vcpu->apic, number, outcome->value, now)
                               : apic_read(&vcpu->apic, number, now, &value);
    if (!done)
        return turn_inject(vcpu, &(struct guest_fault){.vector = VECTOR_PROTECTION}, exit);
    registers->rip += outcome->bytes;
    if (!outcome->write) {
        registers->rax = (uint32_t)value;
        registers->rdx = value >> 32;
        return TURN_ON;
    }
    int rc = interrupts_set_waker(vcpu, error);
    return rc < 0 ? rc : TURN_ON;
}

/* What is due comes behind a HLT at the earliest, not in front of it: so the guest may look for work, and STI
 * and HLT then lose no interrupt. */
bool interrupts_allowed(const struct vcpu *vcpu)
{
    const uint8_t halt = 0xf4;
    uint8_t code;
    return vcpu->machine.registers.rflags & FLAG_IF &&
           (machine_code(&vcpu->machine, &code, 1) == 0 || code != halt);
}

bool interrupts_due(const struct vcpu *vcpu)
{
    return vcpu->apic.present && apic_is_due(&vcpu->apic, waker_now());
}

/* A halt by request lets interrupts in for as long as it lasts. */
static void close_again(struct vcpu *vcpu)
{
    if (vcpu->halted_closed)
        vcpu->machine.registers.rflags &= ~FLAG_IF;
    vcpu->halted_closed = false;
}

int interrupts_take(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    if (!interrupts_due(vcpu) || !interrupts_allowed(vcpu))
        return TURN_ON;
    const struct guest_fault interrupt = {.vector = apic_take(&vcpu->apic, waker_now())};
    int rc = interrupts_set_waker(vcpu, error);
    if (rc < 0 || interrupt.vector)
        return rc < 0 ? rc : turn_inject(vcpu, &interrupt, exit);
    close_again(vcpu);
    paravirt_enter(
        vcpu->vm->paravirt, &vcpu->machine, HYPERCALL_ENTRY_TICK, &(struct guest_fault){.vector = 0});
    return TURN_ON;
}

int interrupts_rest(struct vcpu *vcpu, struct vm_exit *exit)
{
    enum { NAP_NS = 1000000 }; /* so often it is looked whether somebody wants it out */
    const uint64_t now = waker_now(), next = apic_next(&vcpu->apic);
    vcpu->halted = false;
    if (apic_is_due(&vcpu->apic, now) && vcpu->machine.registers.rflags & FLAG_IF)
        return TURN_ON;
    if (!next || !(vcpu->machine.registers.rflags & FLAG_IF)) {
        close_again(vcpu);
        exit->kind = EXIT_HALT;
        return TURN_EXIT;
    }
    const uint64_t until = next < now + NAP_NS ? next : now + NAP_NS;
    const struct timespec time = {(time_t)(until / 1000000000), (long)(until % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    vcpu->halted = true;
    return TURN_ON;
}

int interrupts_halt(struct vcpu *vcpu, struct vm_exit *exit)
{
    vcpu->halted = vcpu->apic.present;
    exit->kind = EXIT_HALT;
    return vcpu->halted ? TURN_ON : TURN_EXIT;
}
