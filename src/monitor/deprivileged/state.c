/* The state of a virtual CPU out and in: registers and what is on its way to it; the rest is in state_….c. */
#include "monitor/deprivileged/state.h"

#include "monitor/deprivileged/turn.h"

#include <errno.h>
#include <linux/kvm.h>

enum { MSR_TSC = 0x10, MSR_STAR = 0xc0000081, MSR_LSTAR, MSR_FMASK = 0xc0000084, MSR_KERNEL_GS = 0xc0000102 };

void *state_add(
    struct vcpu *vcpu, struct machine_state *state, enum state_kind kind, size_t bytes, struct error *error)
{
    return machine_state_add(state, kind, vcpu->id, bytes, error);
}

/* NULL with *error: there is none, or of another size (bytes 0: of any). */
const void *state_find(const struct vcpu *vcpu, const struct machine_state *state, enum state_kind kind,
    size_t bytes, const char *what, size_t *found, struct error *error)
{
    const struct state_part *part = machine_state_find(state, kind, vcpu->id);
    if (part && (!bytes || part->bytes == bytes)) {
        if (found)
            *found = part->bytes;
        return part->data;
    }
    error_set(error, EPROTO, "the saved state has no %s of virtual CPU %u", what, vcpu->id);
    return NULL;
}

/* ---- registers ---- */

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint64_t base)
{
    const bool code = type == 11;
    return (struct kvm_segment){.base = base,
        .limit = 0xffffffff,
        .selector = selector,
        .type = type,
        .present = 1,
        .dpl = selector & 3,
        .s = 1,
        .l = code,
        .db = !code,
        .g = 1};
}

static int take_system(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct machine *machine = &vcpu->machine;
    const struct vcpu_system *system = &machine->system;
    const uint16_t data = system->ss_selector;
    struct kvm_sregs *sregs = state_add(vcpu, state, STATE_SYSTEM, sizeof *sregs, error);
    if (!sregs)
        return -error->code;
    *sregs = (struct kvm_sregs){.cs = segment(system->cs_selector, 11, 0),
        .ds = segment(data, 3, 0),
        .es = segment(data, 3, 0),
        .fs = segment(data, 3, system->fs_base),
        .gs = segment(data, 3, system->gs_base),
        .ss = segment(data, 3, 0),
        .tr = {.base = system->tss.value,
            .limit = system->tss_limit,
            .selector = system->tss_selector,
            .type = 11,
            .present = 1},
        .ldt = {.unusable = 1},
        .gdt = {.base = system->gdt.value, .limit = system->gdt_limit},
        .idt = {.base = system->idt.value, .limit = system->idt_limit},
        .cr0 = system->cr0,
        .cr2 = system->fault_address,
        .cr3 = system->page_tables.value,
        .cr4 = system->cr4,
        .cr8 = machine->task_priority,
        .efer = system->efer,
        .apic_base = vcpu->apic.base};
    return 0;
}

struct msrs {
    struct kvm_msr_entry star, entry, mask, kernel_gs, tsc;
};

static int take_msrs(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct vcpu_system *system = &vcpu->machine.system;
    struct msrs *msrs = state_add(vcpu, state, STATE_MSRS, sizeof *msrs, error);
    if (!msrs)
        return -error->code;
    *msrs = (struct msrs){.star = {.index = MSR_STAR, .data = system->star},
        .entry = {.index = MSR_LSTAR, .data = system->syscall_entry.value},
        .mask = {.index = MSR_FMASK, .data = system->syscall_mask},
        .kernel_gs = {.index = MSR_KERNEL_GS, .data = vcpu->machine.kernel_gs_base},
        .tsc = {.index = MSR_TSC, .data = __builtin_ia32_rdtsc()}};
    return 0;
}

/* Those that guests have here; the time-stamp counter is the host's. */
static int put_system(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    size_t bytes = 0;
    const struct kvm_sregs *sregs =
        state_find(vcpu, state, STATE_SYSTEM, sizeof *sregs, "system registers", NULL, error);
    const struct kvm_msr_entry *msrs =
        sregs ? state_find(vcpu, state, STATE_MSRS, 0, "MSRs", &bytes, error) : NULL;
    if (!msrs)
        return -error->code;
    if (!sregs->cs.l)
        return error_set(error, ENOTSUP, "%s runs 64-bit guests only", vcpu->vm->ops->name);
    struct vcpu_system system = {.page_tables = GPA(sregs->cr3),
        .cr0 = sregs->cr0,
        .cr4 = sregs->cr4,
        .efer = sregs->efer,
        .cs_selector = sregs->cs.selector,
        .ss_selector = sregs->ss.selector,
        .fs_base = sregs->fs.base,
        .gs_base = sregs->gs.base,
        .gdt = GVA(sregs->gdt.base),
        .idt = GVA(sregs->idt.base),
        .tss = GVA(sregs->tr.base),
        .gdt_limit = sregs->gdt.limit,
        .idt_limit = sregs->idt.limit,
        .tss_limit = (uint16_t)sregs->tr.limit,
        .tss_selector = sregs->tr.selector};
    for (size_t i = 0; i < bytes / sizeof *msrs; i++)
        switch (msrs[i].index) {
        case MSR_STAR:
            system.star = msrs[i].data;
            break;
        case MSR_LSTAR:
            system.syscall_entry = GVA(msrs[i].data);
            break;
        case MSR_FMASK:
            system.syscall_mask = msrs[i].data;
            break;
        case MSR_KERNEL_GS:
            vcpu->machine.kernel_gs_base = msrs[i].data;
            break;
        default:
            break;
        }
    vcpu->machine.system.fault_address = sregs->cr2;
    vcpu->machine.task_priority = sregs->cr8 & 15;
    vcpu->apic.base = sregs->apic_base;
    return deprivileged_set_system(vcpu, &system, error);
}

static int take_registers(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    const struct vcpu_registers *from = &vcpu->machine.registers;
    struct kvm_regs *regs = state_add(vcpu, state, STATE_REGISTERS, sizeof *regs, error);
    struct kvm_debugregs *debug = state_add(vcpu, state, STATE_DEBUG, sizeof *debug, error);
    if (!regs || !debug)
        return -error->code;
    *regs = (struct kvm_regs){from->rax, from->rbx, from->rcx, from->rdx, from->rsi, from->rdi, from->rsp,
        from->rbp, from->r8, from->r9, from->r10, from->r11, from->r12, from->r13, from->r14, from->r15,
        from->rip, from->rflags};
    *debug = (struct kvm_debugregs){.dr6 = 0xffff0ff0, .dr7 = 0x400};
    return 0;
}

static int put_registers(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    const struct kvm_regs *from =
        state_find(vcpu, state, STATE_REGISTERS, sizeof *from, "registers", NULL, error);
    const struct kvm_debugregs *debug =
        from ? state_find(vcpu, state, STATE_DEBUG, sizeof *debug, "debug registers", NULL, error) : NULL;
    if (!debug)
        return -error->code;
    if (debug->dr7 & 0xff)
        return error_set(error, ENOTSUP,
            "the guest uses breakpoints of the debug registers, which %s does not give it",
            vcpu->vm->ops->name);
    const struct vcpu_registers registers = {from->rax, from->rbx, from->rcx, from->rdx, from->rsi, from->rdi,
        from->rsp, from->rbp, from->r8, from->r9, from->r10, from->r11, from->r12, from->r13, from->r14,
        from->r15, from->rip, from->rflags & ~FLAG_VM};
    return deprivileged_set_registers(vcpu, &registers, error);
}

/* ---- interrupts ---- */

static int take_events(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    struct kvm_vcpu_events *events = state_add(vcpu, state, STATE_EVENTS, sizeof *events, error);
    struct kvm_mp_state *runnable = state_add(vcpu, state, STATE_RUNNABLE, sizeof *runnable, error);
    char *apic = vcpu->apic.present ? state_add(vcpu, state, STATE_LAPIC, APIC_PAGE_BYTES, error) : NULL;
    if (!events || !runnable || (vcpu->apic.present && !apic))
        return -error->code;
    runnable->mp_state = vcpu->halted ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE;
    if (apic)
        apic_save(&vcpu->apic, waker_now(), apic);
    return 0;
}

/* An interrupt that KVM was about to deliver is due once more here. */
static int put_events(struct vcpu *vcpu, const struct machine_state *state, struct error *error)
{
    const struct kvm_vcpu_events *events =
        state_find(vcpu, state, STATE_EVENTS, sizeof *events, "pending events", NULL, error);
    const struct kvm_mp_state *runnable =
        events ? state_find(vcpu, state, STATE_RUNNABLE, sizeof *runnable, "state of running", NULL, error)
               : NULL;
    const char *apic = runnable && vcpu->apic.present
                           ? state_find(vcpu, state, STATE_LAPIC, APIC_PAGE_BYTES, "local APIC", NULL, error)
                           : NULL;
    if (!runnable || (vcpu->apic.present && !apic))
        return -error->code;
    if (events->exception.injected || events->exception.pending || events->nmi.injected ||
        events->nmi.pending || events->smi.smm)
        return error_set(error, ENOTSUP,
            "virtual CPU %u was saved with an exception on its way, which %s cannot take over: save it once "
            "more",
            vcpu->id, vcpu->vm->ops->name);
    vcpu->halted = runnable->mp_state == KVM_MP_STATE_HALTED && vcpu->apic.present;
    if (!apic)
        return 0;
    apic_restore(&vcpu->apic, vcpu->apic.base, apic, waker_now());
    if (events->interrupt.injected) {
        vcpu->apic.waiting = true;
        vcpu->apic.served = false;
    }
    return interrupts_set_waker(vcpu, error);
}

/* ---- all of it ---- */

int deprivileged_save_cpu(struct vcpu *vcpu, struct machine_state *state, struct error *error)
{
    enum { PARTS = 8 };
    struct vm_exit exit;
    int rc = deprivileged_own(vcpu, error);
    for (int part = 0; rc == 0 && vcpu->pending && part < PARTS; part++)
        rc = deprivileged_complete(vcpu, &exit, error);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&vcpu->lock);
    if ((rc = state_take_cpuid(vcpu, state, error)) == 0 && (rc = take_system(vcpu, state, error)) == 0 &&
        (rc = take_registers(vcpu, state, error)) == 0 && (rc = state_take_xsave(vcpu, state, error)) == 0 &&
        (rc = take_msrs(vcpu, state, error)) == 0 && (rc = take_events(vcpu, state, error)) == 0)
        rc = state_take_requests(vcpu, state, error);
    pthread_mutex_unlock(&vcpu->lock);
    return rc;
}

int deprivileged_restore_cpu(struct vcpu *vcpu, const struct machine_state *state,
    const struct state_pause *pause, struct error *error)
{
    int rc = deprivileged_own(vcpu, error);
    (void)pause; /* its clocks are the host's */
    if (rc < 0)
        return rc;
    state_drop_requests(vcpu);
    if ((rc = put_system(vcpu, state, error)) == 0 && (rc = put_registers(vcpu, state, error)) == 0 &&
        (rc = state_put_xsave(vcpu, state, error)) == 0 && (rc = put_events(vcpu, state, error)) == 0)
        rc = state_put_requests(vcpu, state, error);
    return rc;
}

/* The machine beside its virtual CPUs has a clock and nothing else. */
int deprivileged_save_machine(struct vm *vm, struct machine_state *state, struct error *error)
{
    struct kvm_clock_data *clock =
        machine_state_add(state, STATE_CLOCK, STATE_OF_MACHINE, sizeof *clock, error);
    (void)vm;
    if (!clock)
        return -error->code;
    clock->clock = waker_now();
    return 0;
}

int deprivileged_restore_machine(
    struct vm *vm, const struct machine_state *state, const struct state_pause *pause, struct error *error)
{
    (void)vm, (void)state, (void)pause, (void)error;
    return 0;
}
