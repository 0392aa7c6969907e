/* Running a virtual CPU: the guest's code in its child until that hands over, and what is made of each
 * hand-over. */
#include "monitor/deprivileged/deliver.h"
#include "monitor/deprivileged/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* So often at most a guest is gone on with before whoever runs it may look around; and so often in a row the
 * same instruction may lack the same page that was just mapped. */
enum { TURNS = 4096, SAME_FAULTS = 64 };

/* The flags that code at CPL 3 changes by itself; the others are the machine's own (SDM volume 1, 3.4.3). */
#define OWN_FLAGS (UINT64_C(0x250dd5) | FLAG_NT | FLAG_RF)

enum turn { TURN_EXIT, TURN_ON, NOT_MEMORY }; /* or negative: the monitor failed */

static int fail(struct vm_exit *exit, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct vm_exit *exit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    exit->kind = EXIT_FAILED;
    vsnprintf(exit->detail, sizeof exit->detail, format, arguments);
    va_end(arguments);
    return TURN_EXIT;
}

/* ---- what a guest raised ---- */

/* A guest that asks has no IDT. Software interrupts but those of exceptions are not for it. */
static bool deliver_by_entry(struct vcpu *vcpu, const struct guest_fault *fault)
{
    enum { EXCEPTIONS = 32 };
    const struct guest_fault refused = {.vector = VECTOR_PROTECTION, .code = fault->vector * 8 + 2};
    if (fault->vector < EXCEPTIONS)
        return paravirt_enter(vcpu->vm->paravirt, &vcpu->machine, fault->vector, fault);
    return paravirt_enter(vcpu->vm->paravirt, &vcpu->machine, VECTOR_PROTECTION, &refused);
}

static int inject(struct vcpu *vcpu, const struct guest_fault *fault, struct vm_exit *exit)
{
    tally(vcpu, TALLY_INJECTED, 1);
    if (vcpu->vm->paravirt ? deliver_by_entry(vcpu, fault) : deliver(&vcpu->machine, fault))
        return TURN_ON;
    exit->kind = EXIT_SHUTDOWN;
    return TURN_EXIT;
}

/* ---- the timer, and what it interrupts ---- */

static int set_waker(struct vcpu *vcpu, struct error *error)
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

/* Reads or writes a register of the APIC. */
static int take_model(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct outcome *outcome = &vcpu->outcome;
    struct vcpu_registers *registers = &vcpu->machine.registers;
    const uint32_t number = (uint32_t)outcome->address;
    uint64_t value, now = waker_now();
    bool done = outcome->write ? apic_write(&vcpu->apic, number, outcome->value, now)
                               : apic_read(&vcpu->apic, number, now, &value);
    if (!done)
        return inject(vcpu, &(struct guest_fault){.vector = VECTOR_PROTECTION}, exit);
    registers->rip += outcome->bytes;
    if (!outcome->write) {
        registers->rax = (uint32_t)value;
        registers->rdx = value >> 32;
        return TURN_ON;
    }
    int rc = set_waker(vcpu, error);
    return rc < 0 ? rc : TURN_ON;
}

/* What is due comes behind a HLT at the earliest, not in front of it: so the guest may look for work, and STI
 * and HLT then lose no interrupt. */
static bool is_interruptible(const struct vcpu *vcpu)
{
    const uint8_t halt = 0xf4;
    uint8_t code;
    return vcpu->machine.registers.rflags & FLAG_IF &&
           (machine_code(&vcpu->machine, &code, 1) == 0 || code != halt);
}

static bool is_due(const struct vcpu *vcpu)
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

static int take_interrupt(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    if (!is_due(vcpu) || !is_interruptible(vcpu))
        return TURN_ON;
    const struct guest_fault interrupt = {.vector = apic_take(&vcpu->apic, waker_now())};
    int rc = set_waker(vcpu, error);
    if (rc < 0 || interrupt.vector)
        return rc < 0 ? rc : inject(vcpu, &interrupt, exit);
    close_again(vcpu);
    paravirt_enter(
        vcpu->vm->paravirt, &vcpu->machine, HYPERCALL_ENTRY_TICK, &(struct guest_fault){.vector = 0});
    return TURN_ON;
}

/* Halted: goes on when an interrupt is due, which it takes then; TURN_EXIT: none ever comes. */
static int rest(struct vcpu *vcpu, struct vm_exit *exit)
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

static int halt(struct vcpu *vcpu, struct vm_exit *exit)
{
    vcpu->halted = vcpu->apic.present;
    exit->kind = EXIT_HALT;
    return vcpu->halted ? TURN_ON : TURN_EXIT;
}

/* ---- what it asks of the outside ---- */

static int leave_for_io(struct vcpu *vcpu, struct vm_exit *exit)
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
            return fail(exit, "the guest's tables changed while it accessed 0x%" PRIx64, address.value);
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

/* Both pages may be touched, before anything is. */
static int begin_device(struct vcpu *vcpu, const struct machine *before, struct vm_exit *exit)
{
    const struct outcome *outcome = &vcpu->outcome;
    const struct guest_access access = {
        .user = machine_privilege(&vcpu->machine) == 3, .write = outcome->write};
    struct translated translation;
    struct guest_fault fault;
    uint64_t last = outcome->address + outcome->bytes - 1;
    vcpu->data = outcome->write ? outcome->value : 0;
    vcpu->done = 0;
    vcpu->by_user = access.user;
    vcpu->pending = true;
    if (machine_translate(&vcpu->machine, GVA(outcome->address), access, &translation, &fault) &&
        machine_translate(&vcpu->machine, GVA(last), access, &translation, &fault))
        return next_part(vcpu, exit);
    vcpu->pending = false;
    vcpu->machine = *before;
    return inject(vcpu, &fault, exit);
}

/* What the outside answered arrives; 1: there is more of the same access. */
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

static int locked_answer(struct vcpu *vcpu, struct vm_exit *exit)
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
    locked_answer(vcpu, exit);
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

static int take_outcome(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct outcome *outcome = &vcpu->outcome;
    int rc = 0;
    switch (outcome->kind) {
    case EMULATED_NEXT:
        return TURN_ON;
    case EMULATED_FAULT:
        return inject(vcpu, &outcome->fault, exit);
    case EMULATED_IO:
        return leave_for_io(vcpu, exit);
    case EMULATED_MODEL:
        return take_model(vcpu, exit, error);
    case EMULATED_DEVICE:
        return next_part(vcpu, exit);
    case EMULATED_HALT:
        return halt(vcpu, exit);
    case EMULATED_HYPERCALL:
        return answer_hypercall(vcpu);
    case EMULATED_FLUSH_PAGE:
    case EMULATED_FLUSH:
    case EMULATED_FLUSH_ALL:
        rc = flush(vcpu, error);
        break;
    case EMULATED_UNABLE:
        return fail(exit, "%s cannot do what the guest's instruction %s at 0x%" PRIx64 " asks for",
            vcpu->vm->ops->name, outcome->name, vcpu->machine.registers.rip);
    }
    return rc < 0 ? rc : TURN_ON;
}

/* ---- page faults ---- */

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
static int emulate_access(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    const struct machine before = vcpu->machine;
    emulate_device(&vcpu->machine, &vcpu->outcome);
    tally(vcpu, TALLY_TRAPS, 1);
    return vcpu->outcome.kind == EMULATED_DEVICE ? begin_device(vcpu, &before, exit)
                                                 : take_outcome(vcpu, exit, error);
}

/* A store to a page table that is write-protected. What is not known here the guest does itself: that table
 * is looked at later, as all are where stores are not emulated. */
static int emulate_store(struct vcpu *vcpu, gva_t address, unsigned access, struct vm_exit *exit,
    struct fault_outcome *outcome, struct error *error)
{
    struct shadow *shadow = vcpu->vm->shadow;
    const struct machine before = vcpu->machine;
    tally(vcpu, TALLY_TRAPS, 1);
    emulate_device(&vcpu->machine, &vcpu->outcome);
    if (vcpu->outcome.kind == EMULATED_DEVICE)
        return begin_device(vcpu, &before, exit);
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
        return fail(exit, "%s cannot map what the guest has at 0x%" PRIx64 ": a process has no such address",
            vcpu->vm->ops->name, trap->address);
    if (trap->no_memory) {
        exit->kind = EXIT_FAULT;
        exit->address_known = true;
        exit->address = physical;
        exit->rip = vcpu->machine.registers.rip;
        return TURN_EXIT;
    }
    if (is_stuck(vcpu, trap->address))
        return fail(exit, "the guest cannot touch 0x%" PRIx64 ", although it is mapped", trap->address);
    tally(vcpu, TALLY_HIDDEN, 1);
    return TURN_ON;
}

static int take_page_fault(struct vcpu *vcpu, struct space *space, const struct child_trap *trap,
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
        return inject(vcpu, &fault, exit);
    case FAULT_STORE:
        vcpu->again.count = 0;
        return emulate_store(vcpu, GVA(trap->address), access, exit, &outcome, error);
    case FAULT_DEVICE:
        return emulate_access(vcpu, exit, error);
    case FAULT_FILLED:
        if (access & FAULT_WRITE && is_read_only(vcpu, outcome.to))
            return emulate_access(vcpu, exit, error);
        break;
    case FAULT_AGAIN:
        break;
    }
    return go_on_behind_fault(vcpu, trap, outcome.to, exit);
}

/* ---- hand-overs ---- */

static int take_exception(struct vcpu *vcpu, struct space *space, const struct child_trap *trap,
    struct vm_exit *exit, struct error *error)
{
    if (trap->vector == VECTOR_PAGE_FAULT)
        return take_page_fault(vcpu, space, trap, exit, error);
    vcpu->again.count = 0;
    if (trap->vector == VECTOR_PROTECTION || trap->vector == VECTOR_INVALID_OPCODE) {
        tally(vcpu, TALLY_TRAPS, 1);
        const struct machine before = vcpu->machine;
        emulate(&vcpu->machine, trap->vector, trap->error_code, &vcpu->outcome);
        if (!vcpu->vm->paravirt || paravirt_allows(vcpu->vm->paravirt, &vcpu->machine))
            return take_outcome(vcpu, exit, error);
        vcpu->machine = before;
        return inject(vcpu, &(struct guest_fault){.vector = VECTOR_PROTECTION}, exit);
    }
    const struct guest_fault fault = {.vector = trap->vector,
        .code = trap->error_code,
        .software = trap->vector == VECTOR_BREAKPOINT || trap->vector == 4};
    return inject(vcpu, &fault, exit);
}

static int take_request(struct vcpu *vcpu, struct vm_exit *exit, struct error *error)
{
    struct vm *vm = vcpu->vm;
    struct vcpu_registers *registers = &vcpu->machine.registers;
    int rc;
    tally(vcpu, TALLY_HYPERCALLS, 1);
    if (!vm->paravirt && !(vm->paravirt = paravirt_open(vcpu, error))) {
        if (error->code == ENOTSUP)
            return fail(exit, "%.127s", error->text);
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
        rc = set_waker(vcpu, error);
        return rc < 0 ? rc : TURN_ON;
    case OUTCOME_HALT:
        if (halt(vcpu, exit) == TURN_EXIT)
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
        return leave_for_io(vcpu, exit);
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
    return take_outcome(vcpu, exit, error);
}

/* In what way 32-bit code asks cannot be told; the guest knows by what gate it has for it. */
static int take_int80(struct vcpu *vcpu, struct vm_exit *exit)
{
    vcpu->again.count = 0;
    return inject(vcpu, &(struct guest_fault){.vector = 0x80, .software = true}, exit);
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
        return inject(vcpu, &fault, exit);
    vcpu->again.count = 0;
    if (!machine_read(&vcpu->machine, GVA(stack), &registers->rip, sizeof registers->rip, by_kernel, &fault))
        return inject(vcpu, &fault, exit);
    registers->rsp = stack + sizeof registers->rip;
    return take_request(vcpu, exit, error);
}

static int take_trap(struct vcpu *vcpu, struct space *space, struct child *child,
    const struct child_trap *trap, struct vm_exit *exit, struct error *error)
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
    fail(exit, "the process that the guest runs in has ended: %.80s", trap->detail);
    space_drop(vcpu, child);
    return TURN_EXIT;
}

/* ---- running ---- */

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
    return 0;
}

/* It became due after it was last looked; from now on the waker kicks the child. */
static bool is_to_be_interrupted(struct vcpu *vcpu)
{
    if (!is_due(vcpu))
        return false;
    pthread_rwlock_rdlock(&vcpu->vm->memory_lock);
    bool interruptible = is_interruptible(vcpu);
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
    int rc = take_interrupt(vcpu, exit, error), made = 0;
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
    rc = take_trap(vcpu, space, child, &trap, exit, error);
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
    if (locked_answer(vcpu, exit))
        return 0;
    for (int i = 0; i < TURNS; i++) {
        *exit = (struct vm_exit){.kind = EXIT_KICKED};
        if (atomic_exchange(&vcpu->kicked, false))
            return 0;
        exit->kind = EXIT_INTERRUPTED;
        if (stop_asked(vcpu->vm->stop))
            return 0;
        rc = vcpu->halted ? rest(vcpu, exit) : TURN_ON;
        if (rc == TURN_ON && !vcpu->halted)
            rc = locked_turn(vcpu, exit, error);
        if (rc != TURN_ON)
            return rc < 0 ? rc : 0;
    }
    exit->kind = EXIT_INTERRUPTED;
    return 0;
}
