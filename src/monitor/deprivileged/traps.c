#include "monitor/deprivileged/deliver.h"
#include "monitor/deprivileged/turn.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>

int turn_fail(struct vm_exit *exit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    exit->kind = EXIT_FAILED;
    vsnprintf(exit->detail, sizeof exit->detail, format, arguments);
    va_end(arguments);
    return TURN_EXIT;
}

/* ---- what a guest raises ---- */

/* A guest that asks has no IDT. Software interrupts but those of exceptions are not for it. */
static bool deliver_by_entry(struct vcpu *vcpu, const struct guest_fault *fault)
{
    enum { EXCEPTIONS = 32 };
    const struct guest_fault refused = {.vector = VECTOR_PROTECTION, .code = fault->vector * 8 + 2};
    if (fault->vector < EXCEPTIONS)
        return paravirt_enter(vcpu->vm->paravirt, &vcpu->machine, fault->vector, fault);
    return paravirt_enter(vcpu->vm->paravirt, &vcpu->machine, VECTOR_PROTECTION, &refused);
}

int turn_inject(struct vcpu *vcpu, const struct guest_fault *fault, struct vm_exit *exit)
{
    tally(vcpu, TALLY_INJECTED, 1);
    if (vcpu->vm->paravirt ? deliver_by_entry(vcpu, fault) : deliver(&vcpu->machine, fault))
        return TURN_ON;
    exit->kind = EXIT_SHUTDOWN;
    return TURN_EXIT;
}

/* ---- hand-overs ---- */

static int take_exception(struct vcpu *vcpu, struct space *space, const struct child_trap *trap,
    struct vm_exit *exit, struct error *error)
{
    if (trap->vector == VECTOR_PAGE_FAULT)
        return page_fault_take(vcpu, space, trap, exit, error);
    vcpu->again.count = 0;
    if (trap->vector == VECTOR_PROTECTION || trap->vector == VECTOR_INVALID_OPCODE) {
        tally(vcpu, TALLY_TRAPS, 1);
        const struct machine before = vcpu->machine;
        emulate(&vcpu->machine, trap->vector, trap->error_code, &vcpu->outcome);
        if (!vcpu->vm->paravirt || paravirt_allows(vcpu->vm->paravirt, &vcpu->machine))
            return outcome_take(vcpu, exit, error);
        vcpu->machine = before;
        return turn_inject(vcpu, &(struct guest_fault){.vector = VECTOR_PROTECTION}, exit);
    }
    const struct guest_fault fault = {.vector = trap->vector,
        .code = trap->error_code,
        .software = trap->vector == VECTOR_BREAKPOINT || trap->vector == 4};
    return turn_inject(vcpu, &fault, exit);
}

static int take_request(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    struct vm *vm = vcpu->vm;
    struct vcpu_registers *registers = &vcpu->machine.registers;
    int rc;
    tally(vcpu, TALLY_HYPERCALLS, 1);
    if (!vm->paravirt && !(vm->paravirt = paravirt_open(vcpu, NULL, error))) {
        if (error->code == ENOTSUP)
            return turn_fail(exit, "%.127s", error->text);
        registers->rax = (uint64_t)-EINVAL;
        return TURN_ON;
    }
    if ((rc = paravirt_ask(vm->paravirt, &vcpu->machine, error)) < 0)
        return rc;
    const struct hypercall_outcome *outcome = &vm->paravirt->outcome;
    switch (outcome->kind) {
    case OUTCOME_TICK:
        vcpu->apic.present = true; /* for this, if for nothing else */
        apic_tick(&vcpu->apic, outcome->nanoseconds, waker_now());
        rc = interrupts_set_waker(vcpu, error);
        return rc < 0 ? rc : TURN_ON;
    case OUTCOME_HALT:
        if (interrupts_halt(vcpu, exit) == TURN_EXIT)
            return TURN_EXIT;
        vcpu->halted_closed = !(registers->rflags & FLAG_IF);
        registers->rflags |= FLAG_IF;
        return TURN_ON;
    case OUTCOME_YIELD:
        sched_yield();
        return TURN_ON;
    case OUTCOME_OUT:
        vcpu->outcome = (struct outcome){.kind = EMULATED_IO,
            .port = outcome->port,
            .write = true,
            .bytes = sizeof outcome->value,
            .value = outcome->value};
        return outcome_io(vcpu, exit);
    default:
        return TURN_ON;
    }
}

/* A system call of a process whose kernel asks. */
static int take_process_call(struct vcpu *vcpu)
{
    if (!paravirt_enter(vcpu->vm->paravirt, &vcpu->machine, HYPERCALL_ENTRY_SYSTEM_CALL,
            &(struct guest_fault){.vector = 0}))
        vcpu->machine.registers.rax = (uint64_t)-ENOSYS;
    return TURN_ON;
}

static int take_syscall(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const bool user = machine_privilege(&vcpu->machine) == 3;
    vcpu->again.count = 0;
    if (vcpu->vm->eager && !user && paravirt_is_request(vcpu->machine.registers.rax))
        return take_request(vcpu, exit, error);
    if (vcpu->vm->paravirt && user)
        return take_process_call(vcpu);
    tally(vcpu, TALLY_TRAPS, 1);
    emulate_syscall(&vcpu->machine, &vcpu->outcome);
    return outcome_take(vcpu, exit, error);
}

/* In what way 32-bit code asks cannot be told; the guest knows by what gate it has for it. */
static int take_int80(struct vcpu *vcpu, struct vm_exit *exit)
{
    vcpu->again.count = 0;
    return turn_inject(vcpu, &(struct guest_fault){.vector = 0x80, .software = true}, exit);
}

/* As a function, whose address is told: the return address is on the stack. For who does not ask there is
 * nothing there. */
static int take_call(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    struct vcpu_registers *registers = &vcpu->machine.registers;
    const struct guest_access by_kernel = {.user = false};
    const uint64_t stack = registers->rsp;
    struct guest_fault fault = {.vector = VECTOR_PAGE_FAULT, .address = CHILD_CALL, .code = FAULT_FETCH};
    const bool user = machine_privilege(&vcpu->machine) == 3;
    fault.code |= user ? FAULT_USER : 0;
    if (!vcpu->vm->paravirt || user)
        return turn_inject(vcpu, &fault, exit);
    vcpu->again.count = 0;
    if (!machine_read(&vcpu->machine, GVA(stack), &registers->rip, sizeof registers->rip, by_kernel, &fault))
        return turn_inject(vcpu, &fault, exit);
    registers->rsp = stack + sizeof registers->rip;
    return take_request(vcpu, exit, error);
}

int trap_take(struct vcpu *vcpu, struct space *space, struct child *child, const struct child_trap *trap,
    struct vm_exit *exit, struct error *error)
{
    switch (trap->kind) {
    case CHILD_EXCEPTION:
        return take_exception(vcpu, space, trap, exit, error);
    case CHILD_SYSCALL:
        return take_syscall(vcpu, exit, error);
    case CHILD_INT80:
        return take_int80(vcpu, exit);
    case CHILD_CALLED:
        return take_call(vcpu, exit, error);
    case CHILD_KICKED:
        return TURN_ON;
    case CHILD_DIED:
        break;
    }
    turn_fail(exit, "the process that the guest runs in has ended: %.80s", trap->detail);
    space_drop(vcpu, child);
    return TURN_EXIT;
}
